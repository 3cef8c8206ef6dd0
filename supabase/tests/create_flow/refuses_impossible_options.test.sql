begin;
select plan(4);
select pgflow_tests.reset_db();

select throws_ok(
  $$ select pgflow.create_flow('a', max_attempts => -1) $$,
  '23514', 'new row for relation "flows" violates check constraint "max_attempts_is_not_negative"',
  'max_attempts below 0'
);
select throws_ok(
  $$ select pgflow.create_flow('a', base_delay => -1) $$,
  '23514', 'new row for relation "flows" violates check constraint "base_delay_is_not_negative"',
  'base_delay below 0'
);
select throws_ok(
  $$ select pgflow.create_flow('a', timeout => 0) $$,
  '23514', 'new row for relation "flows" violates check constraint "timeout_is_positive"',
  'timeout below 1'
);
select is_empty('select queue_name from pgmq.meta', 'no queue was made');

select finish();
rollback;
