begin;
select plan(6);
select pgflow_tests.reset_db();

select is(
  pgflow.ensure_flow_compiled('f', '{
    "startable_by": ["authenticated", "anon", "anon"], "open_runs_per_owner": 2,
    "starts_per_minute_per_owner": 3,
    "steps": [{"step_slug": "a", "performed_by": "approval", "assignee": "owner"}]
  }') ->> 'status',
  'compiled',
  'a shape may say who may start a flow and who answers'
);
prepare rules as
  select f.startable_by, f.open_runs_per_owner, f.starts_per_minute_per_owner, s.assignee
  from pgflow.flows f join pgflow.steps s using (flow_slug);
select results_eq(
  'rules', $$ values (array['anon', 'authenticated'], 2, 3, 'owner') $$, 'roles are stored in order, once each'
);
select is(
  pgflow.ensure_flow_compiled('f', '{
    "startable_by": null, "steps": [{"step_slug": "a", "performed_by": "approval", "assignee": "role:boss"}]
  }'),
  '{"status": "verified", "differences": []}',
  'they are no part of the shape'
);
select results_eq(
  'rules', $$ values ('{}'::text[], null::int, null::int, 'role:boss') $$, 'those of the code replace them'
);
select pgflow.ensure_flow_compiled('f', '{"startable_by": ["anon"], "steps": []}');
select results_eq(
  'rules', $$ values ('{}'::text[], null::int, null::int, 'role:boss') $$,
  'a shape that differs lets nobody in'
);
select is(
  (pgflow.create_flow('f', startable_by => array['anon'])).startable_by,
  '{}',
  'nor does create_flow for a flow that exists'
);

select finish();
rollback;
