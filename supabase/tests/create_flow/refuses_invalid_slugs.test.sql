begin;
select plan(7);
select pgflow_tests.reset_db();

select throws_ok(
  $$ select pgflow.create_flow('in-valid') $$,
  '23514', 'new row for relation "flows" violates check constraint "slug_is_valid"',
  'a dash is refused by the constraint itself'
);
select throws_ok(
  $$ select pgflow.create_flow('') $$,
  '23514', 'new row for relation "flows" violates check constraint "slug_is_valid"',
  'so is the empty text'
);
select throws_ok(
  $$ select pgflow.create_flow('run') $$,
  '23514', 'new row for relation "flows" violates check constraint "slug_is_valid"',
  'so is the reserved word'
);
select throws_ok(
  $$ select pgflow.create_flow(repeat('a', 129)) $$,
  '23514', 'new row for relation "flows" violates check constraint "slug_is_valid"',
  'so is a slug of 129 characters'
);
select throws_ok(
  $$ select pgflow.create_flow(null) $$,
  '23502', null,
  'so is null'
);
select is_empty('select * from pgflow.flows', 'no flow was stored');
select is_empty('select * from pgmq.meta', 'no queue was made');

select finish();
rollback;
