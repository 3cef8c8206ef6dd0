-- calculate_retry_delay: seconds to wait after the given attempt failed: base_delay * 2^attempts.
--
-- Never above one hour; the exponent is clamped before power(), which would overflow.
create or replace function pgflow.calculate_retry_delay(base_delay numeric, attempts_count int)
  returns int
  language sql
  immutable
  parallel safe
  set search_path = ''
as $$
  select floor(
    least(base_delay * power(2::numeric, least(greatest(attempts_count, 0), 32)), 3600)
  )::int;
$$;

comment on function pgflow.calculate_retry_delay(numeric, int) is
  'Seconds to wait before the next attempt: base_delay * 2^attempts_count, at most one hour.';
