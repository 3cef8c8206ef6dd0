-- schema_version: the version of the installed schema, for workers to compare with their own.
create or replace function pgflow.schema_version()
  returns text
  language sql
  immutable
  set search_path = ''
as $$
  select '0.1.0'::text;
$$;

comment on function pgflow.schema_version() is 'The version of the installed schema.';

-- uninstall: remove pgflow, all its flows, runs and queues.
--
-- There is no way back, so it wants to hear what it does: confirm => 'delete all flows and runs'.
create or replace function pgflow.uninstall(confirm text)
  returns void
  language plpgsql
  set search_path = ''
  set client_min_messages = warning
as $$
begin
  if uninstall.confirm is distinct from 'delete all flows and runs' then
    raise exception using
      errcode = '22023',
      message = 'Cannot uninstall pgflow: it deletes all flows and runs, and was not told to',
      hint = 'Call pgflow.uninstall(confirm => ''delete all flows and runs'').';
  end if;

  perform pgflow.remove_watchdog();
  perform pgmq.drop_queue(f.flow_slug) from pgflow.flows f;
  drop function
    public.start_flow(text, jsonb, uuid, text, timestamptz, uuid),
    public.get_run(uuid),
    public.list_runs(text, text, int, jsonb),
    public.cancel_run(uuid),
    public.retry_run(uuid),
    public.complete_step(uuid, text, jsonb, int),
    public.fail_step(uuid, text, text, int),
    public.list_approvals(int, jsonb);
  drop schema pgflow cascade;
end;
$$;

comment on function pgflow.uninstall(text) is 'Removes pgflow with all its flows, runs and queues.';
