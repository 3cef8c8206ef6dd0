-- is_valid_slug: whether a text may name a flow or a step.
--
-- "run" is reserved: it is the key of the flow's input in every step's input.
create or replace function pgflow.is_valid_slug(slug text)
  returns boolean
  language sql
  immutable
  parallel safe
  set search_path = ''
as $$
  select coalesce(
    length(slug) <= 128
    and slug ~ '^[a-zA-Z_][a-zA-Z0-9_]*$'
    and slug <> 'run',
    false
  );
$$;

comment on function pgflow.is_valid_slug(text) is
  'Whether a text may name a flow or a step: a letter or _, then letters, digits and _, at most 128, not "run".';
