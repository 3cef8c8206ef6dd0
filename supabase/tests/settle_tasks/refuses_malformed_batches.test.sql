begin;
select plan(7);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow('single', '1', run_id => '10000000-0000-4000-8000-000000000001');

select throws_ok(
  $$ select * from pgflow.settle_tasks('{"run_id": 1}') $$,
  '22023', 'Cannot settle tasks: results is not an array',
  'an object'
);
select throws_ok(
  $$ select * from pgflow.settle_tasks(null) $$,
  '22023', 'Cannot settle tasks: results is not an array',
  'null'
);
select throws_ok(
  $$ select * from pgflow.settle_tasks('"[]"') $$,
  '22023', 'Cannot settle tasks: results is not an array',
  'a text that looks like an array'
);
select throws_ok(
  $$ select * from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": 0, "output": 1},
       {"run_id": "no uuid", "step_slug": "only", "task_index": 0, "output": 1}
     ]') $$,
  '22P02', 'invalid input syntax for type uuid: "no uuid"',
  'a run_id that is no uuid'
);
select throws_ok(
  $$ select * from pgflow.settle_tasks('[
       {"run_id": "10000000-0000-4000-8000-000000000001", "step_slug": "only", "task_index": "first", "output": 1}
     ]') $$,
  '22P02', 'invalid input syntax for type integer: "first"',
  'a task_index that is no number'
);
select results_eq(
  $$ select status, attempts_count from pgflow.step_tasks $$,
  $$ values ('queued', 0) $$,
  'a batch that is refused changes nothing'
);
select is_empty('select * from pgflow.broken_invariants', 'no invariant is broken');

select finish();
rollback;
