-- wait_for_tasks: return as soon as one of the queues may have work, or after max_seconds.
--
-- Commits between looks, so that no snapshot is held longer than one interval: a long wait inside
-- a function holds back vacuum for every table. Transaction control forbids "set search_path" and
-- security definer here, hence every name and operator is qualified. It takes no message and no
-- lock.
create or replace procedure pgflow.wait_for_tasks(
  queue_names text[],
  max_seconds int default 5,
  poll_interval_ms int default 100
)
  language plpgsql
as $$
declare
  v_deadline timestamptz := pg_catalog.clock_timestamp()
    operator(pg_catalog.+) pg_catalog.make_interval(secs => max_seconds);
  v_look text;
  v_found boolean;
begin
  -- One query looks into all queues: the text is built once per call from catalogued names. Only
  -- the first entry of an index counts, however much waits behind it.
  select pg_catalog.string_agg(
    pg_catalog.format(
      '(select m.vt from pgmq.%I m order by m.vt limit 1)'
        ' operator(pg_catalog.<=) pg_catalog.clock_timestamp()'
        ' or (select t.due_at from pgflow.step_tasks t'
        ' where t.flow_slug operator(pg_catalog.=) %L and t.due_at is not null'
        ' order by t.due_at limit 1) operator(pg_catalog.<=) pg_catalog.clock_timestamp()',
      'q_' operator(pg_catalog.||) pg_catalog.lower(f.flow_slug),
      f.flow_slug
    ),
    ' or '
  )
  into v_look
  from pgflow.flows f
  where f.flow_slug operator(pg_catalog.=) any (wait_for_tasks.queue_names);

  if v_look is null then
    raise exception using
      errcode = 'PF001',
      message = pg_catalog.format(
        'Cannot wait for tasks of "%s": no such flow exists',
        pg_catalog.array_to_string(wait_for_tasks.queue_names, ', ')
      ),
      hint = 'Create the flow first: its worker does so when it starts.';
  end if;

  -- Planned once per call: to plan it for each look would be most of what an idle worker costs. One
  -- that was cancelled may have left its statement to the session.
  if exists (
    select
    from pg_catalog.pg_prepared_statements p
    where p.name operator(pg_catalog.=) 'pgflow_look'
  ) then
    deallocate pgflow_look;
  end if;

  -- For the first look, which makes the plan; a setting of the procedure would forbid the commits.
  perform pg_catalog.set_config('enable_seqscan', 'off', true);
  execute 'prepare pgflow_look as select ' operator(pg_catalog.||) v_look;

  loop
    execute 'execute pgflow_look' into v_found;

    exit when v_found
      or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_deadline;

    commit;
    perform pg_catalog.pg_sleep(
      wait_for_tasks.poll_interval_ms operator(pg_catalog./) 1000.0
    );
  end loop;

  deallocate pgflow_look;
end;
$$;

comment on procedure pgflow.wait_for_tasks(text[], int, int) is
  'Returns when a queue has visible messages or due tasks, or after max_seconds; commits between looks.';
