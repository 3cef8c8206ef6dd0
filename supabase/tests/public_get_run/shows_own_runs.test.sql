begin;
select plan(7);
select pgflow_tests.reset_db();
select pgflow.create_flow('review', startable_by => array['authenticated'], max_attempts => 1);
select pgflow.add_step('review', 'ask', performed_by => 'approval', timeout => 60, assignee => 'owner');
select pgflow.add_step('review', 'draft');
select pgflow.add_step('review', 'print', array['ask', 'draft'], when_exhausted => 'skip');

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select public.start_flow('review', '{"title": "T"}', '10000000-0000-4000-8000-000000000001');
select is(
  (
    select jsonb_agg(s - '{created_at,started_at}'::text[] #- '{waiting,0,since}' #- '{waiting,0,until}')
    from jsonb_array_elements(public.get_run('10000000-0000-4000-8000-000000000001') -> 'steps') s
  ),
  '[
    {
      "step_slug": "ask", "step_type": "single", "performed_by": "approval", "deps_slugs": [], "status": "started",
      "output": null, "error_message": null, "skip_reason": null, "initial_tasks": 1,
      "remaining_tasks": 1, "remaining_deps": 0, "completed_at": null, "failed_at": null,
      "skipped_at": null, "cancelled_at": null, "failures": [],
      "waiting": [{
        "task_index": 0, "assignee": "user:a0000000-0000-4000-8000-00000000000a", "mine": true,
        "input": {"run": {"title": "T"}}
      }]
    },
    {
      "step_slug": "draft", "step_type": "single", "performed_by": "handler", "deps_slugs": [], "status": "started",
      "output": null, "error_message": null, "skip_reason": null, "initial_tasks": 1,
      "remaining_tasks": 1, "remaining_deps": 0, "completed_at": null, "failed_at": null,
      "skipped_at": null, "cancelled_at": null, "failures": [], "waiting": []
    },
    {
      "step_slug": "print", "step_type": "single", "performed_by": "handler",
      "deps_slugs": ["ask", "draft"], "status": "created",
      "output": null, "error_message": null, "skip_reason": null, "initial_tasks": 1,
      "remaining_tasks": 1, "remaining_deps": 2, "completed_at": null, "failed_at": null,
      "skipped_at": null, "cancelled_at": null, "failures": [], "waiting": []
    }
  ]',
  'an owner sees the steps in order, and what an approval has to decide'
);
select is(
  (public.get_run('10000000-0000-4000-8000-000000000001') -> 'run') - 'started_at',
  '{
    "run_id": "10000000-0000-4000-8000-000000000001", "flow_slug": "review", "status": "started",
    "input": {"title": "T"}, "output": null, "error_message": null, "remaining_steps": 3,
    "owner": "a0000000-0000-4000-8000-00000000000a", "broadcast": true, "root_run_id": null,
    "parent_run_id": null, "parent_step_slug": null, "parent_task_index": null, "start_at": null,
    "completed_at": null, "failed_at": null, "cancelled_at": null
  }',
  'and the run without its idempotency key'
);
select public.complete_step('10000000-0000-4000-8000-000000000001', 'ask', '"yes"');

reset role;
select * from pgflow_tests.poll_and_complete('review');
select * from pgflow_tests.poll_and_fail('review');
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select is(
  (
    select jsonb_agg(
      jsonb_build_array(s -> 'step_slug', s -> 'status', s -> 'output', s -> 'waiting', s #> '{failures,0,error_message}')
    )
    from jsonb_array_elements(public.get_run('10000000-0000-4000-8000-000000000001') -> 'steps') s
  ),
  '[
    ["ask", "completed", "yes", [], null],
    ["draft", "completed", {"step": "draft", "index": 0}, [], null],
    ["print", "skipped", null, [], "print failed"]
  ]',
  'and later the outputs and the failed attempts'
);

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b');
select throws_ok(
  $$ select public.get_run('10000000-0000-4000-8000-000000000001') $$,
  'PF005', 'Cannot get run "10000000-0000-4000-8000-000000000001": it does not exist',
  'to another user the run does not exist'
);
select throws_ok(
  $$ select public.get_run('10000000-0000-4000-8000-000000000009') $$,
  'PF005', 'Cannot get run "10000000-0000-4000-8000-000000000009": it does not exist',
  'just as one that there is not'
);
reset role;
select pgflow_tests.act_as('service_role');
select is(
  public.get_run('10000000-0000-4000-8000-000000000001') #>> '{run,status}', 'completed', 'the server sees it'
);
reset role;
select pgflow_tests.act_as('anon');
select throws_ok(
  $$ select public.get_run('10000000-0000-4000-8000-000000000001') $$,
  '42501', 'permission denied for function get_run', 'who is not signed in has no runs'
);

select finish();
rollback;
