begin;
select plan(3);

select results_eq(
  $$ select base_delay, attempts_count, pgflow.calculate_retry_delay(base_delay, attempts_count)
     from (values
       (5::numeric, 0), (5, 1), (5, 2), (5, 3), (5, 9), (5, 10),
       (0, 1), (0, 1000), (1, 11), (1, 12), (0.5, 1), (0.3, 1), (0.3, 3),
       (1, 2147483647), (3600, 1), (100000, 1), (1, -1)
     ) as x (base_delay, attempts_count) $$,
  $$ values (5::numeric, 0, 5), (5, 1, 10), (5, 2, 20), (5, 3, 40), (5, 9, 2560), (5, 10, 3600),
            (0, 1, 0), (0, 1000, 0), (1, 11, 2048), (1, 12, 3600), (0.5, 1, 1), (0.3, 1, 0), (0.3, 3, 2),
            (1, 2147483647, 3600), (3600, 1, 3600), (100000, 1, 3600), (1, -1, 1) $$,
  'floor(base_delay * 2^attempts_count), never above an hour, whatever the attempts'
);
select is(pgflow.calculate_retry_delay(base_delay => 5, attempts_count => 1), 10, 'by argument names');
select is(
  (select p.provolatile::text from pg_proc p where p.oid = 'pgflow.calculate_retry_delay'::regproc),
  'i', 'it is immutable'
);

select finish();
rollback;
