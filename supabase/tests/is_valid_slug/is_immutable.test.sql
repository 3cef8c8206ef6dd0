begin;
select plan(1);

select is(
  (
    select jsonb_build_array(p.provolatile, p.prorettype::regtype, p.proargnames)
    from pg_proc p
    where p.oid = 'pgflow.is_valid_slug'::regproc
  ),
  '["i", "boolean", ["slug"]]',
  'is_valid_slug(slug) is immutable, so that constraints may use it'
);

select finish();
rollback;
