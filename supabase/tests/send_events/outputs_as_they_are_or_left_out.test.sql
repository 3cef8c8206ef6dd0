begin;
select plan(3);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow_tests.setup_flow('single');

select pgflow.complete_task(r.run_id, 'only', 0, o.output)
from unnest(array['null', '0', 'false', '""', '{"a": null}']::jsonb[]) as o (output)
cross join lateral (
  select (x -> 'run' ->> 'run_id')::uuid as run_id from pgflow.start_flow_with_states('single', o.output) x
) r;
select results_eq(
  $$ select payload -> 'output' from realtime.messages where event = 'step:only:completed' order by ctid $$,
  $$ values ('null'::jsonb), ('0'), ('false'), ('""'), ('{"a": null}') $$,
  'outputs that look like nothing are told as they are'
);

-- Repeated text takes little room where it is stored, but not in a message.
select pgflow.start_flow_with_states('single', '1', '10000000-0000-4000-8000-000000000001');
select pgflow.complete_task(
  '10000000-0000-4000-8000-000000000001', 'only', 0, to_jsonb(repeat('x', 100000))
);
select results_eq(
  $$ select event, payload -> 'output', payload -> 'output_omitted'
     from pgflow_tests.events('10000000-0000-4000-8000-000000000001') offset 2 $$,
  $$ values ('step:only:completed', null::jsonb, 'true'::jsonb), ('run:completed', null, 'true') $$,
  'an output too large for a message is left out'
);
select pgflow.start_flow_with_states('single', '1', '10000000-0000-4000-8000-000000000002');
select pgflow.complete_task('10000000-0000-4000-8000-000000000002', 'only', 0, to_jsonb(repeat('x', 16382)));
select results_eq(
  $$ select event, length(payload ->> 'output'), payload -> 'output_omitted'
     from pgflow_tests.events('10000000-0000-4000-8000-000000000002') offset 2 $$,
  $$ values ('step:only:completed', 16382, null::jsonb), ('run:completed', null, 'true') $$,
  'one of 16 kB is not'
);

select finish();
rollback;
