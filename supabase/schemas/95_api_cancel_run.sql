-- api_cancel_run: cancel a run for a caller who may read it; one that has ended stays as it is.
create or replace function pgflow.api_cancel_run(run_id uuid)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs := pgflow._require_run(api_cancel_run.run_id, 'cancel');
begin
  perform pgflow.cancel_run(v_run.run_id);
  return pgflow._run_json(r) from pgflow.runs r where r.run_id = v_run.run_id;
end;
$$;

comment on function pgflow.api_cancel_run(uuid) is 'Cancels a run for a caller who may read it.';

-- public.cancel_run: what supabase.rpc('cancel_run', { run_id }) calls.
create or replace function public.cancel_run(run_id uuid)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_cancel_run(cancel_run.run_id);
$$;

comment on function public.cancel_run(uuid) is
  'Cancels a run of the caller''s and returns it; one that has ended stays as it is.';
