begin;
select plan(5);
select pgflow_tests.reset_db();
select pgflow.ensure_flow_compiled('f', '{"steps": [
  {"step_slug": "a"}, {"step_slug": "b", "deps_slugs": ["a"]}, {"step_slug": "c", "deps_slugs": ["a"]}
]}');

select is(
  pgflow.ensure_flow_compiled('f', '{"steps": [
    {"step_slug": "a"}, {"step_slug": "b", "deps_slugs": ["a"]}, {"step_slug": "d", "deps_slugs": ["a", "b"]}
  ]}'),
  '{"status": "mismatch", "differences": [
    "step \"c\" is only in the database", "step \"d\" is not in the database"
  ]}',
  'steps on one side only'
);
select is(
  pgflow.ensure_flow_compiled('f', '{"steps": [
    {"step_slug": "a"}, {"step_slug": "b", "deps_slugs": ["a"]}, {"step_slug": "c", "deps_slugs": ["b", "a"]}
  ]}'),
  '{"status": "mismatch", "differences": [
    "step \"c\": dependencies is [\"a\"] in the database and [\"a\", \"b\"] in the code"
  ]}',
  'other dependencies'
);
select is(
  pgflow.ensure_flow_compiled('f', '{"steps": [
    {"step_slug": "a"}, {"step_slug": "c", "deps_slugs": ["a"]}, {"step_slug": "b", "deps_slugs": ["a"]}
  ]}'),
  '{"status": "mismatch", "differences": [
    "step \"b\": position is 1 in the database and 2 in the code",
    "step \"c\": position is 2 in the database and 1 in the code"
  ]}',
  'another order'
);
select is(
  pgflow.ensure_flow_compiled('f', '{"steps": [
    {"step_slug": "a", "when_unmet": "fail", "when_exhausted": "skip"},
    {"step_slug": "b", "deps_slugs": ["a"], "step_type": "map"},
    {"step_slug": "c", "deps_slugs": ["a"], "performed_by": "approval",
     "required_input_pattern": {"x": 1}, "forbidden_input_pattern": {"y": 2}}
  ]}'),
  '{"status": "mismatch", "differences": [
    "step \"a\": when_exhausted is \"fail\" in the database and \"skip\" in the code",
    "step \"a\": when_unmet is \"skip-cascade\" in the database and \"fail\" in the code",
    "step \"b\": step_type is \"single\" in the database and \"map\" in the code",
    "step \"c\": forbidden_input_pattern is null in the database and {\"y\": 2} in the code",
    "step \"c\": performed_by is \"handler\" in the database and \"approval\" in the code",
    "step \"c\": required_input_pattern is null in the database and {\"x\": 1} in the code"
  ]}',
  'types, performers, conditions and what happens when they are not met, a sentence each'
);
select results_eq(
  $$ select s.step_slug, s.step_index, s.step_type, array(select d.dep_slug from pgflow.deps d where d.step_slug = s.step_slug)
     from pgflow.steps s order by s.step_index $$,
  $$ values ('a', 0, 'single', '{}'::text[]), ('b', 1, 'single', '{a}'), ('c', 2, 'single', '{a}') $$,
  'the stored shape never changes'
);

select finish();
rollback;
