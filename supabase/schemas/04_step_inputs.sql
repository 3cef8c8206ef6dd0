-- step_inputs: what a step's handler gets, built from the run's input and its dependencies'
-- outputs.
--
-- A view and not a function, so that the planner folds it into the statements that claim tasks and
-- check conditions. Only direct dependencies that completed appear; skipped ones are absent.
create view pgflow.step_inputs
  with (security_invoker = on)
as
select
  r.flow_slug,
  r.run_id,
  st.step_slug,
  jsonb_build_object('run', r.input) || coalesce(
    (
      select jsonb_object_agg(o.dep_slug, o.output) filter (where o.output is not null)
      from (
        select
          d.dep_slug,
          case
            when ds.step_type = 'single' then (
              select t.output
              from pgflow.step_tasks t
              where t.run_id = r.run_id
                and t.step_slug = d.dep_slug
                and t.task_index = 0
            )
            else (
              select s.output
              from pgflow.step_states s
              where s.run_id = r.run_id
                and s.step_slug = d.dep_slug
            )
          end as output
        from pgflow.deps d
        join pgflow.steps ds
          on ds.flow_slug = d.flow_slug
          and ds.step_slug = d.dep_slug
        where d.flow_slug = st.flow_slug
          and d.step_slug = st.step_slug
        -- Keeps the planner from looking each output up twice, for the value and for the filter.
        offset 0
      ) o
    ),
    '{}'
  ) as input
-- A plain list, so that a statement with a fixed join order still goes by the run's id first.
from pgflow.runs r, pgflow.steps st
where st.flow_slug = r.flow_slug;

comment on view pgflow.step_inputs is
  'The input of each step of each run: {"run": …, "<dependency>": its output, …}.';

-- map_elements: the array a map step runs over: the flow's input, or its dependency's output.
--
-- The output of a dependency that was skipped counts as an empty array.
create view pgflow.map_elements
  with (security_invoker = on)
as
select
  s.run_id,
  s.step_slug,
  d.dep_slug,
  case
    when st.deps_count = 0 then r.input
    else coalesce(
      (
        select coalesce(ds.output, dt.output)
        from pgflow.step_states ds
        left join pgflow.step_tasks dt
          on dt.run_id = ds.run_id
          and dt.step_slug = ds.step_slug
          and dt.task_index = 0
        where ds.run_id = s.run_id
          and ds.step_slug = d.dep_slug
          and ds.status = 'completed'
      ),
      '[]'
    )
  end as elements
from pgflow.step_states s
join pgflow.steps st
  on st.flow_slug = s.flow_slug
  and st.step_slug = s.step_slug
join pgflow.runs r
  on r.run_id = s.run_id
left join pgflow.deps d
  on d.flow_slug = s.flow_slug
  and d.step_slug = s.step_slug
where st.step_type = 'map';

comment on view pgflow.map_elements is
  'The array each map step runs over; anything but an array fails the step.';

-- run_outputs: the outputs of the steps nothing depends on, which are the output of a completed
-- run.
create view pgflow.run_outputs
  with (security_invoker = on)
as
select
  r.run_id,
  (
    select coalesce(
      jsonb_object_agg(o.step_slug, o.output) filter (where o.output is not null),
      '{}'
    )
    from (
      select
        st.step_slug,
        case st.step_type
          when 'single' then (
            select t.output
            from pgflow.step_tasks t
            where t.run_id = r.run_id
              and t.step_slug = st.step_slug
              and t.task_index = 0
          )
          else (
            select s.output
            from pgflow.step_states s
            where s.run_id = r.run_id
              and s.step_slug = st.step_slug
          )
        end as output
      from pgflow.steps st
      where st.flow_slug = r.flow_slug
        and not exists (
          select
          from pgflow.deps d
          where d.flow_slug = st.flow_slug
            and d.dep_slug = st.step_slug
        )
    ) o
  ) as output
from pgflow.runs r;

comment on view pgflow.run_outputs is
  'The outputs of each run''s steps without dependents; of skipped or open steps there is none.';

create type pgflow.step_task_record as (
  flow_slug text,
  run_id uuid,
  step_slug text,
  input jsonb,
  msg_id bigint,
  task_index int,
  attempt int
);

comment on type pgflow.step_task_record is
  'A claimed task: where it belongs, its input, and the attempt number that must come with its result.';

create type pgflow.settled_task as (
  flow_slug text,
  run_id uuid,
  step_slug text,
  task_index int,
  message_id bigint,
  outcome text,
  seconds int,
  error_message text,
  attempt int,
  worker_id uuid
);

comment on type pgflow.settled_task is
  'A task that settle_tasks changed: completed, retried, exhausted or released.';
