-- calculate_retry_delay: seconds to wait after the given attempt failed: base_delay * 2^attempts.
--
-- Never above one hour; the exponent is clamped before power(), which would overflow. Not language
-- sql, because that would be one more statement for each failed task of a batch.
create or replace function pgflow.calculate_retry_delay(base_delay numeric, attempts_count int)
  returns int
  language plpgsql
  immutable
  parallel safe
  set search_path = ''
as $$
begin
  return floor(
    least(base_delay * power(2::numeric, least(greatest(attempts_count, 0), 32)), 3600)
  );
end;
$$;

comment on function pgflow.calculate_retry_delay(numeric, int) is
  'Seconds to wait before the next attempt: base_delay * 2^attempts_count, at most one hour.';

-- _retry_delay: seconds to wait before a task's next attempt, of which a part may be random.
--
-- Tasks that failed together because of something they share then do not come back together.
create or replace function pgflow._retry_delay(
  base_delay numeric,
  attempts_count int,
  jitter float8
)
  returns int
  language plpgsql
  set search_path = ''
as $$
begin
  return floor(
    pgflow.calculate_retry_delay(base_delay, attempts_count) * (1 - jitter * random())
  );
end;
$$;
