begin;
select plan(2);

select results_eq(
  $$ select slug, pgflow.is_valid_slug(slug)
     from unnest(array[
       'a', '_', 'A9', 'greet_user', '_1', 'Run', 'runs', 'run_', repeat('a', 128)
     ]) with ordinality as t (slug, position) order by position $$,
  $$ values ('a', true), ('_', true), ('A9', true), ('greet_user', true), ('_1', true),
            ('Run', true), ('runs', true), ('run_', true), (repeat('a', 128), true) $$,
  'letters, digits and _ that do not start with a digit, up to 128 of them'
);
select results_eq(
  $$ select coalesce(slug, 'null'), pgflow.is_valid_slug(slug)
     from unnest(array[
       null, '', 'run', '1a', 'a-b', 'a b', ' a', 'a ', E'a\n', 'é', 'a.b', 'a"b', repeat('a', 129)
     ]) with ordinality as t (slug, position) order by position $$,
  $$ values ('null', false), ('', false), ('run', false), ('1a', false), ('a-b', false),
            ('a b', false), (' a', false), ('a ', false), (E'a\n', false), ('é', false),
            ('a.b', false), ('a"b', false), (repeat('a', 129), false) $$,
  'everything else is false, null included'
);

select finish();
rollback;
