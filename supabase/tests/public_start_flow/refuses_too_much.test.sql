begin;
select plan(6);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');
select pgflow_tests.act_as('service_role');

select throws_ok(
  $$ select public.start_flow('single', to_jsonb(repeat('x', 4194304))) $$,
  'PF015', 'Cannot start flow "single": the value has 4194316 bytes, more than 4194304',
  'an input of more than four megabytes is refused'
);
select throws_ok(
  $$ select public.start_flow('single', (repeat('[', 101) || repeat(']', 101))::jsonb) $$,
  'PF015', 'Cannot start flow "single": the value is nested deeper than 100 levels',
  'an input of more than a hundred levels is refused'
);
select lives_ok(
  $$ select public.start_flow('single', (repeat('[', 100) || repeat(']', 100))::jsonb) $$,
  'one of a hundred is not'
);
select lives_ok(
  $$ select public.start_flow('single', to_jsonb(repeat('x', 4000000))) $$, 'nor one of nearly four megabytes'
);
select throws_ok(
  $$ select public.start_flow('single', '1', idempotency_key => repeat('ä', 513)) $$,
  'PF015', 'Cannot start flow "single": its idempotency key has 1026 bytes, more than 1024',
  'a key that is too long for an index is refused'
);
select lives_ok(
  $$
    select public.start_flow('single', '1', idempotency_key => string_agg(md5(i::text), ''))
    from generate_series(1, 32) i
  $$,
  'one of 1,024 bytes is not'
);

select finish();
rollback;
