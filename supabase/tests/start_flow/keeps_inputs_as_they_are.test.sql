begin;
select plan(2);
select pgflow_tests.reset_db();
select pgflow_tests.setup_flow('single');

select results_eq(
  $$ select r.input
     from unnest(array['null', '0', 'false', '""', '"42"', '42', '[]', '{}']::jsonb[])
       with ordinality as i (input, position)
     cross join lateral pgflow.start_flow('single', i.input) r
     order by i.position $$,
  $$ values ('null'::jsonb), ('0'), ('false'), ('""'), ('"42"'), ('42'), ('[]'), ('{}') $$,
  'any JSON value is an input and comes back as it went in'
);
select results_eq(
  $$ select t.input -> 'run' from pgflow_tests.poll('single', 10) t order by t.msg_id $$,
  $$ values ('null'::jsonb), ('0'), ('false'), ('""'), ('"42"'), ('42'), ('[]'), ('{}') $$,
  'and reaches the handler so'
);

select finish();
rollback;
