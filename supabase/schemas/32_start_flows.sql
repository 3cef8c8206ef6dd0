-- start_flows: start one run per element of an array of inputs, as one set.
create or replace function pgflow.start_flows(flow_slug text, inputs jsonb)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
declare
  v_run_ids uuid[];
begin
  if jsonb_typeof(start_flows.inputs) is distinct from 'array' then
    raise exception using
      errcode = '22023',
      message = format('Cannot start flow "%s": inputs is not an array', start_flows.flow_slug),
      hint = 'Pass a JSON array with one input per run.';
  end if;

  select pgflow._start_runs(
    start_flows.flow_slug,
    coalesce(
      array_agg(jsonb_populate_record(null::pgflow.runs, jsonb_build_object('input', i.input))),
      '{}'
    )
  )
  into v_run_ids
  from jsonb_array_elements(start_flows.inputs) as i (input);

  if cardinality(v_run_ids) > 0 then
    perform pgflow._wake_workers(array[start_flows.flow_slug]);
  end if;

  return query
  select r.*
  from unnest(v_run_ids) with ordinality as x (run_id, position)
  join pgflow.runs r on r.run_id = x.run_id
  order by x.position;
end;
$$;

comment on function pgflow.start_flows(text, jsonb) is
  'Starts one run per element of inputs and returns the runs in that order.';
