begin;
select plan(13);
select pgflow_tests.reset_db();
select pgflow.create_flow('two_open', startable_by => array['authenticated'], open_runs_per_owner => 2);
select pgflow.add_step('two_open', 'only');
select pgflow.create_flow(
  'two_a_minute', startable_by => array['anon', 'authenticated'], starts_per_minute_per_owner => 2
);
select pgflow.add_step('two_a_minute', 'only');

select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select public.start_flow('two_open', '1', idempotency_key => 'one');
select public.start_flow('two_open', '2', '10000000-0000-4000-8000-000000000002');
select throws_ok(
  $$ select public.start_flow('two_open', '3') $$,
  'PF012', 'Cannot start flow "two_open": 2 runs of this owner are open, as many as one may have',
  'a third open run is refused'
);
select is(
  public.start_flow('two_open', '1', idempotency_key => 'one') ->> 'status',
  'started',
  'a repeated start returns the run and is not counted'
);
select public.cancel_run('10000000-0000-4000-8000-000000000002');
select lives_ok($$ select public.start_flow('two_open', '3') $$, 'a run that has ended makes room');
select throws_ok(
  $$ select public.retry_run('10000000-0000-4000-8000-000000000002') $$,
  'PF012', 'Cannot start flow "two_open": 2 runs of this owner are open, as many as one may have',
  'a retry counts as well'
);

select public.start_flow('two_a_minute');
select public.start_flow('two_a_minute');
select throws_ok(
  $$ select public.start_flow('two_a_minute') $$,
  'PF013', 'Cannot start flow "two_a_minute": this owner started 2 runs within a minute, as many as one may',
  'a third start within a minute is refused'
);

reset role;
select is(
  (select array_agg(starts_in_minute order by flow_slug) from pgflow.owner_counts),
  '{2,3}',
  'a refusal counts nothing'
);
update pgflow.owner_counts set minute_began_at = minute_began_at - interval '1 minute' where true;
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select lives_ok($$ select public.start_flow('two_a_minute') $$, 'a minute later there is room again');

reset role;
select pgflow_tests.act_as('authenticated', 'b0000000-0000-4000-8000-00000000000b');
select lives_ok($$ select public.start_flow('two_open') $$, 'another owner has a count of their own');

reset role;
select pgflow_tests.act_as('anon');
select public.start_flow('two_a_minute');
select public.start_flow('two_a_minute');
select throws_ok(
  $$ select public.start_flow('two_a_minute') $$,
  'PF013', null,
  'callers without an id share one count'
);

reset role;
select pgflow_tests.act_as('service_role');
select lives_ok(
  $$
    select public.start_flow('two_open', owner => 'a0000000-0000-4000-8000-00000000000a')
    from generate_series(1, 3)
  $$,
  'the server has no limits'
);

reset role;
select results_eq(
  $$ select flow_slug, owner, cardinality(open_run_ids), starts_in_minute from pgflow.owner_counts order by 1, 2 $$,
  $$
    values
      ('two_a_minute', '00000000-0000-0000-0000-000000000000'::uuid, 0, 2),
      ('two_a_minute', 'a0000000-0000-4000-8000-00000000000a', 0, 1),
      ('two_open', 'a0000000-0000-4000-8000-00000000000a', 2, 3),
      ('two_open', 'b0000000-0000-4000-8000-00000000000b', 1, 1)
  $$,
  'open runs are remembered only where they are limited'
);
update pgflow.flows set open_runs_per_owner = null where flow_slug = 'two_open';
select pgflow_tests.act_as('authenticated', 'a0000000-0000-4000-8000-00000000000a');
select lives_ok($$ select public.start_flow('two_open') $$, 'a flow whose limit is taken away has none');
reset role;
select is(
  (select count(*)::int from pgflow.runs where flow_slug = 'two_open'), 8, 'and refused starts left no run'
);

select finish();
rollback;
