begin;
select plan(18);
select pgflow_tests.reset_db();
select pgflow.create_flow('expense', startable_by => array['authenticated']);
select pgflow.add_step('expense', 'by_owner', performed_by => 'approval', assignee => 'owner');
select pgflow.add_step('expense', 'by_role', performed_by => 'approval', assignee => 'role:manager');
select pgflow.add_step('expense', 'by_user', performed_by => 'approval', assignee => 'user:run.boss.id');
select pgflow.add_step('expense', 'by_server', performed_by => 'approval');
select pgflow.add_step('expense', 'by_worker');

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select public.start_flow(
  'expense', '{"boss": {"id": "C0000000-0000-4000-8000-00000000000C"}}', '10000000-0000-4000-8000-000000000001'
);
select throws_ok(
  format($$ select public.complete_step('10000000-0000-4000-8000-000000000001', '%s', '1') $$, s.step_slug),
  'PF014', format('Cannot complete step "%s": it is assigned to somebody else', s.step_slug),
  format('the owner may not answer %s', s.step_slug)
)
from unnest(array['by_role', 'by_user', 'by_server']) as s (step_slug);
select throws_ok(
  $$ select public.complete_step('10000000-0000-4000-8000-000000000001', 'by_worker', '1') $$,
  'PF009', 'Cannot complete step "by_worker": it does not wait for an answer, it is queued',
  'nor what no one is asked'
);
select is(
  public.complete_step('10000000-0000-4000-8000-000000000001', 'by_owner', '{"ok": true}') - 'completed_at',
  '{
    "run_id": "10000000-0000-4000-8000-000000000001", "flow_slug": "expense", "step_slug": "by_owner",
    "task_index": 0, "status": "completed", "output": {"ok": true}, "error_message": null, "failed_at": null
  }',
  'but what is asked of the owner'
);
select throws_ok(
  $$ select public.complete_step('10000000-0000-4000-8000-000000000001', 'by_owner', '1') $$,
  'PF009', 'Cannot complete step "by_owner": it does not wait for an answer, it is completed',
  'once'
);

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b', '{"role": "clerk"}');
select throws_ok(
  format($$ select public.complete_step('10000000-0000-4000-8000-000000000001', '%s', '1') $$, s.step_slug),
  'PF005',
  format('Cannot complete step "%s": run "10000000-0000-4000-8000-000000000001" does not exist', s.step_slug),
  format('to another user there is no %s', s.step_slug)
)
from unnest(array['by_owner', 'by_role', 'by_user', 'by_server', 'by_worker', 'nothing']) as s (step_slug);

reset role;
select pgflow_tests.act_as(
  'authenticated', 'b0000000-0000-4000-8000-00000000000b', '{"roles": ["clerk", "manager"]}'
);
select is(
  public.fail_step('10000000-0000-4000-8000-000000000001', 'by_role', 'no') ->> 'error_message',
  'no',
  'one of several who have the role answers, here with an error'
);
select throws_ok(
  $$ select public.complete_step('10000000-0000-4000-8000-000000000001', 'by_role', '1') $$,
  'PF009', 'Cannot complete step "by_role": it does not wait for an answer, it is failed',
  'and the next learns that it was answered'
);
select throws_ok(
  $$ select public.get_run('10000000-0000-4000-8000-000000000001') $$,
  'PF005', null, 'an approver does not see the run'
);

reset role;
select pgflow.retry_run('10000000-0000-4000-8000-000000000001');
select pgflow_tests.act_as('authenticated', 'c0000000-0000-4000-8000-00000000000c');
select is(
  public.complete_step('10000000-0000-4000-8000-000000000001', 'by_user', '1') ->> 'status',
  'completed',
  'the user who is named in the input answers, after a retry too'
);
reset role;
select pgflow_tests.act_as('service_role');
select is(
  public.complete_step('10000000-0000-4000-8000-000000000001', 'by_server', '1') ->> 'status',
  'completed',
  'the server answers what is assigned to nobody'
);
select is(
  public.complete_step('10000000-0000-4000-8000-000000000001', 'by_role', '1') ->> 'status',
  'completed',
  'and what is assigned to others'
);

select finish();
rollback;
