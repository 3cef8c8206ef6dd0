-- Generated from supabase/schemas/ by `deno task migration`: edit those files, not this one.

-- == 00_schema.sql ================================================================================

-- pgflow: a workflow engine inside Postgres.
--
-- A flow is a directed acyclic graph of steps. flows, steps and deps hold its shape; runs,
-- step_states, step_tasks and task_failures hold what happens. One pgmq queue per flow, named as
-- its slug, carries pointers to tasks that a worker may claim. Read the files in order: they
-- follow the life of a run.
--
--   describe   10 create_flow · 11 add_step · 12 ensure_flow_compiled
--   start      31 start_flow · 32 start_flows
--   claim      41 wait_for_tasks · 43 poll_for_tasks · 44 start_tasks
--   settle     51 settle_tasks · 52 complete_task · 53 fail_task
--   go on      22 _advance_steps · 21 _queue_tasks
--   end        24 _end_runs · 60 maybe_complete_run · 61 cancel_run
--   see        70 get_run_with_states · 71 why · 72 stuck_runs · 74 queue_states
--   let in     92 start_flow · 93 get_run · 94 list_runs · … 98 list_approvals · 99 who may what
--   work       80 workers · 83 _wake_workers · 84 ensure_workers · 85 install_watchdog
--
-- Tasks, steps and runs advance as sets: a function takes many and runs a fixed number of
-- statements. A file whose function starts with _ is private to this schema.
--
-- Errors a caller may branch on (the same table stands in lib/errors.ts):
--
--   PF001  the flow does not exist
--   PF002  the step does not exist in the flow
--   PF003  the flow's shape differs from the one stored in the database
--   PF004  the run or idempotency key exists already with another flow, input or owner
--   PF005  the run does not exist
--   PF006  the flow's slug cannot be the name of a queue
--   PF007  the step exists already with other dependencies or of another type
--   PF008  the flow starts with a map and its input is not an array
--   PF009  the step does not wait for an answer
--   PF010  the flow would be its own subflow
--   PF011  the flow does not exist, or the caller may not start it
--   PF012  the owner has as many open runs of the flow as one may have
--   PF013  the owner has started as many runs of the flow in this minute as one may
--   PF014  the approval is assigned to somebody else
--   PF015  the value is too large or too deeply nested

create schema if not exists pgflow;

do $$
begin
  -- The pgmq functions may also have been loaded from its SQL file, without the extension.
  if to_regclass('pgmq.meta') is null then
    create extension pgmq;
  end if;
end;
$$;

-- == 01_is_valid_slug.sql =========================================================================

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

-- == 02_definitions.sql ===========================================================================

-- The shape of flows. Rows are written by create_flow, add_step and ensure_flow_compiled, and the
-- shape never changes afterwards: a new shape is a new slug.

create table pgflow.flows (
  flow_slug text primary key,
  opt_max_attempts int not null default 3,
  opt_base_delay int not null default 1,
  opt_timeout int not null default 60,
  opt_retry_jitter float8 not null default 0,
  on_failure_slug text,
  startable_by text[] not null default '{}',
  open_runs_per_owner int,
  starts_per_minute_per_owner int,
  broadcast boolean not null default false,
  created_at timestamptz not null default now(),
  constraint slug_is_valid check (pgflow.is_valid_slug(flow_slug)),
  constraint max_attempts_is_not_negative check (opt_max_attempts >= 0),
  constraint base_delay_is_not_negative check (opt_base_delay >= 0),
  constraint timeout_is_positive check (opt_timeout >= 1),
  constraint retry_jitter_is_a_part check (opt_retry_jitter between 0 and 1),
  constraint startable_by_names_roles check (array_position(startable_by, null) is null),
  constraint open_runs_per_owner_is_positive check (open_runs_per_owner >= 1),
  constraint starts_per_minute_per_owner_is_positive check (starts_per_minute_per_owner >= 1)
);

-- A queue's table is named after the flow in lower case, so two flows may not share it.
create unique index flows_queue_idx on pgflow.flows (lower(flow_slug));

create table pgflow.steps (
  flow_slug text not null,
  step_slug text not null,
  step_type text not null default 'single',
  performed_by text not null default 'handler',
  step_index int not null,
  deps_count int not null default 0,
  opt_max_attempts int,
  opt_base_delay int,
  opt_timeout int,
  opt_start_delay int,
  required_input_pattern jsonb,
  forbidden_input_pattern jsonb,
  when_unmet text not null default 'skip-cascade',
  when_exhausted text not null default 'fail',
  subflow_slug text,
  assignee text,
  is_plain boolean not null generated always as (
    step_type = 'single'
    and performed_by <> 'approval'
    and required_input_pattern is null
    and forbidden_input_pattern is null
    and coalesce(opt_start_delay, 0) = 0
  ) stored,
  created_at timestamptz not null default now(),
  primary key (flow_slug, step_slug),
  constraint steps_flow_slug_fkey foreign key (flow_slug)
    references pgflow.flows (flow_slug) on delete cascade,
  constraint steps_step_slug_check check (pgflow.is_valid_slug(step_slug)),
  constraint step_index_is_unique unique (step_index, flow_slug),
  constraint step_type_is_known check (step_type in ('single', 'map')),
  constraint performed_by_is_known check (performed_by in ('handler', 'approval', 'subflow')),
  constraint map_step_has_at_most_one_dep check (step_type <> 'map' or deps_count <= 1),
  constraint subflow_step_names_its_flow check (
    (performed_by = 'subflow') = (subflow_slug is not null)
  ),
  constraint assignee_is_known check (
    assignee ~ '^(owner|role:.+|user|user:[^.]+(\.[^.]+)*)$'
  ),
  constraint assignee_belongs_to_approval check (assignee is null or performed_by = 'approval'),
  constraint max_attempts_is_not_negative check (opt_max_attempts >= 0),
  constraint base_delay_is_not_negative check (opt_base_delay >= 0),
  constraint timeout_is_positive check (opt_timeout >= 1),
  constraint start_delay_is_not_negative check (opt_start_delay >= 0),
  constraint required_input_pattern_is_object check (
    jsonb_typeof(required_input_pattern) = 'object'
  ),
  constraint forbidden_input_pattern_is_object check (
    jsonb_typeof(forbidden_input_pattern) = 'object'
  ),
  constraint when_unmet_is_known check (when_unmet in ('skip-cascade', 'skip', 'fail')),
  constraint when_exhausted_is_known check (when_exhausted in ('skip-cascade', 'skip', 'fail'))
);

create index steps_subflow_idx on pgflow.steps (subflow_slug) where subflow_slug is not null;

create table pgflow.deps (
  flow_slug text not null,
  dep_slug text not null,
  step_slug text not null,
  created_at timestamptz not null default now(),
  primary key (flow_slug, dep_slug, step_slug),
  constraint deps_flow_slug_dep_slug_fkey foreign key (flow_slug, dep_slug)
    references pgflow.steps (flow_slug, step_slug) on delete cascade,
  constraint deps_flow_slug_step_slug_fkey foreign key (flow_slug, step_slug)
    references pgflow.steps (flow_slug, step_slug) on delete cascade,
  constraint deps_check check (dep_slug <> step_slug)
);

create index deps_step_idx on pgflow.deps (flow_slug, step_slug);

alter table pgflow.flows enable row level security;
alter table pgflow.steps enable row level security;
alter table pgflow.deps enable row level security;

comment on table pgflow.flows is 'One row per flow; its slug is also the name of its pgmq queue.';
comment on table pgflow.steps is 'The nodes of a flow''s graph; null options mean the flow''s.';
comment on table pgflow.deps is 'The edges of a flow''s graph: step_slug waits for dep_slug.';
comment on column pgflow.flows.opt_retry_jitter is 'The part of a retry''s delay that is random: 0.5 makes it wait between half its delay and all.';
comment on column pgflow.flows.on_failure_slug is 'A flow that is started with the run, the step and the error when a run fails.';
comment on column pgflow.flows.startable_by is 'The roles of the API that may start runs; whoever bypasses row level security always may.';
comment on column pgflow.flows.open_runs_per_owner is 'How many runs one owner may have open; null: any number.';
comment on column pgflow.flows.starts_per_minute_per_owner is 'How many runs one owner may start in a minute; null: any number.';
comment on column pgflow.flows.broadcast is 'Whether the events of all runs are sent to Realtime, however they are started.';
comment on column pgflow.steps.assignee is 'Who may answer an approval: owner, role:<name>, user:<path in its input>; null: nobody by the API but the server.';
comment on column pgflow.steps.step_type is 'How many tasks the step has: single, or map (one per element of an array).';
comment on column pgflow.steps.performed_by is 'Who performs a task: handler (a worker), approval (somebody outside), subflow (a child run).';
comment on column pgflow.steps.opt_timeout is 'Seconds a handler may take, or the time limit of an approval (null: none).';
comment on column pgflow.steps.is_plain is 'Whether the step can start without a look at its input: the short way for most steps.';
comment on column pgflow.flows.opt_base_delay is 'Seconds; the n-th retry waits base_delay * 2^n, at most an hour.';

-- == 03_state.sql =================================================================================

-- The state of runs. Every hot query finds its rows by primary key; the columns that change often
-- (status, counters, times) stand in no index, so that updates stay within their page (HOT).

create table pgflow.runs (
  run_id uuid primary key default gen_random_uuid(),
  flow_slug text not null,
  status text not null default 'started',
  remaining_steps int not null default 0,
  broadcast boolean not null default false,
  root_run_id uuid,
  parent_run_id uuid,
  parent_step_slug text,
  parent_task_index int,
  owner uuid,
  idempotency_key text,
  start_at timestamptz,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz,
  error_message text,
  input jsonb not null,
  output jsonb,
  constraint runs_flow_slug_fkey foreign key (flow_slug)
    references pgflow.flows (flow_slug) on delete cascade,
  constraint status_is_known check (status in ('started', 'completed', 'failed', 'cancelled')),
  constraint remaining_steps_is_not_negative check (remaining_steps >= 0),
  constraint completed_run_has_time check ((status = 'completed') = (completed_at is not null)),
  constraint failed_run_has_time check ((status = 'failed') = (failed_at is not null)),
  constraint cancelled_run_has_time check ((status = 'cancelled') = (cancelled_at is not null)),
  constraint steps_left_belong_to_unfinished_run check (
    status <> 'completed' or remaining_steps = 0
  ),
  constraint output_belongs_to_completed_run check (output is null or status = 'completed'),
  constraint child_run_has_place check (
    num_nulls(root_run_id, parent_run_id, parent_step_slug, parent_task_index) in (0, 4)
  )
)
  with (fillfactor = 80);

create index runs_flow_idx on pgflow.runs (flow_slug, started_at);
create unique index runs_idempotency_key_idx on pgflow.runs (flow_slug, idempotency_key)
  where idempotency_key is not null;
create index runs_parent_idx on pgflow.runs (parent_run_id, parent_step_slug, parent_task_index)
  where parent_run_id is not null;
create index runs_owner_idx on pgflow.runs (owner, flow_slug, started_at)
  where owner is not null;

create table pgflow.step_states (
  flow_slug text not null,
  run_id uuid not null,
  step_slug text not null,
  status text not null default 'created',
  initial_tasks int,
  remaining_tasks int,
  remaining_deps int not null default 0,
  skip_reason text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  skipped_at timestamptz,
  cancelled_at timestamptz,
  progress_at timestamptz,
  error_message text,
  output jsonb,
  primary key (run_id, step_slug),
  constraint step_states_run_id_fkey foreign key (run_id)
    references pgflow.runs (run_id) on delete cascade,
  constraint status_is_known check (
    status in ('created', 'started', 'completed', 'failed', 'skipped', 'cancelled')
  ),
  constraint remaining_deps_is_not_negative check (remaining_deps >= 0),
  constraint remaining_tasks_fit check (remaining_tasks between 0 and initial_tasks),
  constraint created_step_is_not_started check (status <> 'created' or started_at is null),
  constraint started_step_has_time check (status <> 'started' or started_at is not null),
  constraint completed_step_has_time check ((status = 'completed') = (completed_at is not null)),
  constraint failed_step_has_time check ((status = 'failed') = (failed_at is not null)),
  constraint skipped_step_has_time check ((status = 'skipped') = (skipped_at is not null)),
  constraint cancelled_step_has_time check ((status = 'cancelled') = (cancelled_at is not null)),
  constraint skipped_step_has_reason check ((status = 'skipped') = (skip_reason is not null)),
  constraint skip_reason_is_known check (
    skip_reason in ('condition_unmet', 'dependency_skipped', 'handler_failed')
  ),
  constraint completed_step_has_no_tasks_left check (status <> 'completed' or remaining_tasks = 0)
)
  with (fillfactor = 70);

create table pgflow.step_tasks (
  flow_slug text not null,
  run_id uuid not null,
  step_slug text not null,
  task_index int not null default 0,
  message_id bigint,
  status text not null default 'queued',
  attempts_count int not null default 0,
  attempts_forgiven int not null default 0,
  open_attempt int,
  due_at timestamptz,
  last_worker_id uuid,
  child_run_id uuid,
  assignee text,
  waiting_since timestamptz,
  queued_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz,
  error_message text,
  input jsonb,
  output jsonb,
  constraint step_tasks_pkey primary key (run_id, step_slug, task_index),
  constraint step_tasks_run_id_step_slug_fkey foreign key (run_id, step_slug)
    references pgflow.step_states (run_id, step_slug) on delete cascade,
  constraint status_is_known check (
    status in ('queued', 'started', 'waiting', 'completed', 'failed', 'cancelled')
  ),
  constraint attempts_are_counted check (attempts_forgiven between 0 and attempts_count),
  constraint open_attempt_is_the_last check (open_attempt = attempts_count),
  constraint open_attempt_belongs_to_open_task check (
    open_attempt is null or status in ('queued', 'started')
  ),
  constraint started_task_has_time check (status <> 'started' or started_at is not null),
  constraint completed_task_has_time check ((status = 'completed') = (completed_at is not null)),
  constraint failed_task_has_time check ((status = 'failed') = (failed_at is not null)),
  constraint cancelled_task_has_time check ((status = 'cancelled') = (cancelled_at is not null)),
  constraint completed_task_has_output check ((status = 'completed') = (output is not null)),
  constraint due_task_is_open check (due_at is null or status in ('queued', 'waiting')),
  constraint waiting_since_belongs_to_waiting_task check (
    waiting_since is null or status = 'waiting'
  )
)
  with (fillfactor = 50);

create index step_tasks_due_idx on pgflow.step_tasks (flow_slug, due_at)
  where due_at is not null;

-- Hold the approvals that wait now, and no others, so that a look at one's own stays short.
create index step_tasks_assignee_idx
  on pgflow.step_tasks (assignee, waiting_since, run_id, step_slug, task_index)
  where waiting_since is not null;
create index step_tasks_waiting_idx
  on pgflow.step_tasks (waiting_since, run_id, step_slug, task_index)
  where waiting_since is not null;

create table pgflow.task_failures (
  run_id uuid not null,
  step_slug text not null,
  task_index int not null,
  attempt int not null,
  error_message text,
  failed_at timestamptz not null default now(),
  worker_id uuid,
  primary key (run_id, step_slug, task_index, attempt),
  constraint task_failures_task_fkey foreign key (run_id, step_slug, task_index)
    references pgflow.step_tasks (run_id, step_slug, task_index) on delete cascade
);

create table pgflow.owner_counts (
  flow_slug text not null,
  owner uuid not null,
  open_run_ids uuid[] not null default '{}',
  minute_began_at timestamptz not null default now(),
  starts_in_minute int not null default 0,
  primary key (flow_slug, owner),
  constraint owner_counts_flow_slug_fkey foreign key (flow_slug)
    references pgflow.flows (flow_slug) on delete cascade
);

create table pgflow.workers (
  worker_id uuid primary key,
  queue_name text not null,
  function_name text not null,
  started_at timestamptz not null default now(),
  deprecated_at timestamptz,
  stopped_at timestamptz,
  last_heartbeat_at timestamptz not null default now(),
  draining_at timestamptz,
  lease_ms int not null default 30000,
  deployment text,
  constraint lease_is_bounded check (lease_ms between 1 and 300000)
);

create index workers_heartbeat_idx on pgflow.workers (last_heartbeat_at);
create index workers_function_idx on pgflow.workers (function_name)
  where stopped_at is null;

create table pgflow.functions (
  function_name text primary key,
  queue_names text[] not null,
  registered_at timestamptz,
  woken_at timestamptz,
  request_id bigint
);

alter table pgflow.runs enable row level security;
alter table pgflow.step_states enable row level security;
alter table pgflow.step_tasks enable row level security;
alter table pgflow.task_failures enable row level security;
alter table pgflow.owner_counts enable row level security;
alter table pgflow.workers enable row level security;
alter table pgflow.functions enable row level security;

do $$
begin
  -- lz4 packs outputs several times faster; a server built without it keeps the default.
  alter table pgflow.runs alter column input set compression lz4;
  alter table pgflow.runs alter column output set compression lz4;
  alter table pgflow.step_states alter column output set compression lz4;
  alter table pgflow.step_tasks alter column input set compression lz4;
  alter table pgflow.step_tasks alter column output set compression lz4;
exception
  when feature_not_supported then
    raise notice 'pgflow: this server has no lz4, outputs keep the default compression';
end;
$$;

comment on table pgflow.runs is 'One row per run of a flow.';
comment on table pgflow.step_states is 'One row per step of a run: what it still waits for and how it ended.';
comment on table pgflow.step_tasks is 'One row per unit of work: one of a single step, one per element of a map.';
comment on table pgflow.task_failures is 'One row per failed attempt.';
comment on table pgflow.owner_counts is 'What the limits of a flow count, one row per owner; flows without limits have none.';
comment on table pgflow.workers is 'One row per worker; a heartbeat that stays out means that it is gone.';
comment on table pgflow.functions is 'One row per edge function: the flows it serves, and when it was last called.';
comment on column pgflow.workers.draining_at is 'When the worker called a successor, which may start beside it.';
comment on column pgflow.workers.lease_ms is 'How long after a heartbeat the worker is taken for alive.';
comment on column pgflow.workers.deployment is 'The version of the function''s code, if known; a newer one deprecates it.';
comment on column pgflow.functions.registered_at is 'When a worker last started in it; null while it is only presumed, by a flow''s slug.';
comment on column pgflow.functions.woken_at is 'When the database last called it.';
comment on column pgflow.functions.request_id is 'That call''s id in pg_net.';
comment on column pgflow.runs.broadcast is 'Whether the run''s events are sent to Realtime; of child runs none are.';
comment on column pgflow.runs.root_run_id is 'The topmost run of a child run''s family; null for a run without a parent.';
comment on column pgflow.runs.owner is 'The signed-in user whose run it is, the nil uuid for one of somebody without an id, null for the server''s.';
comment on column pgflow.step_states.initial_tasks is 'Number of tasks; null while a map''s array is not known.';
comment on column pgflow.step_states.output is 'A map''s gathered outputs; a single step''s output is its task''s.';
comment on column pgflow.step_states.progress_at is 'When whoever watches was last told how many tasks are done.';
comment on column pgflow.step_tasks.message_id is 'The task''s message in its queue; null while it waits outside.';
comment on column pgflow.step_tasks.open_attempt is 'The attempt that may report; null before a claim and after a report.';
comment on column pgflow.step_tasks.attempts_forgiven is 'Attempts that do not count towards the limit: given back, or before a retry_run.';
comment on column pgflow.step_tasks.assignee is 'Who may answer an approval: user:<id> or role:<name>; null: the server.';
comment on column pgflow.step_tasks.waiting_since is 'Since when an approval waits for its answer; null when it does not.';
comment on column pgflow.owner_counts.open_run_ids is 'The runs counted as open when the owner last started one; those that ended since are left out then.';
comment on column pgflow.step_tasks.due_at is 'When a task outside the queue enters it, or an approval''s time ends.';
comment on column pgflow.step_tasks.input is 'The element of a map''s task; null for single steps, whose input is built when claimed.';

-- == 04_step_inputs.sql ===========================================================================

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

-- == 05_user_id.sql ===============================================================================

-- _user_id: the signed-in user who calls the API; null if there is none.
--
-- As auth.uid() has it, which plain Postgres lacks. An id that is no uuid owns nothing, and nobody
-- is the nil uuid, which stands for the owner of runs whose callers had no id.
create or replace function pgflow._user_id()
  returns uuid
  language sql
  stable
  set search_path = ''
as $$
  select case
    when c.sub ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      then nullif(c.sub::uuid, '00000000-0000-0000-0000-000000000000')
  end
  from (
    select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' as sub
  ) c;
$$;

-- == 06_live_workers.sql ==========================================================================

-- live_workers: the workers whose heartbeat is fresh, and what they do.
--
-- running: takes tasks. draining: does so until the successor that it called has started.
-- deprecated: finishes what it holds.
create or replace view pgflow.live_workers with (security_invoker = on) as
select
  w.worker_id,
  w.function_name,
  string_to_array(w.queue_name, ',') as queue_names,
  case
    when w.deprecated_at is not null then 'deprecated'
    when w.draining_at is not null then 'draining'
    else 'running'
  end as state,
  w.deployment,
  w.started_at,
  w.last_heartbeat_at
from pgflow.workers w
where w.stopped_at is null
  -- The longest lease there is, so that an index finds them among all the workers of the past.
  and w.last_heartbeat_at > statement_timestamp() - interval '5 minutes'
  and w.last_heartbeat_at > statement_timestamp() - make_interval(secs => w.lease_ms / 1000.0);

comment on view pgflow.live_workers is 'The workers whose heartbeat is fresh, and whether they take tasks.';

-- == 10_create_flow.sql ===========================================================================

-- create_flow: create a flow and its queue.
--
-- Again with the same slug: returns the row as it is, no second queue. Two at once are serialised
-- by the primary key.
create or replace function pgflow.create_flow(
  flow_slug text,
  max_attempts int default 3,
  base_delay int default 5,
  timeout int default 60,
  on_failure_slug text default null,
  startable_by text[] default '{}',
  open_runs_per_owner int default null,
  starts_per_minute_per_owner int default null,
  retry_jitter float8 default 0,
  broadcast boolean default false
)
  returns pgflow.flows
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_flow pgflow.flows;
begin
  if pgflow.is_valid_slug(create_flow.flow_slug) and length(create_flow.flow_slug) > 47 then
    raise exception using
      errcode = 'PF006',
      message = format(
        'Cannot create flow "%s": its slug has %s characters',
        create_flow.flow_slug,
        length(create_flow.flow_slug)
      ),
      hint = 'The slug also names the flow''s queue: use at most 47 characters.';
  end if;

  insert into pgflow.flows (
    flow_slug, opt_max_attempts, opt_base_delay, opt_timeout, on_failure_slug,
    startable_by, open_runs_per_owner, starts_per_minute_per_owner, opt_retry_jitter,
    broadcast
  )
  values (
    create_flow.flow_slug,
    create_flow.max_attempts,
    create_flow.base_delay,
    create_flow.timeout,
    create_flow.on_failure_slug,
    coalesce(create_flow.startable_by, '{}'),
    create_flow.open_runs_per_owner,
    create_flow.starts_per_minute_per_owner,
    create_flow.retry_jitter,
    coalesce(create_flow.broadcast, false)
  )
  on conflict do nothing
  returning * into v_flow;

  if found then
    perform pgmq.create(queue_name => v_flow.flow_slug);
    perform pgflow._protect_queue(v_flow.flow_slug);
    perform pgflow._presume_functions();
    return v_flow;
  end if;

  select f.* into v_flow
  from pgflow.flows f
  where lower(f.flow_slug) = lower(create_flow.flow_slug);

  if v_flow.flow_slug <> create_flow.flow_slug then
    raise exception using
      errcode = 'PF006',
      message = format(
        'Cannot create flow "%s": it differs from flow "%s" only by case',
        create_flow.flow_slug,
        v_flow.flow_slug
      ),
      hint = 'Queue names are lower-cased, so the two would share one queue: use another slug.';
  end if;

  return v_flow;
end;
$$;

-- _protect_queue: turn row level security on for a flow's queue and its archive.
--
-- For the owner nothing changes. Without a policy nobody else reaches them, even in a project that
-- lets clients use other queues of pgmq.
create or replace function pgflow._protect_queue(flow_slug text)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  execute format(
    'alter table pgmq.%I enable row level security',
    'q_' || lower(_protect_queue.flow_slug)
  );
  execute format(
    'alter table pgmq.%I enable row level security',
    'a_' || lower(_protect_queue.flow_slug)
  );
end;
$$;

comment on function
  pgflow.create_flow(text, int, int, int, text, text[], int, int, float8, boolean) is
  'Creates a flow and its queue; delays and timeouts are in seconds.';

-- == 11_add_step.sql ==============================================================================

-- add_step: add a step behind the steps it depends on.
--
-- Dependencies must exist already, which keeps the graph acyclic. Again with the same definition:
-- returns the row, options are not changed. Locks the flow, so that step_index has no gaps.
create or replace function pgflow.add_step(
  flow_slug text,
  step_slug text,
  deps_slugs text[] default '{}',
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  start_delay int default null,
  step_type text default 'single',
  required_input_pattern jsonb default null,
  forbidden_input_pattern jsonb default null,
  when_unmet text default 'skip-cascade',
  when_exhausted text default 'fail',
  performed_by text default 'handler',
  subflow_slug text default null,
  assignee text default null
)
  returns pgflow.steps
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_deps text[] := array(select distinct d from unnest(add_step.deps_slugs) d order by d);
  v_step pgflow.steps;
begin
  perform from pgflow.flows f where f.flow_slug = add_step.flow_slug for no key update;

  select s.* into v_step
  from pgflow.steps s
  where s.flow_slug = add_step.flow_slug
    and s.step_slug = add_step.step_slug;

  if found then
    if v_step.step_type <> add_step.step_type
      or v_step.performed_by <> add_step.performed_by
      or v_step.subflow_slug is distinct from add_step.subflow_slug
      or v_deps <> array(
        select d.dep_slug
        from pgflow.deps d
        where d.flow_slug = add_step.flow_slug
          and d.step_slug = add_step.step_slug
        order by d.dep_slug
      )
    then
      raise exception using
        errcode = 'PF007',
        message = format(
          'Cannot add step "%s" to flow "%s": it exists with another type or other dependencies',
          add_step.step_slug,
          add_step.flow_slug
        ),
        hint = 'A flow''s shape never changes: use a new flow slug for the new shape.';
    end if;
    return v_step;
  end if;

  insert into pgflow.steps (
    flow_slug, step_slug, step_type, performed_by, step_index, deps_count,
    opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay,
    required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, subflow_slug,
    assignee
  )
  values (
    add_step.flow_slug, add_step.step_slug, add_step.step_type, add_step.performed_by,
    (select count(*) from pgflow.steps s where s.flow_slug = add_step.flow_slug),
    cardinality(v_deps),
    add_step.max_attempts, add_step.base_delay, add_step.timeout, add_step.start_delay,
    add_step.required_input_pattern, add_step.forbidden_input_pattern,
    add_step.when_unmet, add_step.when_exhausted, add_step.subflow_slug,
    add_step.assignee
  )
  returning * into v_step;

  insert into pgflow.deps (flow_slug, dep_slug, step_slug)
  select add_step.flow_slug, d.dep_slug, add_step.step_slug
  from unnest(v_deps) as d (dep_slug);

  perform pgflow._refuse_subflow_cycle(add_step.flow_slug);
  return v_step;
end;
$$;

-- _refuse_subflow_cycle: raise if a flow would start itself, directly or through its subflows.
create or replace function pgflow._refuse_subflow_cycle(flow_slug text)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if exists (
    with recursive subflows as (
      select s.subflow_slug
      from pgflow.steps s
      where s.flow_slug = _refuse_subflow_cycle.flow_slug
        and s.subflow_slug is not null
      union
      select s.subflow_slug
      from subflows x
      join pgflow.steps s on s.flow_slug = x.subflow_slug
      where s.subflow_slug is not null
    )

    select from subflows x where x.subflow_slug = _refuse_subflow_cycle.flow_slug
  ) then
    raise exception using
      errcode = 'PF010',
      message = format(
        'Cannot define flow "%s": it would be its own subflow',
        _refuse_subflow_cycle.flow_slug
      ),
      hint = 'A flow may not contain itself, directly or through its subflows.';
  end if;
end;
$$;

comment on function pgflow.add_step(
  text, text, text[], int, int, int, int, text, jsonb, jsonb, text, text, text, text, text
) is 'Adds a step to a flow, behind the steps named in deps_slugs; null options mean the flow''s.';

-- == 12_ensure_flow_compiled.sql ==================================================================

-- ensure_flow_compiled: make sure that the database has a flow in exactly the given shape.
--
-- A shape is {"max_attempts", "base_delay", …, "steps": [{"step_slug", "deps_slugs", …}]} with the
-- names and defaults of create_flow and add_step; the steps stand in their order. Returns
-- {"status": "compiled" | "verified" | "mismatch", "differences": ["…"]}. Retries, timeouts,
-- delays and the flow for failures of a verified flow are updated in place; its shape never is.
-- Many workers may start at once: the first creates the flow under an advisory lock, the others
-- verify it and write nothing. For development, and only if replace says so, a flow of another
-- shape is deleted with all its runs and created anew: "compiled", with the differences.
create or replace function pgflow.ensure_flow_compiled(
  flow_slug text,
  shape jsonb,
  replace boolean default false
)
  returns jsonb
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_differences jsonb;
begin
  if jsonb_typeof(ensure_flow_compiled.shape -> 'steps') is distinct from 'array' then
    raise exception using
      errcode = '22023',
      message = format(
        'Cannot compile flow "%s": its shape has no array "steps"',
        ensure_flow_compiled.flow_slug
      ),
      hint = 'Pass {"steps": [{"step_slug": "…", "deps_slugs": []}, …]}.';
  end if;

  perform pg_advisory_xact_lock(
    hashtextextended('pgflow.compile', hashtext(ensure_flow_compiled.flow_slug))
  )
  where ensure_flow_compiled.replace
    or not exists (
      select from pgflow.flows f where f.flow_slug = ensure_flow_compiled.flow_slug
    );

  if not exists (select from pgflow.flows f where f.flow_slug = ensure_flow_compiled.flow_slug) then
    perform pgflow._compile_flow(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    return jsonb_build_object('status', 'compiled', 'differences', '[]'::jsonb);
  end if;

  v_differences := pgflow._shape_differences(
    ensure_flow_compiled.flow_slug,
    ensure_flow_compiled.shape
  );

  if v_differences <> '[]' and ensure_flow_compiled.replace then
    perform pgflow.delete_flow_and_data(ensure_flow_compiled.flow_slug);
    perform pgflow._compile_flow(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    return jsonb_build_object('status', 'compiled', 'differences', v_differences);
  end if;

  if v_differences <> '[]' then
    return jsonb_build_object('status', 'mismatch', 'differences', v_differences);
  end if;

  perform pgflow._update_options(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
  return jsonb_build_object('status', 'verified', 'differences', v_differences);
end;
$$;

comment on function pgflow.ensure_flow_compiled(text, jsonb, boolean) is
  'Creates a flow from its shape, or compares it with the stored one and updates its options.';

-- _shape_steps: the steps of a shape as rows of pgflow.steps, absent values filled in.
create or replace function pgflow._shape_steps(flow_slug text, shape jsonb)
  returns table (step pgflow.steps, deps_slugs text[])
  language sql
  immutable
  set search_path = ''
as $$
  select
    row(
      _shape_steps.flow_slug,
      x.step_slug,
      coalesce(x.step_type, 'single'),
      coalesce(x.performed_by, 'handler'),
      x.position - 1,
      cardinality(d.deps_slugs),
      x.max_attempts,
      x.base_delay,
      x.timeout,
      x.start_delay,
      nullif(x.required_input_pattern, 'null'),
      nullif(x.forbidden_input_pattern, 'null'),
      coalesce(x.when_unmet, 'skip-cascade'),
      coalesce(x.when_exhausted, 'fail'),
      x.subflow_slug,
      x.assignee,
      null,
      null
    )::pgflow.steps,
    d.deps_slugs
  from rows from (
    jsonb_to_recordset(_shape_steps.shape -> 'steps') as (
      step_slug text,
      deps_slugs text[],
      step_type text,
      performed_by text,
      max_attempts int,
      base_delay int,
      timeout int,
      start_delay int,
      required_input_pattern jsonb,
      forbidden_input_pattern jsonb,
      when_unmet text,
      when_exhausted text,
      subflow_slug text,
      assignee text
    )
  ) with ordinality as x (
    step_slug, deps_slugs, step_type, performed_by, max_attempts, base_delay, timeout, start_delay,
    required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, subflow_slug,
    assignee, position
  )
  cross join lateral (
    select array(select distinct d from unnest(x.deps_slugs) d order by d) as deps_slugs
  ) d;
$$;

-- _compile_flow: create a flow with all its steps and dependencies.
create or replace function pgflow._compile_flow(flow_slug text, shape jsonb)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_late text;
begin
  select format('step "%s" depends on "%s", which does not come before it', (s.step).step_slug, d)
  into v_late
  from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) s
  cross join lateral unnest(s.deps_slugs) d
  where not exists (
    select
    from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) e
    where (e.step).step_slug = d
      and (e.step).step_index < (s.step).step_index
  )
  limit 1;

  if v_late is not null then
    raise exception using
      errcode = 'PF002',
      message = format('Cannot compile flow "%s": %s', _compile_flow.flow_slug, v_late),
      hint = 'List each step after the steps it depends on; a flow has no cycles.';
  end if;

  perform pgflow.create_flow(
    flow_slug => _compile_flow.flow_slug,
    max_attempts => coalesce((_compile_flow.shape ->> 'max_attempts')::int, 3),
    base_delay => coalesce((_compile_flow.shape ->> 'base_delay')::int, 5),
    timeout => coalesce((_compile_flow.shape ->> 'timeout')::int, 60),
    retry_jitter => coalesce((_compile_flow.shape ->> 'retry_jitter')::float8, 0),
    on_failure_slug => _compile_flow.shape ->> 'on_failure_slug',
    startable_by => pgflow._startable_by(_compile_flow.shape),
    open_runs_per_owner => (_compile_flow.shape ->> 'open_runs_per_owner')::int,
    starts_per_minute_per_owner => (_compile_flow.shape ->> 'starts_per_minute_per_owner')::int,
    broadcast => coalesce((_compile_flow.shape ->> 'broadcast')::boolean, false)
  );

  insert into pgflow.steps (
    flow_slug, step_slug, step_type, performed_by, step_index, deps_count,
    opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay,
    required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, subflow_slug,
    assignee
  )
  select
    (s.step).flow_slug, (s.step).step_slug, (s.step).step_type, (s.step).performed_by,
    (s.step).step_index, (s.step).deps_count, (s.step).opt_max_attempts,
    (s.step).opt_base_delay, (s.step).opt_timeout, (s.step).opt_start_delay,
    (s.step).required_input_pattern, (s.step).forbidden_input_pattern, (s.step).when_unmet,
    (s.step).when_exhausted, (s.step).subflow_slug, (s.step).assignee
  from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) s;

  insert into pgflow.deps (flow_slug, dep_slug, step_slug)
  select (s.step).flow_slug, d, (s.step).step_slug
  from pgflow._shape_steps(_compile_flow.flow_slug, _compile_flow.shape) s
  cross join lateral unnest(s.deps_slugs) d;

  perform pgflow._refuse_subflow_cycle(_compile_flow.flow_slug);
end;
$$;

-- _shape_differences: what differs between a stored flow and a shape, as sentences in step order.
create or replace function pgflow._shape_differences(flow_slug text, shape jsonb)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  with stored as (
    select
      s.step_slug,
      s.step_index,
      jsonb_build_object(
        'position', s.step_index,
        'dependencies', array(
          select d.dep_slug
          from pgflow.deps d
          where d.flow_slug = s.flow_slug
            and d.step_slug = s.step_slug
          order by d.dep_slug
        ),
        'step_type', s.step_type,
        'performed_by', s.performed_by,
        'subflow_slug', s.subflow_slug,
        'required_input_pattern', s.required_input_pattern,
        'forbidden_input_pattern', s.forbidden_input_pattern,
        'when_unmet', s.when_unmet,
        'when_exhausted', s.when_exhausted
      ) as shape
    from pgflow.steps s
    where s.flow_slug = _shape_differences.flow_slug
  ),

  given as (
    select
      (s.step).step_slug,
      (s.step).step_index,
      jsonb_build_object(
        'position', (s.step).step_index,
        'dependencies', s.deps_slugs,
        'step_type', (s.step).step_type,
        'performed_by', (s.step).performed_by,
        'subflow_slug', (s.step).subflow_slug,
        'required_input_pattern', (s.step).required_input_pattern,
        'forbidden_input_pattern', (s.step).forbidden_input_pattern,
        'when_unmet', (s.step).when_unmet,
        'when_exhausted', (s.step).when_exhausted
      ) as shape
    from pgflow._shape_steps(_shape_differences.flow_slug, _shape_differences.shape) s
  ),

  differences as (
    select
      coalesce(st.step_index, g.step_index) as step_index,
      coalesce(st.step_slug, g.step_slug) as step_slug,
      k.key,
      case
        when st.step_slug is null then format('step "%s" is not in the database', g.step_slug)
        when g.step_slug is null then format('step "%s" is only in the database', st.step_slug)
        else format(
          'step "%s": %s is %s in the database and %s in the code',
          st.step_slug,
          k.key,
          st.shape -> k.key,
          g.shape -> k.key
        )
      end as sentence
    from stored st
    full join given g on g.step_slug = st.step_slug
    left join lateral jsonb_object_keys(st.shape) as k (key)
      on st.shape -> k.key is distinct from g.shape -> k.key
      and g.step_slug is not null
    where st.step_slug is null
      or g.step_slug is null
      or k.key is not null
  )

  select coalesce(jsonb_agg(d.sentence order by d.step_index, d.step_slug, d.key), '[]')
  from differences d;
$$;

-- _startable_by: the roles that a shape names, in order and once each.
create or replace function pgflow._startable_by(shape jsonb)
  returns text[]
  language sql
  immutable
  set search_path = ''
as $$
  select array(
    select distinct r.role_name
    from jsonb_array_elements_text(
      coalesce(nullif(_startable_by.shape -> 'startable_by', 'null'), '[]')
    ) as r (role_name)
    order by r.role_name
  );
$$;

-- _update_options: store the retries, timeouts, delays and rules of a shape where they differ.
create or replace function pgflow._update_options(flow_slug text, shape jsonb)
  returns void
  language sql
  set search_path = ''
as $$
  update pgflow.flows f
  set
    opt_max_attempts = o.max_attempts,
    opt_base_delay = o.base_delay,
    opt_timeout = o.timeout,
    opt_retry_jitter = o.retry_jitter,
    on_failure_slug = o.on_failure_slug,
    startable_by = o.startable_by,
    open_runs_per_owner = o.open_runs_per_owner,
    starts_per_minute_per_owner = o.starts_per_minute_per_owner,
    broadcast = o.broadcast
  from (
    select
      coalesce((_update_options.shape ->> 'max_attempts')::int, 3) as max_attempts,
      coalesce((_update_options.shape ->> 'base_delay')::int, 5) as base_delay,
      coalesce((_update_options.shape ->> 'timeout')::int, 60) as timeout,
      coalesce((_update_options.shape ->> 'retry_jitter')::float8, 0) as retry_jitter,
      _update_options.shape ->> 'on_failure_slug' as on_failure_slug,
      pgflow._startable_by(_update_options.shape) as startable_by,
      (_update_options.shape ->> 'open_runs_per_owner')::int as open_runs_per_owner,
      (_update_options.shape ->> 'starts_per_minute_per_owner')::int as starts_per_minute_per_owner,
      coalesce((_update_options.shape ->> 'broadcast')::boolean, false) as broadcast
  ) o
  where f.flow_slug = _update_options.flow_slug
    and (
      f.opt_max_attempts, f.opt_base_delay, f.opt_timeout, f.opt_retry_jitter, f.on_failure_slug,
      f.startable_by, f.open_runs_per_owner, f.starts_per_minute_per_owner, f.broadcast
    )
      is distinct from (
        o.max_attempts, o.base_delay, o.timeout, o.retry_jitter, o.on_failure_slug,
        o.startable_by, o.open_runs_per_owner, o.starts_per_minute_per_owner, o.broadcast
      );

  update pgflow.steps s
  set
    opt_max_attempts = (g.step).opt_max_attempts,
    opt_base_delay = (g.step).opt_base_delay,
    opt_timeout = (g.step).opt_timeout,
    opt_start_delay = (g.step).opt_start_delay,
    assignee = (g.step).assignee
  from pgflow._shape_steps(_update_options.flow_slug, _update_options.shape) g
  where s.flow_slug = _update_options.flow_slug
    and s.step_slug = (g.step).step_slug
    and (s.opt_max_attempts, s.opt_base_delay, s.opt_timeout, s.opt_start_delay, s.assignee)
      is distinct from (
        (g.step).opt_max_attempts,
        (g.step).opt_base_delay,
        (g.step).opt_timeout,
        (g.step).opt_start_delay,
        (g.step).assignee
      );
$$;

-- == 13_delete_flow_and_data.sql ==================================================================

-- delete_flow_and_data: forget a flow, its runs and its queue; for development only.
create or replace function pgflow.delete_flow_and_data(flow_slug text)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  delete from pgflow.step_tasks t where t.flow_slug = delete_flow_and_data.flow_slug;
  delete from pgflow.step_states s where s.flow_slug = delete_flow_and_data.flow_slug;
  delete from pgflow.runs r where r.flow_slug = delete_flow_and_data.flow_slug;
  delete from pgflow.flows f where f.flow_slug = delete_flow_and_data.flow_slug;

  if found then
    perform pgmq.drop_queue(delete_flow_and_data.flow_slug);
  end if;
end;
$$;

comment on function pgflow.delete_flow_and_data(text) is
  'Forgets a flow, its runs and its queue, for good; for development only.';

-- == 20_lock_families.sql =========================================================================

-- _lock_families: lock the root runs of the given runs, in id order; return which are child runs,
-- and the states of root runs that somebody may watch.
--
-- Whoever changes runs comes here first, so that no two sessions wait for each other, and passes
-- the states, if there are any, to _send_events last.
create or replace function pgflow._lock_families(
  run_ids uuid[],
  out child_run_ids uuid[],
  out watched jsonb
)
  language plpgsql
  set search_path = ''
as $$
declare
  v_root_run_ids uuid[];
  v_watched_run_ids uuid[];
begin
  select
    array_agg(coalesce(r.root_run_id, r.run_id)),
    array_agg(r.run_id) filter (where r.root_run_id is not null)
  into v_root_run_ids, child_run_ids
  from pgflow.runs r
  where r.run_id = any (_lock_families.run_ids);

  with locked as materialized (
    select r.run_id, r.broadcast
    from pgflow.runs r
    where r.run_id = any (v_root_run_ids)
    order by r.run_id
    for no key update
  )

  select array_agg(l.run_id) filter (where l.broadcast) into v_watched_run_ids from locked l;

  if v_watched_run_ids is not null then
    watched := pgflow._watched_states(v_watched_run_ids);
  end if;
end;
$$;

-- == 20_new_run_id.sql ============================================================================

-- _new_run_id: an id for a run: a UUID of version 7, whose first 48 bits are the milliseconds now.
--
-- Ids that grow with time keep what is inserted together in the same few pages of each index. With
-- random ones every run touches pages of its own, which after a checkpoint go into the WAL as a
-- whole: with 300,000 runs in the tables 26 kB for a run of three steps, now as much as in an empty
-- database. Not language sql, because that would be one more statement for each run of a batch.
create or replace function pgflow._new_run_id()
  returns uuid
  language plpgsql
  set search_path = ''
as $$
begin
  return (
    lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7'
    || substr(gen_random_uuid()::text, 16)
  )::uuid;
end;
$$;

-- == 20_queue_messages.sql ========================================================================

-- _archive_messages: archive messages of any number of queues, one pgmq call per queue.
create or replace function pgflow._archive_messages(flow_slugs text[], message_ids bigint[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  perform
  from (
    select m.flow_slug, array_agg(m.message_id) as message_ids
    from unnest(_archive_messages.flow_slugs, _archive_messages.message_ids)
      as m (flow_slug, message_id)
    where m.message_id is not null
    group by m.flow_slug
  ) q
  cross join lateral pgmq.archive(queue_name => q.flow_slug, msg_ids => q.message_ids);
end;
$$;

-- _hide_messages: make messages of one queue visible so many seconds from now (0: at once).
--
-- pgmq.set_vt takes one message a call and counts from the transaction's start.
create or replace function pgflow._hide_messages(
  flow_slug text,
  message_ids bigint[],
  seconds int[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  execute format(
    $query$
      update pgmq.%I as m
      set vt = clock_timestamp() + make_interval(secs => h.seconds)
      from unnest($1, $2) as h (message_id, seconds)
      where m.msg_id = h.message_id
    $query$,
    'q_' || lower(_hide_messages.flow_slug)
  )
  using _hide_messages.message_ids, _hide_messages.seconds;
end;
$$;

-- == 21_queue_tasks.sql ===========================================================================

-- _queue_tasks: create tasks and the messages that point to them, in one statement.
--
-- Takes one entry per task; elements are the inputs of a map's tasks. Messages are sent in the
-- order of run, step and index, one pgmq call per queue. The caller holds the locks of the root
-- runs.
create or replace function pgflow._queue_tasks(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  elements jsonb[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  insert into pgflow.step_tasks (
    flow_slug, run_id, step_slug, task_index, input, message_id, queued_at
  )
  select q.flow_slug, t.*, clock_timestamp()
  from (
    select
      n.flow_slug,
      array_agg(n.run_id order by n.run_id, n.step_slug, n.task_index) as run_ids,
      array_agg(n.step_slug order by n.run_id, n.step_slug, n.task_index) as step_slugs,
      array_agg(n.task_index order by n.run_id, n.step_slug, n.task_index) as task_indexes,
      array_agg(n.element order by n.run_id, n.step_slug, n.task_index) as elements,
      array_agg(
        jsonb_build_object(
          'flow_slug', n.flow_slug,
          'run_id', n.run_id,
          'step_slug', n.step_slug,
          'task_index', n.task_index
        )
        order by n.run_id, n.step_slug, n.task_index
      ) as messages
    from unnest(
      _queue_tasks.flow_slugs,
      _queue_tasks.run_ids,
      _queue_tasks.step_slugs,
      _queue_tasks.task_indexes,
      _queue_tasks.elements
    ) as n (flow_slug, run_id, step_slug, task_index, element)
    group by n.flow_slug
  ) q
  cross join lateral unnest(
    q.run_ids,
    q.step_slugs,
    q.task_indexes,
    q.elements,
    array(select pgmq.send_batch(queue_name => q.flow_slug, msgs => q.messages))
  ) as t;
end;
$$;

-- == 22_advance_steps.sql =========================================================================

-- _advance_steps: start, skip or end the steps whose dependencies have ended, and count ended
-- steps.
--
-- Takes the run of each step that has just ended (one entry per step), and the steps that gained
-- ended dependencies with how many. A step that ends without a task (skipped, or a map over
-- nothing) is an ended dependency of the next wave, so the number of statements depends on the
-- length of such chains, not on the number of runs, steps or elements. In runs that start later no
-- step is plain. The caller holds the locks of the root runs.
create or replace function pgflow._advance_steps(
  ended_run_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  arrived int[],
  later boolean default false
)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_ended_run_ids uuid[] := coalesce(_advance_steps.ended_run_ids, '{}');
  v_failed_run_ids uuid[] := '{}';
  v_failed_step_slugs text[] := '{}';
  v_failed_errors text[] := '{}';
  v_run_ids uuid[] := _advance_steps.run_ids;
  v_step_slugs text[] := _advance_steps.step_slugs;
  v_arrived int[] := _advance_steps.arrived;
  v_flow_slugs text[];
  v_started_run_ids uuid[];
  v_started_step_slugs text[];
  v_ready_run_ids uuid[];
  v_ready_step_slugs text[];
  v_decided record;
begin
  while cardinality(v_run_ids) > 0 loop
    -- A single step without conditions starts as soon as it waits for nothing: no more to look at.
    with steps_reached as (
      update pgflow.step_states s
      set
        remaining_deps = s.remaining_deps - c.arrived,
        (status, started_at) = (
          select
            case when x.starts then 'started' else 'created' end,
            case when x.starts then now() end
          from pgflow.steps st
          cross join lateral (
            select
              s.remaining_deps = c.arrived and st.is_plain and not _advance_steps.later as starts
          ) x
          where st.flow_slug = s.flow_slug
            and st.step_slug = s.step_slug
        )
      from unnest(v_run_ids, v_step_slugs, v_arrived) as c (run_id, step_slug, arrived)
      where s.run_id = c.run_id
        and s.step_slug = c.step_slug
        and s.status = 'created'
      returning s.flow_slug, s.run_id, s.step_slug, s.status, s.remaining_deps
    )

    select
      array_agg(s.flow_slug) filter (where s.status = 'started'),
      array_agg(s.run_id) filter (where s.status = 'started'),
      array_agg(s.step_slug) filter (where s.status = 'started'),
      array_agg(s.run_id) filter (where s.status = 'created' and s.remaining_deps = 0),
      array_agg(s.step_slug) filter (where s.status = 'created' and s.remaining_deps = 0)
    into
      v_flow_slugs,
      v_started_run_ids,
      v_started_step_slugs,
      v_ready_run_ids,
      v_ready_step_slugs
    from steps_reached s;

    if cardinality(v_started_run_ids) > 0 then
      perform pgflow._queue_tasks(
        v_flow_slugs,
        v_started_run_ids,
        v_started_step_slugs,
        array_fill(0, array[cardinality(v_started_run_ids)]),
        null
      );
    end if;

    v_run_ids := null;

    if cardinality(v_ready_run_ids) > 0 then
      v_decided := pgflow._decide_steps(v_ready_run_ids, v_ready_step_slugs);
      v_ended_run_ids := v_ended_run_ids || v_decided.ended_run_ids;
      v_failed_run_ids := v_failed_run_ids || v_decided.failed_run_ids;
      v_failed_step_slugs := v_failed_step_slugs || v_decided.failed_step_slugs;
      v_failed_errors := v_failed_errors || v_decided.failed_errors;
      v_run_ids := v_decided.run_ids;
      v_step_slugs := v_decided.step_slugs;
      v_arrived := v_decided.arrived;
    end if;
  end loop;

  if cardinality(v_ended_run_ids) > 0 then
    perform pgflow._count_ended_steps(v_ended_run_ids);
  end if;

  if cardinality(v_failed_run_ids) > 0 then
    perform pgflow._fail_undecided_steps(v_failed_run_ids, v_failed_step_slugs, v_failed_errors);
  end if;
end;
$$;

-- _count_ended_steps: lower runs' remaining_steps, one for each entry, and complete those at zero.
--
-- The run's output is the outputs of the steps nothing depends on; skipped ones are absent.
create or replace function pgflow._count_ended_steps(ended_run_ids uuid[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  update pgflow.runs r
  set
    remaining_steps = r.remaining_steps - e.steps,
    status = case when r.remaining_steps = e.steps then 'completed' else r.status end,
    completed_at = case when r.remaining_steps = e.steps then clock_timestamp() end,
    output = case when r.remaining_steps = e.steps then (
      select o.output from pgflow.run_outputs o where o.run_id = r.run_id
    ) end
  from (
    select x.run_id, count(*)::int as steps
    from unnest(_count_ended_steps.ended_run_ids) as x (run_id)
    group by x.run_id
  ) e
  where r.run_id = e.run_id
    and r.status = 'started';
end;
$$;

-- == 23_decide_steps.sql ==========================================================================

-- _decide_steps: start, skip, complete or fail steps that wait for nothing and are not plain.
--
-- A condition is met when the step's input contains the required pattern and not the forbidden
-- one. A map takes one task per element of its array and completes at once over an empty one.
-- Returns the run of each step that ended here, the steps that gained ended dependencies from
-- them, and the steps that make their runs fail.
create or replace function pgflow._decide_steps(
  inout run_ids uuid[],
  inout step_slugs text[],
  out arrived int[],
  out ended_run_ids uuid[],
  out failed_run_ids uuid[],
  out failed_step_slugs text[],
  out failed_errors text[]
)
  language plpgsql
  set search_path = ''
as $$
declare
  v_started_run_ids uuid[];
  v_started_step_slugs text[];
  v_cascade_run_ids uuid[];
  v_cascade_step_slugs text[];
begin
  with ready_steps as materialized (
    select
      s.run_id,
      s.step_slug,
      st.when_unmet,
      st.required_input_pattern is null and st.forbidden_input_pattern is null or (
        select
          (st.required_input_pattern is null or i.input @> st.required_input_pattern)
          and (st.forbidden_input_pattern is null or not i.input @> st.forbidden_input_pattern)
        from (
          select case when st.deps_count = 0 then r.input else si.input end as input
          from pgflow.runs r
          join pgflow.step_inputs si on si.run_id = r.run_id
          where r.run_id = s.run_id
            and si.step_slug = s.step_slug
          -- Keeps the planner from building the input twice, once for each pattern.
          offset 0
        ) i
      ) as condition_met,
      case
        when st.step_type = 'single' then 1
        else (
          select case jsonb_typeof(m.elements) when 'array' then jsonb_array_length(m.elements) end
          from pgflow.map_elements m
          where m.run_id = s.run_id
            and m.step_slug = s.step_slug
        )
      end as tasks
    from unnest(_decide_steps.run_ids, _decide_steps.step_slugs) as x (run_id, step_slug)
    join pgflow.step_states s
      on s.run_id = x.run_id
      and s.step_slug = x.step_slug
    join pgflow.steps st
      on st.flow_slug = s.flow_slug
      and st.step_slug = s.step_slug
    where s.status = 'created'
  ),

  decided as (
    select
      r.run_id,
      r.step_slug,
      r.tasks,
      r.condition_met,
      case
        when not r.condition_met then r.when_unmet
        when r.tasks is null then 'fail'
        when r.tasks = 0 then 'complete'
        else 'start'
      end as decision
    from ready_steps r
  ),

  moved as (
    update pgflow.step_states s
    set
      status = case d.decision
        when 'start' then 'started'
        when 'complete' then 'completed'
        when 'fail' then 'created'
        else 'skipped'
      end,
      initial_tasks = coalesce(d.tasks, s.initial_tasks),
      remaining_tasks = coalesce(d.tasks, s.remaining_tasks),
      started_at = case when d.decision in ('start', 'complete') then now() end,
      completed_at = case when d.decision = 'complete' then now() end,
      skipped_at = case when d.decision in ('skip', 'skip-cascade') then now() end,
      skip_reason = case when d.decision in ('skip', 'skip-cascade') then 'condition_unmet' end,
      output = case when d.decision = 'complete' then '[]'::jsonb end
    from decided d
    where s.run_id = d.run_id
      and s.step_slug = d.step_slug
    returning s.flow_slug, s.run_id, s.step_slug, d.decision, d.condition_met
  ),

  dependents as (
    select m.run_id, d.step_slug, count(*)::int as arrived
    from moved m
    join pgflow.deps d
      on d.flow_slug = m.flow_slug
      and d.dep_slug = m.step_slug
    where m.decision in ('complete', 'skip')
    group by m.run_id, d.step_slug
  )

  select
    (select array_agg(d.run_id) from dependents d),
    (select array_agg(d.step_slug) from dependents d),
    (select array_agg(d.arrived) from dependents d),
    array_agg(m.run_id) filter (where m.decision in ('complete', 'skip', 'skip-cascade')),
    array_agg(m.run_id) filter (where m.decision = 'fail'),
    array_agg(m.step_slug) filter (where m.decision = 'fail'),
    array_agg(case when not m.condition_met then 'its condition is not met' end)
      filter (where m.decision = 'fail'),
    array_agg(m.run_id) filter (where m.decision = 'start'),
    array_agg(m.step_slug) filter (where m.decision = 'start'),
    array_agg(m.run_id) filter (where m.decision = 'skip-cascade'),
    array_agg(m.step_slug) filter (where m.decision = 'skip-cascade')
  into
    run_ids,
    step_slugs,
    arrived,
    ended_run_ids,
    failed_run_ids,
    failed_step_slugs,
    failed_errors,
    v_started_run_ids,
    v_started_step_slugs,
    v_cascade_run_ids,
    v_cascade_step_slugs
  from moved m;

  if cardinality(v_cascade_run_ids) > 0 then
    ended_run_ids := ended_run_ids
      || pgflow._skip_dependents(v_cascade_run_ids, v_cascade_step_slugs);
  end if;

  if cardinality(v_started_run_ids) > 0 then
    perform pgflow._create_tasks(v_started_run_ids, v_started_step_slugs);
  end if;
end;
$$;

-- _create_tasks: create the tasks of started steps that are maps, delayed or performed outside.
--
-- Tasks that wait (a start delay, a run that starts later, an approval) get no message yet.
create or replace function pgflow._create_tasks(run_ids uuid[], step_slugs text[])
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_queued record;
begin
  with new_tasks as materialized (
    select
      s.flow_slug,
      s.run_id,
      s.step_slug,
      e.task_index,
      e.element,
      case when st.performed_by = 'approval' then 'waiting' else 'queued' end as status,
      case
        when st.performed_by = 'approval' then l.starts_at + make_interval(secs => st.opt_timeout)
        when l.starts_at > now() then l.starts_at
      end as due_at,
      case when st.performed_by = 'approval' then l.starts_at end as waiting_since,
      case
        when st.assignee = 'owner' then 'user:' || r.owner
        when st.assignee like 'role:%' then st.assignee
        when st.assignee is not null then 'user:' || lower(
          case
            when st.step_type = 'map' then e.element
            else (
              select si.input
              from pgflow.step_inputs si
              where si.run_id = s.run_id
                and si.step_slug = s.step_slug
            )
          end #>> string_to_array(substr(st.assignee, 6), '.')
        )
      end as assignee
    from unnest(_create_tasks.run_ids, _create_tasks.step_slugs) as x (run_id, step_slug)
    join pgflow.step_states s
      on s.run_id = x.run_id
      and s.step_slug = x.step_slug
    join pgflow.steps st
      on st.flow_slug = s.flow_slug
      and st.step_slug = s.step_slug
    join pgflow.runs r
      on r.run_id = s.run_id
    cross join lateral (
      select
        greatest(r.start_at, now()) + make_interval(secs => coalesce(st.opt_start_delay, 0))
          as starts_at
    ) l
    cross join lateral (
      select 0 as task_index, null::jsonb as element
      where st.step_type = 'single'
      union all
      select (a.position - 1)::int, a.element
      from jsonb_array_elements(
        case
          when st.step_type = 'map' then (
            select m.elements
            from pgflow.map_elements m
            where m.run_id = s.run_id
              and m.step_slug = s.step_slug
          )
        end
      ) with ordinality as a (element, position)
    ) e
  ),

  waiting as (
    insert into pgflow.step_tasks (
      flow_slug, run_id, step_slug, task_index, input, status, due_at, waiting_since, assignee
    )
    select
      n.flow_slug, n.run_id, n.step_slug, n.task_index, n.element, n.status, n.due_at,
      n.waiting_since, n.assignee
    from new_tasks n
    where n.status = 'waiting'
      or n.due_at is not null
  )

  select
    array_agg(n.flow_slug) as flow_slugs,
    array_agg(n.run_id) as run_ids,
    array_agg(n.step_slug) as step_slugs,
    array_agg(n.task_index) as task_indexes,
    array_agg(n.element) as elements
  into v_queued
  from new_tasks n
  where n.status = 'queued'
    and n.due_at is null;

  if v_queued.run_ids is not null then
    perform pgflow._queue_tasks(
      v_queued.flow_slugs,
      v_queued.run_ids,
      v_queued.step_slugs,
      v_queued.task_indexes,
      v_queued.elements
    );
  end if;
end;
$$;

-- _skip_dependents: skip whatever depends on the given skipped steps, however deep.
--
-- Returns the run of each step skipped.
create or replace function pgflow._skip_dependents(run_ids uuid[], step_slugs text[])
  returns uuid[]
  language sql
  set search_path = ''
as $$
  with recursive dependents as (
    select s.run_id, d.flow_slug, d.step_slug
    from unnest(_skip_dependents.run_ids, _skip_dependents.step_slugs) as x (run_id, step_slug)
    join pgflow.step_states s
      on s.run_id = x.run_id
      and s.step_slug = x.step_slug
    join pgflow.deps d
      on d.flow_slug = s.flow_slug
      and d.dep_slug = s.step_slug
    union
    select x.run_id, d.flow_slug, d.step_slug
    from dependents x
    join pgflow.deps d
      on d.flow_slug = x.flow_slug
      and d.dep_slug = x.step_slug
  ),

  skipped as (
    update pgflow.step_states s
    set
      status = 'skipped',
      skipped_at = now(),
      skip_reason = 'dependency_skipped'
    from dependents d
    where s.run_id = d.run_id
      and s.step_slug = d.step_slug
      and s.status = 'created'
    returning s.run_id
  )

  select coalesce(array_agg(s.run_id), '{}') from skipped s;
$$;

-- _fail_undecided_steps: fail steps whose condition is unmet, or whose map has no array.
--
-- Where no error is given, the map's dependency is the cause.
create or replace function pgflow._fail_undecided_steps(
  run_ids uuid[],
  step_slugs text[],
  error_messages text[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  perform pgflow._fail_steps(
    array_agg(f.run_id),
    array_agg(f.step_slug),
    array_agg(
      coalesce(
        f.error_message,
        (
          select format(
            '[type] map step "%s" needs an array, but its dependency "%s" returned %s',
            f.step_slug,
            m.dep_slug,
            jsonb_typeof(m.elements)
          )
          from pgflow.map_elements m
          where m.run_id = f.run_id
            and m.step_slug = f.step_slug
        )
      )
    )
  )
  from unnest(
    _fail_undecided_steps.run_ids,
    _fail_undecided_steps.step_slugs,
    _fail_undecided_steps.error_messages
  ) as f (run_id, step_slug, error_message);
end;
$$;

-- == 24_end_runs.sql ==============================================================================

-- _fail_steps: fail steps, and with each the run it belongs to.
--
-- The run's message names the step and the cause; the first entry of a run counts.
-- The caller holds the locks of the root runs.
create or replace function pgflow._fail_steps(
  run_ids uuid[],
  step_slugs text[],
  error_messages text[]
)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  update pgflow.step_states s
  set
    status = 'failed',
    failed_at = now(),
    error_message = f.error_message
  from unnest(_fail_steps.run_ids, _fail_steps.step_slugs, _fail_steps.error_messages)
    as f (run_id, step_slug, error_message)
  where s.run_id = f.run_id
    and s.step_slug = f.step_slug
    and s.status in ('created', 'started');

  perform pgflow._end_runs(
    'failed',
    array_agg(f.run_id),
    array_agg(format('Step "%s" failed: %s', f.step_slug, f.error_message))
  )
  from (
    select distinct on (x.run_id) x.run_id, x.step_slug, x.error_message
    from unnest(_fail_steps.run_ids, _fail_steps.step_slugs, _fail_steps.error_messages)
      with ordinality as x (run_id, step_slug, error_message, position)
    order by x.run_id, x.position
  ) f;
end;
$$;

-- _end_runs: end open runs as failed or cancelled; their open steps, tasks and child runs are
-- cancelled, their messages archived, their counters stay as they are.
--
-- The caller holds the locks of the root runs.
create or replace function pgflow._end_runs(status text, run_ids uuid[], error_messages text[])
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_ended uuid[];
  v_flow_slugs text[];
  v_message_ids bigint[];
begin
  with recursive family as (
    select e.run_id, _end_runs.status, e.error_message
    from unnest(_end_runs.run_ids, _end_runs.error_messages) as e (run_id, error_message)
    union all
    select
      c.run_id,
      'cancelled',
      format('[cancelled by parent] run %s ended', p.run_id)
    from family p
    join pgflow.runs c
      on c.parent_run_id = p.run_id
  ),

  ended as (
    update pgflow.runs r
    set
      status = f.status,
      error_message = f.error_message,
      failed_at = case when f.status = 'failed' then now() end,
      cancelled_at = case when f.status = 'cancelled' then now() end
    from family f
    where r.run_id = f.run_id
      and r.status = 'started'
    returning r.run_id
  )

  select array_agg(e.run_id) into v_ended from ended e;

  update pgflow.step_states s
  set
    status = 'cancelled',
    cancelled_at = now()
  where s.run_id = any (v_ended)
    and s.status in ('created', 'started');

  with cancelled as (
    update pgflow.step_tasks t
    set
      status = 'cancelled',
      cancelled_at = now(),
      open_attempt = null,
      due_at = null,
      waiting_since = null
    where t.run_id = any (v_ended)
      and t.status in ('queued', 'started', 'waiting')
    returning t.flow_slug, t.message_id
  )

  select array_agg(c.flow_slug), array_agg(c.message_id)
  into v_flow_slugs, v_message_ids
  from cancelled c;

  perform pgflow._archive_messages(v_flow_slugs, v_message_ids);

  perform pgflow._start_failure_runs(
    array(
      select r.run_id
      from pgflow.runs r
      join pgflow.flows f on f.flow_slug = r.flow_slug
      where r.run_id = any (v_ended)
        and r.status = 'failed'
        and f.on_failure_slug is not null
    )
  );
end;
$$;

-- _start_failure_runs: start the flows that are to run when these failed runs' flows fail.
--
-- A run of its own, so that the hook is as durable, retried and visible as any flow. Its input is
-- {"run_id", "flow_slug", "input", "step_slug", "error_message"}. A hook whose flow does not exist
-- is passed over: it must not keep the run from failing. It is the server's: the failed run's owner
-- does not see it and cannot cancel it.
create or replace function pgflow._start_failure_runs(run_ids uuid[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if cardinality(_start_failure_runs.run_ids) = 0 then
    return;
  end if;

  perform pgflow._start_runs(h.on_failure_slug, h.runs)
  from (
    select
      f.on_failure_slug,
      array_agg(
        jsonb_populate_record(
          null::pgflow.runs,
          jsonb_build_object(
            'idempotency_key', format('failure of %s at %s', r.run_id, clock_timestamp()),
            'input', jsonb_build_object(
              'run_id', r.run_id,
              'flow_slug', r.flow_slug,
              'input', r.input,
              'step_slug', s.step_slug,
              'error_message', r.error_message
            )
          )
        )
      ) as runs
    from pgflow.runs r
    join pgflow.flows f
      on f.flow_slug = r.flow_slug
    join pgflow.flows hook
      on hook.flow_slug = f.on_failure_slug
    left join lateral (
      select x.step_slug
      from pgflow.step_states x
      where x.run_id = r.run_id
        and x.status = 'failed'
      order by x.step_slug
      limit 1
    ) s on true
    where r.run_id = any (_start_failure_runs.run_ids)
      and not exists (
        select
        from pgflow.steps root
        where root.flow_slug = hook.flow_slug
          and root.deps_count = 0
          and root.step_type = 'map'
      )
    group by f.on_failure_slug
  ) h;
end;
$$;

-- == 26_send_events.sql ===========================================================================

-- _send_events: tell whoever watches what became of runs and steps. The only file that touches
-- realtime.
--
-- Whoever changes runs gets from _lock_families the states of the watched ones, which nobody else
-- can change from then on, and passes them on here when it is done. What differs is sent, in one
-- statement for all runs: one event for each state that changed, however it came about. A run that
-- nobody watches costs a look at a variable. A step that is cancelled has no event of its own: its
-- run's end says it.
create or replace function pgflow._send_events(known jsonb)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if to_regclass('realtime.messages') is null then
    return;
  end if;

  if has_table_privilege('realtime.messages', 'insert') then
    insert into realtime.messages (topic, extension, event, payload, private)
    select c.topic, 'broadcast', c.event, c.payload, true
    from pgflow._changes_since(_send_events.known) c;
  else
    perform realtime.send(c.payload, c.event, c.topic, true)
    from pgflow._changes_since(_send_events.known) c;
  end if;
exception
  -- Whatever is wrong with Realtime, the run goes on: who watches can read its state.
  when others then
    raise warning 'Cannot send events: %', sqlerrm;
end;
$$;

-- _watched_states: the state of each of these runs (under the key '') and of its steps.
--
-- The state of a started step with many tasks is followed by the number of tasks that are left.
create or replace function pgflow._watched_states(run_ids uuid[])
  returns jsonb
  language plpgsql
  set search_path = ''
as $$
begin
  return (
    select
      jsonb_object_agg(
        r.run_id,
        jsonb_build_object('', r.status) || (
          select coalesce(
            jsonb_object_agg(
              s.step_slug,
              case
                when s.status = 'started' and s.initial_tasks > 1
                  then s.status || ' ' || s.remaining_tasks
                else s.status
              end
            ),
            '{}'
          )
          from pgflow.step_states s
          where s.run_id = r.run_id
        )
      )
    from pgflow.runs r
    where r.run_id = any (_watched_states.run_ids)
  );
end;
$$;

-- _changes_since: the events that tell how runs and steps differ from the states known.
--
-- In the order in which a watcher can follow: a run's start, what ended, what started, a run's end.
-- A step with many tasks tells its progress at most four times a second. Outputs of more than
-- 16 kB stay out: Realtime counts bytes, and whoever wants them reads the run.
create or replace function pgflow._changes_since(known jsonb)
  returns table (topic text, event text, payload jsonb)
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with changes as materialized (
    select k.run_id, e.*
    from (
      select x.key::uuid as run_id, x.value as states
      from jsonb_each(_changes_since.known) x
    ) k
    cross join lateral (
      select
        null::text as step_slug,
        r.flow_slug,
        r.status,
        r.status as news,
        case r.status when 'started' then 0 else 3 end as position,
        0 as step_index,
        coalesce(r.completed_at, r.failed_at, r.cancelled_at, r.started_at) as changed_at,
        r.output,
        r.error_message,
        null::int as tasks_done,
        null::int as tasks_total
      from pgflow.runs r
      where r.run_id = k.run_id
        and r.status is distinct from k.states ->> ''
      union all
      select
        s.step_slug,
        null,
        s.status,
        l.news,
        case l.news when 'started' then 2 else 1 end,
        (
          select st.step_index
          from pgflow.steps st
          where st.flow_slug = s.flow_slug
            and st.step_slug = s.step_slug
        ),
        coalesce(s.completed_at, s.failed_at, s.skipped_at, s.started_at),
        case
          when s.status = 'completed' then coalesce(
            s.output,
            (
              select t.output
              from pgflow.step_tasks t
              where t.run_id = s.run_id
                and t.step_slug = s.step_slug
                and t.task_index = 0
            )
          )
        end,
        s.error_message,
        case when s.initial_tasks > 1 then s.initial_tasks - s.remaining_tasks end,
        case when s.initial_tasks > 1 then s.initial_tasks end
      from pgflow.step_states s
      cross join lateral (
        select
          case
            when s.status <> 'started' or k.states ->> s.step_slug not like 'started%'
              or not k.states ? s.step_slug then s.status
            when s.initial_tasks > 1
              and k.states ->> s.step_slug <> 'started ' || s.remaining_tasks
              and (
                s.progress_at is null
                or s.progress_at < clock_timestamp() - interval '250 milliseconds'
              ) then 'progress'
          end as news
      ) l
      where s.run_id = k.run_id
        and s.status not in ('created', 'cancelled')
        and s.status is distinct from k.states ->> s.step_slug
        and l.news is not null
    ) e
  ),

  progressed as (
    update pgflow.step_states s
    set progress_at = clock_timestamp()
    from changes c
    where c.news = 'progress'
      and s.run_id = c.run_id
      and s.step_slug = c.step_slug
  )

  select
    'pgflow:run:' || c.run_id,
    concat_ws(':', case when c.step_slug is null then 'run' else 'step' end, c.step_slug, c.news),
    jsonb_build_object(
      'event_type', case when c.step_slug is null then 'run:' else 'step:' end || c.news,
      'run_id', c.run_id,
      case when c.step_slug is null then 'flow_slug' else 'step_slug' end,
      coalesce(c.step_slug, c.flow_slug),
      'status', c.status,
      c.status || '_at', c.changed_at
    )
    || case
      when c.status <> 'completed' then '{}'
      when pg_column_size(c.output) > 16384 then '{"output_omitted": true}'
      when octet_length(c.output::text) > 16384 then '{"output_omitted": true}'
      else jsonb_build_object('output', c.output)
    end
    || case
      when c.error_message is null then '{}'
      else jsonb_build_object('error_message', left(c.error_message, 4096))
    end
    || case
      when c.tasks_total is null or c.status <> 'started' then '{}'
      else jsonb_build_object('tasks_done', c.tasks_done, 'tasks_total', c.tasks_total)
    end
  from changes c
  order by c.run_id, c.position, c.step_index;
end;
$$;

-- _may_watch: whether the caller of the API is the owner of the run whose topic this is.
--
-- Security definer, because Realtime asks in the role of the caller, who may read no table.
create or replace function pgflow._may_watch(topic text)
  returns boolean
  language sql
  stable
  security definer
  set search_path = ''
as $$
  select exists (
    select
    from pgflow.runs r
    where r.run_id = case
        when _may_watch.topic ~ '^pgflow:run:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
          then substr(_may_watch.topic, 12)::uuid
      end
      and r.owner = (select pgflow._user_id())
  );
$$;

-- _guard_realtime: let signed-in users join the private topics of their own runs, and nobody else.
--
-- The restrictive policy keeps runs private in a project whose own policies open all topics, and
-- keeps clients from sending what looks like an event. Where Realtime is set up later, call it
-- again then: until that, nobody but the service role may join.
create or replace function pgflow._guard_realtime(signed_in_role text, anonymous_role text)
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if to_regclass('realtime.messages') is null then
    return;
  end if;

  drop policy if exists pgflow_owners_watch_runs on realtime.messages;
  drop policy if exists pgflow_runs_are_private on realtime.messages;

  execute format(
    $policy$
      create policy pgflow_owners_watch_runs on realtime.messages
        for select
        to %I
        using (
          extension = 'broadcast'
          and (select pgflow._may_watch((select realtime.topic())))
        )
    $policy$,
    _guard_realtime.signed_in_role
  );

  execute format(
    $policy$
      create policy pgflow_runs_are_private on realtime.messages
        as restrictive
        for all
        to %I, %I
        using (
          topic not like 'pgflow:run:%%'
          or (select pgflow._may_watch((select realtime.topic())))
        )
        with check (topic not like 'pgflow:run:%%')
    $policy$,
    _guard_realtime.signed_in_role,
    _guard_realtime.anonymous_role
  );
exception
  when insufficient_privilege then
    raise warning 'Cannot protect the events of runs: %', sqlerrm
      using hint = 'Call pgflow._guard_realtime again as a role that may create policies there.';
end;
$$;

-- == 30_start_runs.sql ============================================================================

-- _start_runs: create runs of one flow with a state per step, and start their root steps.
--
-- Returns the ids of the runs created: an id or idempotency key that exists is left out. A new run
-- is seen by nobody before the commit, so nothing is locked.
create or replace function pgflow._start_runs(flow_slug text, new_runs pgflow.runs[])
  returns uuid[]
  language plpgsql
  set search_path = ''
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set jit = off
as $$
#variable_conflict use_column
declare
  v_broadcast boolean;
  v_steps int;
  v_root_map text;
  v_later boolean;
  v_watched_run_ids uuid[];
  v_watched jsonb;
  v_run_ids uuid[];
  v_roots record;
begin
  select f.broadcast into v_broadcast
  from pgflow.flows f
  where f.flow_slug = _start_runs.flow_slug;

  if v_broadcast is null then
    raise exception using
      errcode = 'PF001',
      message = format('Cannot start flow "%s": it does not exist', _start_runs.flow_slug),
      hint = 'Start its worker once, or apply the migration that "deno task compile" writes.';
  end if;

  v_later := exists (select from unnest(_start_runs.new_runs) n where n.start_at > now());

  select
    count(*),
    min(s.step_slug) filter (where s.step_type = 'map' and s.deps_count = 0)
  into v_steps, v_root_map
  from pgflow.steps s
  where s.flow_slug = _start_runs.flow_slug;

  if v_root_map is not null
    and exists (
      select
      from unnest(_start_runs.new_runs) n
      where jsonb_typeof(coalesce(n.input, 'null')) <> 'array'
    )
  then
    raise exception using
      errcode = 'PF008',
      message = format(
        'Cannot start flow "%s": its step "%s" maps over the input, which is not an array',
        _start_runs.flow_slug,
        v_root_map
      ),
      hint = 'Pass a JSON array as the input.';
  end if;

  with created_runs as (
    insert into pgflow.runs (
      run_id, flow_slug, status, remaining_steps, completed_at, output, input,
      idempotency_key, owner, broadcast, start_at, started_at,
      root_run_id, parent_run_id, parent_step_slug, parent_task_index
    )
    select
      coalesce(n.run_id, pgflow._new_run_id()),
      _start_runs.flow_slug,
      case when v_steps = 0 then 'completed' else 'started' end,
      v_steps,
      case when v_steps = 0 then now() end,
      case when v_steps = 0 then '{}'::jsonb end,
      coalesce(n.input, 'null'),
      n.idempotency_key,
      n.owner,
      coalesce(n.broadcast, false) or (v_broadcast and n.root_run_id is null),
      n.start_at,
      clock_timestamp(),
      n.root_run_id, n.parent_run_id, n.parent_step_slug, n.parent_task_index
    from unnest(_start_runs.new_runs) n
    on conflict do nothing
    returning run_id, broadcast
  )

  select array_agg(c.run_id), array_agg(c.run_id) filter (where c.broadcast)
  into v_run_ids, v_watched_run_ids
  from created_runs c;

  insert into pgflow.step_states (
    flow_slug, run_id, step_slug, remaining_deps, initial_tasks, remaining_tasks, status, started_at
  )
  select
    s.flow_slug,
    r.run_id,
    s.step_slug,
    s.deps_count,
    case when s.step_type = 'single' then 1 end,
    case when s.step_type = 'single' then 1 end,
    case when s.deps_count = 0 and s.is_plain and not v_later then 'started' else 'created' end,
    case when s.deps_count = 0 and s.is_plain and not v_later then now() end
  from unnest(v_run_ids) as r (run_id)
  cross join pgflow.steps s
  where s.flow_slug = _start_runs.flow_slug;

  select
    array_agg(r.run_id) filter (where s.is_plain and not v_later) as plain_run_ids,
    array_agg(s.step_slug) filter (where s.is_plain and not v_later) as plain_step_slugs,
    array_agg(r.run_id) filter (where not s.is_plain or v_later) as other_run_ids,
    array_agg(s.step_slug) filter (where not s.is_plain or v_later) as other_step_slugs
  into v_roots
  from unnest(v_run_ids) as r (run_id)
  cross join pgflow.steps s
  where s.flow_slug = _start_runs.flow_slug
    and s.deps_count = 0;

  if v_roots.plain_run_ids is not null then
    perform pgflow._queue_tasks(
      array_fill(_start_runs.flow_slug, array[cardinality(v_roots.plain_run_ids)]),
      v_roots.plain_run_ids,
      v_roots.plain_step_slugs,
      array_fill(0, array[cardinality(v_roots.plain_run_ids)]),
      null
    );
  end if;

  if v_watched_run_ids is not null then
    perform pgflow._send_events(
      (select jsonb_object_agg(w.run_id, '{}'::jsonb) from unnest(v_watched_run_ids) as w (run_id))
    );
  end if;

  if v_roots.other_run_ids is not null then
    if v_watched_run_ids is not null then
      v_watched := pgflow._watched_states(v_watched_run_ids);
    end if;

    perform pgflow._advance_steps(
      null,
      v_roots.other_run_ids,
      v_roots.other_step_slugs,
      array_fill(0, array[cardinality(v_roots.other_run_ids)]),
      v_later
    );

    if v_watched is not null then
      perform pgflow._send_events(v_watched);
    end if;
  end if;

  return coalesce(v_run_ids, '{}');
end;
$$;

-- == 31_start_flow.sql ============================================================================

-- start_flow: start a run of a flow, its root steps and their tasks.
--
-- Idempotent: with a run_id or idempotency_key that exists it returns that run if flow, input and
-- owner are the same, and shows nothing of it otherwise. With a later start_at the roots' tasks
-- wait outside the queue until then.
create or replace function pgflow.start_flow(
  flow_slug text,
  input jsonb,
  run_id uuid default null,
  idempotency_key text default null,
  start_at timestamptz default null
)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs;
begin
  v_run.run_id := start_flow.run_id;
  v_run.input := coalesce(start_flow.input, 'null');
  v_run.idempotency_key := start_flow.idempotency_key;
  v_run.start_at := start_flow.start_at;
  return query select r.* from pgflow._start_run(start_flow.flow_slug, v_run) r;
end;
$$;

-- _start_run: start the run described, or return the equal one that has its id or key.
create or replace function pgflow._start_run(flow_slug text, new_run pgflow.runs)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run_ids uuid[];
begin
  v_run_ids := pgflow._start_runs(_start_run.flow_slug, array[_start_run.new_run]);

  if cardinality(v_run_ids) > 0 then
    if coalesce((_start_run.new_run).start_at <= now(), true) then
      perform pgflow._wake_workers(array[_start_run.flow_slug]);
    end if;

    return query select r.* from pgflow.runs r where r.run_id = v_run_ids[1];
    return;
  end if;

  return query
  select r.*
  from pgflow.runs r
  where (
      r.run_id = (_start_run.new_run).run_id
      or (
        r.flow_slug = _start_run.flow_slug
        and r.idempotency_key = (_start_run.new_run).idempotency_key
      )
    )
    and r.flow_slug = _start_run.flow_slug
    and r.input = (_start_run.new_run).input
    and r.owner is not distinct from (_start_run.new_run).owner
    and (
      (_start_run.new_run).run_id is null
      or r.run_id = (_start_run.new_run).run_id
    )
    and (
      (_start_run.new_run).idempotency_key is null
      or r.idempotency_key = (_start_run.new_run).idempotency_key
    );

  if not found then
    raise exception using
      errcode = 'PF004',
      message = format(
        'Cannot start flow "%s": the run id or idempotency key belongs to another run',
        _start_run.flow_slug
      ),
      hint = 'Repeat a start with the same input, or use a new id or key for a new run.';
  end if;
end;
$$;

comment on function pgflow.start_flow(text, jsonb, uuid, text, timestamptz) is
  'Starts a run and returns it; the same run_id or idempotency_key again returns the same run.';

-- == 32_start_flows.sql ===========================================================================

-- start_flows: start one run per element of an array of inputs, as one set.
create or replace function pgflow.start_flows(flow_slug text, inputs jsonb)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
declare
  v_run_ids uuid[];
begin
  if jsonb_typeof(start_flows.inputs) is distinct from 'array' then
    raise exception using
      errcode = '22023',
      message = format('Cannot start flow "%s": inputs is not an array', start_flows.flow_slug),
      hint = 'Pass a JSON array with one input per run.';
  end if;

  select pgflow._start_runs(
    start_flows.flow_slug,
    coalesce(
      array_agg(jsonb_populate_record(null::pgflow.runs, jsonb_build_object('input', i.input))),
      '{}'
    )
  )
  into v_run_ids
  from jsonb_array_elements(start_flows.inputs) as i (input);

  if cardinality(v_run_ids) > 0 then
    perform pgflow._wake_workers(array[start_flows.flow_slug]);
  end if;

  return query
  select r.*
  from unnest(v_run_ids) with ordinality as x (run_id, position)
  join pgflow.runs r on r.run_id = x.run_id
  order by x.position;
end;
$$;

comment on function pgflow.start_flows(text, jsonb) is
  'Starts one run per element of inputs and returns the runs in that order.';

-- == 33_start_ready_steps.sql =====================================================================

-- start_ready_steps: start the created steps of a run that wait for nothing any more.
--
-- The engine starts ready steps itself; this is the repair for a run whose state was changed by
-- hand. Locks the run's root run first.
create or replace function pgflow.start_ready_steps(run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_watched jsonb;
begin
  select f.watched into v_watched from pgflow._lock_families(array[start_ready_steps.run_id]) f;

  perform pgflow._advance_steps(null, array_agg(s.run_id), array_agg(s.step_slug), array_agg(0))
  from pgflow.step_states s
  where s.run_id = start_ready_steps.run_id
    and s.status = 'created'
    and s.remaining_deps = 0;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;
end;
$$;

comment on function pgflow.start_ready_steps(uuid) is
  'Starts the steps of a run that wait for nothing any more.';

-- == 40_queue_due_tasks.sql =======================================================================

-- _queue_due_tasks: let tasks that waited outside the queue enter it, now that they are due.
--
-- Called by whoever polls, so that no timer is needed; at most 1,000 at a time. Skips tasks that
-- another session holds and waits for nothing. The time is an argument because an index is not
-- searched for what clock_timestamp() gives: all that is not due yet would be read as well.
create or replace function pgflow._queue_due_tasks(flow_slug text, due_before timestamptz)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  with due_tasks as materialized (
    select t.run_id, t.step_slug, t.task_index
    from pgflow.step_tasks t
    where t.flow_slug = _queue_due_tasks.flow_slug
      and t.due_at <= _queue_due_tasks.due_before
      and t.status = 'queued'
    order by t.due_at
    limit 1000
    for no key update skip locked
  ),

  batch as (
    select
      array_agg(d.run_id order by d.run_id, d.step_slug, d.task_index) as run_ids,
      array_agg(d.step_slug order by d.run_id, d.step_slug, d.task_index) as step_slugs,
      array_agg(d.task_index order by d.run_id, d.step_slug, d.task_index) as task_indexes,
      array_agg(
        jsonb_build_object(
          'flow_slug', _queue_due_tasks.flow_slug,
          'run_id', d.run_id,
          'step_slug', d.step_slug,
          'task_index', d.task_index
        )
        order by d.run_id, d.step_slug, d.task_index
      ) as messages
    from due_tasks d
    having count(*) > 0
  )

  update pgflow.step_tasks t
  set
    message_id = q.message_id,
    due_at = null
  from batch b
  cross join lateral unnest(
    b.run_ids,
    b.step_slugs,
    b.task_indexes,
    array(select pgmq.send_batch(queue_name => _queue_due_tasks.flow_slug, msgs => b.messages))
  ) as q (run_id, step_slug, task_index, message_id)
  where t.run_id = q.run_id
    and t.step_slug = q.step_slug
    and t.task_index = q.task_index;
end;
$$;

-- _end_due_approvals: end approvals whose time is over, as their when_exhausted says.
--
-- At most 100 at a time, and only where no other session holds the run. The lock timeout covers
-- what is locked after the run: a poll waits for nobody, it raises and its caller goes on without.
create or replace function pgflow._end_due_approvals(flow_slug text, due_before timestamptz)
  returns void
  language plpgsql
  set search_path = ''
  set lock_timeout = '5ms'
as $$
#variable_conflict use_column
declare
  v_due record;
  v_root_run_ids uuid[];
  v_watched jsonb;
  v_tasks pgflow.settled_task[];
begin
  select
    array_agg(d.run_id) as run_ids,
    array_agg(d.step_slug) as step_slugs,
    array_agg(d.task_index) as task_indexes,
    array_agg(coalesce(r.root_run_id, r.run_id)) as root_run_ids
  into v_due
  from (
    select t.run_id, t.step_slug, t.task_index
    from pgflow.step_tasks t
    where t.flow_slug = _end_due_approvals.flow_slug
      and t.due_at <= _end_due_approvals.due_before
      and t.status = 'waiting'
    order by t.due_at
    limit 100
  ) d
  join pgflow.runs r
    on r.run_id = d.run_id;

  v_root_run_ids := array(
    select r.run_id
    from pgflow.runs r
    where r.run_id = any (v_due.root_run_ids)
    order by r.run_id
    for no key update skip locked
  );

  v_watched := pgflow._watched_states(
    array(select r.run_id from pgflow.runs r where r.run_id = any (v_root_run_ids) and r.broadcast)
  );

  with ended as (
    update pgflow.step_tasks t
    set
      status = 'failed',
      failed_at = now(),
      error_message = '[timeout] nobody answered in time',
      attempts_count = t.attempts_count + 1,
      due_at = null,
      waiting_since = null
    from unnest(v_due.run_ids, v_due.step_slugs, v_due.task_indexes, v_due.root_run_ids)
      as d (run_id, step_slug, task_index, root_run_id)
    where t.run_id = d.run_id
      and t.step_slug = d.step_slug
      and t.task_index = d.task_index
      and t.due_at <= _end_due_approvals.due_before
      and t.status = 'waiting'
      and d.root_run_id = any (v_root_run_ids)
    returning t.*
  )

  select array_agg(
    row(
      e.flow_slug, e.run_id, e.step_slug, e.task_index, null, 'exhausted', 0, e.error_message,
      e.attempts_count, null
    )::pgflow.settled_task
  )
  into v_tasks
  from ended e;

  if v_tasks is not null then
    perform pgflow._settle_failures(v_tasks);
    perform pgflow._settle_parents(
      array(
        select distinct r.run_id
        from unnest(v_tasks) t
        join pgflow.runs r on r.run_id = t.run_id
        where r.parent_run_id is not null
      )
    );
  end if;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;
end;
$$;

-- == 41_wait_for_tasks.sql ========================================================================

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

-- == 42_claim_tasks.sql ===========================================================================

-- _claim_tasks: make the tasks of messages the caller has read its own, and return them with input.
--
-- Only rows that nobody holds are taken (skip locked), and the rows returned come from the update,
-- so two claims never get the same attempt. Each claim counts an attempt and opens it for a
-- report; an attempt that was still open is lost. Messages whose step's own visibility differs
-- from seconds_hidden are corrected in one statement.
create or replace function pgflow._claim_tasks(
  flow_slug text,
  message_ids bigint[],
  messages jsonb[],
  worker_id uuid,
  statuses text[],
  seconds_hidden int
)
  returns pgflow.step_task_record[]
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_tasks pgflow.step_task_record[];
  v_message_ids bigint[];
  v_seconds int[];
begin
  with open_tasks as materialized (
    select
      t.run_id,
      t.step_slug,
      t.task_index,
      t.open_attempt as lost_attempt,
      t.last_worker_id as lost_worker_id,
      least(coalesce(st.opt_timeout, f.opt_timeout), 2147483645) + 2 as seconds
    from unnest(_claim_tasks.message_ids, _claim_tasks.messages) as m (message_id, message)
    join pgflow.step_tasks t
      -- A foreign message must not stop the queue: only what looks like an id is cast.
      on t.run_id = case
        when m.message ->> 'run_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
          then (m.message ->> 'run_id')::uuid
      end
      and t.step_slug = m.message ->> 'step_slug'
      and t.task_index = case
        when m.message ->> 'task_index' ~ '^[0-9]{1,9}$' then (m.message ->> 'task_index')::int
      end
      and t.message_id = m.message_id
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    join pgflow.flows f
      on f.flow_slug = t.flow_slug
    where t.status = any (_claim_tasks.statuses)
      and (t.open_attempt is null or 'started' = any (_claim_tasks.statuses))
      and t.attempts_count - t.attempts_forgiven
        < greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1)
    for no key update of t skip locked
  ),

  claimed as (
    update pgflow.step_tasks t
    set
      status = case when _claim_tasks.worker_id is null then 'queued' else 'started' end,
      attempts_count = t.attempts_count + 1,
      open_attempt = t.attempts_count + 1,
      started_at = clock_timestamp(),
      error_message = case
        when o.lost_attempt is null then t.error_message
        else format('[lost worker] attempt %s was never reported', o.lost_attempt)
      end,
      last_worker_id = _claim_tasks.worker_id
    from open_tasks o
    where t.run_id = o.run_id
      and t.step_slug = o.step_slug
      and t.task_index = o.task_index
    returning
      t.flow_slug, t.run_id, t.step_slug, t.input, t.message_id, t.task_index, t.attempts_count,
      t.error_message, o.seconds, o.lost_attempt, o.lost_worker_id
  ),

  -- A message that reappeared under an open attempt means that its worker was lost.
  failures as (
    insert into pgflow.task_failures (
      run_id, step_slug, task_index, attempt, error_message, worker_id
    )
    select
      c.run_id, c.step_slug, c.task_index, c.lost_attempt, c.error_message, c.lost_worker_id
    from claimed c
    where c.lost_attempt is not null
    on conflict do nothing
  )

  select
    array_agg(
      row(
        c.flow_slug,
        c.run_id,
        c.step_slug,
        -- A map's task was given its element when it was created.
        coalesce(c.input, i.input),
        c.message_id,
        c.task_index,
        c.attempts_count
      )::pgflow.step_task_record
      order by c.message_id
    ),
    array_agg(c.message_id) filter (where c.seconds <> _claim_tasks.seconds_hidden),
    array_agg(c.seconds) filter (where c.seconds <> _claim_tasks.seconds_hidden)
  into v_tasks, v_message_ids, v_seconds
  from claimed c, pgflow.step_inputs i
  where i.run_id = c.run_id
    and i.step_slug = c.step_slug;

  if cardinality(v_message_ids) > 0 then
    perform pgflow._hide_messages(_claim_tasks.flow_slug, v_message_ids, v_seconds);
  end if;

  return coalesce(v_tasks, '{}');
end;
$$;

-- == 43_poll_for_tasks.sql ========================================================================

-- poll_for_tasks: claim the tasks of up to qty visible messages, waiting for them if there are
-- none.
--
-- Reading messages, claiming their tasks and deciding that a message is an orphan are statements
-- of their own, each with a newer snapshot: one statement would see a message without the task
-- that was committed with it. Takes queue rows, then tasks, and never waits for a row lock: what
-- is locked now comes back after vt. Workers wait with wait_for_tasks and poll with
-- max_poll_seconds 0.
create or replace function pgflow.poll_for_tasks(
  queue_name text,
  vt int,
  qty int,
  max_poll_seconds int default 5,
  poll_interval_ms int default 100,
  worker_id uuid default null
)
  returns setof pgflow.step_task_record
  language plpgsql
  set search_path = ''
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set join_collapse_limit = 1
  set jit = off
as $$
#variable_conflict use_column
declare
  v_deadline timestamptz := clock_timestamp()
    + make_interval(secs => poll_for_tasks.max_poll_seconds);
  v_seconds_hidden int;
  v_now timestamptz;
  v_had_due_tasks boolean;
  v_message_ids bigint[];
  v_messages jsonb[];
  v_tasks pgflow.step_task_record[];
begin
  select
    case
      when count(*) > 0 then least(
        coalesce(max(coalesce(s.opt_timeout, f.opt_timeout)), max(f.opt_timeout)),
        2147483645
      ) + 2
    end
  into v_seconds_hidden
  from pgflow.flows f
  left join pgflow.steps s
    on s.flow_slug = f.flow_slug
    and s.performed_by <> 'approval'
  where f.flow_slug = poll_for_tasks.queue_name;

  if v_seconds_hidden is null then
    raise exception using
      errcode = 'PF001',
      message = format('Cannot poll queue "%s": no flow has this slug', poll_for_tasks.queue_name),
      hint = 'Create the flow first: its worker does so when it starts.';
  end if;

  if poll_for_tasks.qty < 1 then
    return;
  end if;

  loop
    v_now := clock_timestamp();
    v_had_due_tasks := exists (
      select
      from pgflow.step_tasks t
      where t.flow_slug = poll_for_tasks.queue_name
        and t.due_at <= v_now
    );

    if v_had_due_tasks then
      perform pgflow._queue_due_tasks(poll_for_tasks.queue_name, v_now);

      begin
        perform pgflow._end_due_approvals(poll_for_tasks.queue_name, v_now);
      exception
        when lock_not_available then
          null;
      end;
    end if;

    select array_agg(m.msg_id), array_agg(m.message)
    into v_message_ids, v_messages
    from pgmq.read(
      queue_name => poll_for_tasks.queue_name,
      vt => v_seconds_hidden,
      qty => poll_for_tasks.qty
    ) m;

    if v_message_ids is not null then
      v_tasks := pgflow._claim_tasks(
        poll_for_tasks.queue_name,
        v_message_ids,
        v_messages,
        poll_for_tasks.worker_id,
        array['queued', 'started'],
        v_seconds_hidden
      );

      if cardinality(v_tasks) < cardinality(v_message_ids) then
        perform pgflow._drop_unclaimed_messages(
          poll_for_tasks.queue_name,
          v_message_ids,
          v_messages,
          v_tasks,
          poll_for_tasks.vt
        );
      end if;

      if cardinality(v_tasks) > 0 then
        return query select t.* from unnest(v_tasks) t;
        return;
      end if;
    end if;

    -- What was due is locked until this call ends, so it must not go on waiting.
    exit when v_had_due_tasks or clock_timestamp() >= v_deadline;
    perform pg_sleep(poll_for_tasks.poll_interval_ms / 1000.0);
  end loop;
end;
$$;

-- _drop_unclaimed_messages: decide about messages that were read and whose task was not claimed.
--
-- Without an open task the message is archived. A task held by another session comes back after vt.
-- A task whose attempts are spent ends, if that needs no waiting, else it comes back after vt too.
create or replace function pgflow._drop_unclaimed_messages(
  flow_slug text,
  message_ids bigint[],
  messages jsonb[],
  claimed pgflow.step_task_record[],
  vt int
)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_orphans bigint[];
  v_open bigint[];
  v_lost jsonb;
begin
  select
    array_agg(m.message_id) filter (where t.run_id is null),
    array_agg(m.message_id) filter (where t.run_id is not null),
    jsonb_agg(
      jsonb_build_object(
        'run_id', t.run_id,
        'step_slug', t.step_slug,
        'task_index', t.task_index,
        'attempt', t.open_attempt,
        'error_message', format('[lost worker] attempt %s was never reported', t.attempts_count),
        'permanent', true,
        'unclaimed', true
      )
    )
    filter (
      where t.attempts_count - t.attempts_forgiven
        >= greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1)
    )
  into v_orphans, v_open, v_lost
  from unnest(_drop_unclaimed_messages.message_ids, _drop_unclaimed_messages.messages)
    as m (message_id, message)
  left join pgflow.step_tasks t
    on t.run_id = case
      when m.message ->> 'run_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        then (m.message ->> 'run_id')::uuid
    end
    and t.step_slug = m.message ->> 'step_slug'
    and t.task_index = case
      when m.message ->> 'task_index' ~ '^[0-9]{1,9}$' then (m.message ->> 'task_index')::int
    end
    and t.message_id = m.message_id
    and t.status in ('queued', 'started')
  left join pgflow.steps st
    on st.flow_slug = t.flow_slug
    and st.step_slug = t.step_slug
  left join pgflow.flows f
    on f.flow_slug = t.flow_slug
  where m.message_id <> all (
    array(select c.msg_id from unnest(_drop_unclaimed_messages.claimed) c)
  );

  if v_orphans is not null then
    perform pgflow._archive_messages(
      array_fill(_drop_unclaimed_messages.flow_slug, array[cardinality(v_orphans)]),
      v_orphans
    );
  end if;

  if v_open is not null then
    perform pgflow._hide_messages(
      _drop_unclaimed_messages.flow_slug,
      v_open,
      array_fill(_drop_unclaimed_messages.vt, array[cardinality(v_open)])
    );
  end if;

  if v_lost is not null then
    begin
      perform pgflow._fail_lost_tasks(v_lost);
    exception
      when lock_not_available then
        null;
    end;
  end if;
end;
$$;

-- _fail_lost_tasks: settle tasks whose last attempt was never reported, without waiting.
--
-- The caller holds queue rows, which whoever settles takes last: it must not wait for a run's lock.
-- A lock timeout, unlike nowait, also covers what settling locks after the run.
create or replace function pgflow._fail_lost_tasks(results jsonb)
  returns void
  language plpgsql
  set search_path = ''
  set lock_timeout = '5ms'
as $$
begin
  perform pgflow.settle_tasks(_fail_lost_tasks.results);
end;
$$;

comment on function pgflow.poll_for_tasks(text, int, int, int, int, uuid) is
  'Claims the tasks of up to qty visible messages, lowest id first, for a worker or a plain consumer.';

-- == 44_start_tasks.sql ===========================================================================

-- start_tasks: claim the tasks of messages the caller has read from the queue itself.
--
-- Takes only queued tasks, so two overlapping calls never get the same one; a started task whose
-- message reappeared is taken by poll_for_tasks alone.
create or replace function pgflow.start_tasks(flow_slug text, msg_ids bigint[], worker_id uuid)
  returns setof pgflow.step_task_record
  language plpgsql
  set search_path = ''
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set join_collapse_limit = 1
  set jit = off
as $$
declare
  v_message_ids bigint[];
  v_messages jsonb[];
begin
  if not exists (select from pgflow.flows f where f.flow_slug = start_tasks.flow_slug) then
    raise exception using
      errcode = 'PF001',
      message = format('Cannot start tasks of flow "%s": it does not exist', start_tasks.flow_slug),
      hint = 'Create the flow first: its worker does so when it starts.';
  end if;

  execute format(
    'select array_agg(m.msg_id), array_agg(m.message) from pgmq.%I m where m.msg_id = any ($1)',
    'q_' || lower(start_tasks.flow_slug)
  )
  into v_message_ids, v_messages
  using start_tasks.msg_ids;

  return query
  select t.*
  from unnest(
    -- No visibility is what the caller chose, so that each message gets its step's own.
    pgflow._claim_tasks(
      start_tasks.flow_slug, v_message_ids, v_messages, start_tasks.worker_id, array['queued'], 0
    )
  ) t;
end;
$$;

comment on function pgflow.start_tasks(text, bigint[], uuid) is
  'Claims the queued tasks of messages that the caller has read itself.';

-- == 45_record_results.sql ========================================================================

-- _record_completions: move the tasks whose results are outputs, and say which really moved.
--
-- Only an open attempt may report, checked in the update itself; of two results for one task the
-- first counts.
create or replace function pgflow._record_completions(results jsonb)
  returns pgflow.settled_task[]
  language plpgsql
  set search_path = ''
as $$
declare
  v_tasks pgflow.settled_task[];
begin
  with completed as (
    update pgflow.step_tasks t
    set
      status = 'completed',
      completed_at = now(),
      output = coalesce(e.result -> 'output', 'null'),
      error_message = null,
      open_attempt = null,
      due_at = null
    from jsonb_array_elements(_record_completions.results) as e (result)
    where t.run_id = (e.result ->> 'run_id')::uuid
      and t.step_slug = e.result ->> 'step_slug'
      and t.task_index = coalesce((e.result ->> 'task_index')::int, 0)
      and t.status in ('queued', 'started')
      and coalesce((e.result ->> 'attempt')::int = t.open_attempt, e.result ->> 'attempt' is null)
      and not e.result ? 'error_message'
      and not e.result @> '{"release": true}'
    returning
      t.flow_slug, t.run_id, t.step_slug, t.task_index, t.message_id, t.attempts_count,
      t.last_worker_id
  )

  select array_agg(
    row(
      c.flow_slug, c.run_id, c.step_slug, c.task_index, c.message_id, 'completed', 0, null,
      c.attempts_count, c.last_worker_id
    )::pgflow.settled_task
  )
  into v_tasks
  from completed c;

  return coalesce(v_tasks, '{}');
end;
$$;

-- _record_failures: move the tasks whose results are errors or given back, and say what became of
-- each.
--
-- Outcomes are retried, exhausted (the last attempt failed) and released. A failure that ends its
-- step or run makes later ones of the batch meaningless, as if each had come in a call of its own.
-- A failure of a task that nobody claimed counts as an attempt too, so that it cannot fail for
-- ever.
create or replace function pgflow._record_failures(results jsonb)
  returns pgflow.settled_task[]
  language plpgsql
  set search_path = ''
  set join_collapse_limit = 1
as $$
declare
  v_tasks pgflow.settled_task[];
begin
  with reported as (
    select
      (e.result ->> 'run_id')::uuid as run_id,
      e.result ->> 'step_slug' as step_slug,
      coalesce((e.result ->> 'task_index')::int, 0) as task_index,
      (e.result ->> 'attempt')::int as attempt,
      coalesce(e.result ->> 'error_message', 'unknown error') as error_message,
      coalesce((e.result ->> 'permanent')::boolean, false) as permanent,
      e.result ? 'error_message' as failed,
      -- Set by the poll that finds a task without attempts left: nobody made one more.
      e.result ? 'unclaimed' as unclaimed,
      e.position
    from jsonb_array_elements(_record_failures.results) with ordinality as e (result, position)
    where e.result ? 'error_message'
      or e.result @> '{"release": true}'
  ),

  open_tasks as (
    select distinct on (t.run_id, t.step_slug, t.task_index)
      t.run_id,
      t.step_slug,
      t.task_index,
      t.message_id,
      r.attempt,
      r.unclaimed,
      r.error_message,
      r.position,
      case
        when not r.failed then 'released'
        when r.permanent or l.attempts >= l.max_attempts then 'exhausted'
        else 'retried'
      end as outcome,
      case
        when not r.failed then 0
        else pgflow._retry_delay(
          coalesce(st.opt_base_delay, f.opt_base_delay),
          l.attempts,
          f.opt_retry_jitter
        )
      end as seconds,
      st.when_exhausted
    from reported r
    join pgflow.step_tasks t
      on t.run_id = r.run_id
      and t.step_slug = r.step_slug
      and t.task_index = r.task_index
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    join pgflow.flows f
      on f.flow_slug = t.flow_slug
    cross join lateral (
      select
        t.attempts_count + (t.open_attempt is null)::int - t.attempts_forgiven as attempts,
        greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1) as max_attempts
    ) l
    where t.status in ('queued', 'started')
      and (r.attempt is null or r.attempt = t.open_attempt)
      and (r.failed or t.open_attempt is not null)
    order by t.run_id, t.step_slug, t.task_index, r.position
  ),

  accepted as (
    select *
    from (
      select
        o.*,
        min(o.position) filter (where o.outcome = 'exhausted' and o.when_exhausted = 'fail')
          over (partition by o.run_id) as run_ends_at,
        min(o.position) filter (where o.outcome = 'exhausted')
          over (partition by o.run_id, o.step_slug) as step_ends_at
      from open_tasks o
    ) o
    where o.position <= least(o.run_ends_at, o.step_ends_at)
      or (o.run_ends_at is null and o.step_ends_at is null)
  ),

  moved as (
    update pgflow.step_tasks t
    set
      status = case a.outcome when 'exhausted' then 'failed' else 'queued' end,
      failed_at = case when a.outcome = 'exhausted' then now() end,
      started_at = case when a.outcome = 'exhausted' then t.started_at end,
      error_message = case a.outcome when 'released' then t.error_message else a.error_message end,
      attempts_count = t.attempts_count
        + (a.outcome <> 'released' and not a.unclaimed and t.open_attempt is null)::int,
      attempts_forgiven = t.attempts_forgiven + (a.outcome = 'released')::int,
      open_attempt = null,
      -- A distant retry waits outside the queue, which must not fill with invisible messages.
      due_at = case
        when a.outcome = 'retried' and (a.seconds > 60 or t.message_id is null) then
          clock_timestamp() + make_interval(secs => a.seconds)
      end,
      message_id = case when a.outcome <> 'retried' or a.seconds <= 60 then t.message_id end
    from accepted a
    where t.run_id = a.run_id
      and t.step_slug = a.step_slug
      and t.task_index = a.task_index
      and t.status in ('queued', 'started')
      and (a.attempt is null or a.attempt = t.open_attempt)
    returning
      t.flow_slug, t.run_id, t.step_slug, t.task_index, a.message_id, a.outcome, a.seconds,
      a.error_message, t.attempts_count, t.last_worker_id
  )

  select array_agg(
    row(
      m.flow_slug, m.run_id, m.step_slug, m.task_index, m.message_id, m.outcome, m.seconds,
      m.error_message, m.attempts_count, m.last_worker_id
    )::pgflow.settled_task
  )
  into v_tasks
  from moved m;

  return coalesce(v_tasks, '{}');
end;
$$;

-- == 46_settle_completions.sql ====================================================================

-- _settle_completions: carry completed tasks on to their messages, steps, dependents and runs.
--
-- One statement for the messages, one for the steps, then those of _advance_steps. The caller holds
-- the locks of the root runs.
create or replace function pgflow._settle_completions(tasks pgflow.settled_task[])
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_ended_run_ids uuid[];
  v_run_ids uuid[];
  v_step_slugs text[];
  v_arrived int[];
begin
  if cardinality(_settle_completions.tasks) = 0 then
    return;
  end if;

  perform
  from (
    select t.flow_slug, array_agg(t.message_id) as message_ids
    from unnest(_settle_completions.tasks) t
    where t.message_id is not null
    group by t.flow_slug
  ) q
  cross join lateral pgmq.archive(queue_name => q.flow_slug, msg_ids => q.message_ids);

  with counts as (
    select t.run_id, t.step_slug, count(*)::int as tasks
    from unnest(_settle_completions.tasks) t
    group by t.run_id, t.step_slug
  ),

  counted_steps as (
    update pgflow.step_states s
    set
      remaining_tasks = s.remaining_tasks - c.tasks,
      status = case when s.remaining_tasks = c.tasks then 'completed' else s.status end,
      completed_at = case when s.remaining_tasks = c.tasks then now() end,
      -- A map gathers its outputs once, when its last task is done.
      output = case
        when s.remaining_tasks = c.tasks then (
          select jsonb_agg(t.output order by t.task_index)
          from pgflow.steps st
          join pgflow.step_tasks t
            on t.run_id = s.run_id
            and t.step_slug = s.step_slug
          where st.flow_slug = s.flow_slug
            and st.step_slug = s.step_slug
            and st.step_type = 'map'
        )
      end
    from counts c
    where s.run_id = c.run_id
      and s.step_slug = c.step_slug
      and s.status = 'started'
    returning s.flow_slug, s.run_id, s.step_slug, s.status
  ),

  ended_steps as (
    select c.flow_slug, c.run_id, c.step_slug
    from counted_steps c
    where c.status = 'completed'
  ),

  dependents as (
    select e.run_id, d.step_slug, count(*)::int as arrived
    from ended_steps e
    join pgflow.deps d
      on d.flow_slug = e.flow_slug
      and d.dep_slug = e.step_slug
    group by e.run_id, d.step_slug
  )

  select
    (select array_agg(e.run_id) from ended_steps e),
    array_agg(d.run_id),
    array_agg(d.step_slug),
    array_agg(d.arrived)
  into v_ended_run_ids, v_run_ids, v_step_slugs, v_arrived
  from dependents d;

  perform pgflow._advance_steps(v_ended_run_ids, v_run_ids, v_step_slugs, v_arrived);
end;
$$;

-- == 47_settle_failures.sql =======================================================================

-- _settle_failures: carry failed and released tasks on to messages, failures, steps and runs.
--
-- The caller holds the locks of the root runs.
create or replace function pgflow._settle_failures(tasks pgflow.settled_task[])
  returns void
  language plpgsql
  set search_path = ''
as $$
begin
  if cardinality(_settle_failures.tasks) = 0 then
    return;
  end if;

  perform pgflow._archive_messages(array_agg(t.flow_slug), array_agg(t.message_id))
  from unnest(_settle_failures.tasks) t
  where t.outcome = 'exhausted'
    or t.seconds > 60;

  perform pgflow._hide_messages(q.flow_slug, q.message_ids, q.seconds)
  from (
    select
      t.flow_slug,
      array_agg(t.message_id) as message_ids,
      array_agg(t.seconds) as seconds
    from unnest(_settle_failures.tasks) t
    where t.outcome in ('retried', 'released')
      and t.seconds <= 60
    group by t.flow_slug
  ) q;

  insert into pgflow.task_failures (
    run_id, step_slug, task_index, attempt, error_message, worker_id
  )
  select t.run_id, t.step_slug, t.task_index, t.attempt, t.error_message, t.worker_id
  from unnest(_settle_failures.tasks) t
  where t.outcome in ('retried', 'exhausted')
  on conflict do nothing;

  if exists (select from unnest(_settle_failures.tasks) t where t.outcome = 'exhausted') then
    perform pgflow._exhaust_steps(_settle_failures.tasks);
  end if;
end;
$$;

-- _exhaust_steps: do with steps whose task failed for good what their when_exhausted says.
create or replace function pgflow._exhaust_steps(tasks pgflow.settled_task[])
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_failed_run_ids uuid[];
  v_failed_step_slugs text[];
  v_failed_errors text[];
  v_ended_run_ids uuid[];
  v_run_ids uuid[];
  v_step_slugs text[];
  v_arrived int[];
  v_cascade_run_ids uuid[];
  v_cascade_step_slugs text[];
  v_flow_slugs text[];
  v_message_ids bigint[];
  v_child_run_ids uuid[];
begin
  with exhausted as (
    select distinct on (t.run_id, t.step_slug)
      t.run_id, t.step_slug, t.error_message, st.when_exhausted
    from unnest(_exhaust_steps.tasks) t
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    where t.outcome = 'exhausted'
    order by t.run_id, t.step_slug, t.task_index
  ),

  skipped as (
    update pgflow.step_states s
    set
      status = 'skipped',
      skipped_at = now(),
      skip_reason = 'handler_failed',
      error_message = e.error_message
    from exhausted e
    where e.when_exhausted <> 'fail'
      and s.run_id = e.run_id
      and s.step_slug = e.step_slug
      and s.status = 'started'
    returning s.flow_slug, s.run_id, s.step_slug, e.when_exhausted
  ),

  cancelled as (
    update pgflow.step_tasks t
    set
      status = 'cancelled',
      cancelled_at = now(),
      open_attempt = null,
      due_at = null,
      waiting_since = null
    from skipped s
    where t.run_id = s.run_id
      and t.step_slug = s.step_slug
      and t.status in ('queued', 'started', 'waiting')
    returning t.flow_slug, t.message_id, t.child_run_id
  ),

  dependents as (
    select s.run_id, d.step_slug, count(*)::int as arrived
    from skipped s
    join pgflow.deps d
      on d.flow_slug = s.flow_slug
      and d.dep_slug = s.step_slug
    where s.when_exhausted = 'skip'
    group by s.run_id, d.step_slug
  )

  select
    (select array_agg(e.run_id order by e.run_id) from exhausted e where e.when_exhausted = 'fail'),
    (
      select array_agg(e.step_slug order by e.run_id)
      from exhausted e
      where e.when_exhausted = 'fail'
    ),
    (
      select array_agg(e.error_message order by e.run_id)
      from exhausted e
      where e.when_exhausted = 'fail'
    ),
    (select array_agg(s.run_id) from skipped s),
    (select array_agg(s.run_id) from skipped s where s.when_exhausted = 'skip-cascade'),
    (select array_agg(s.step_slug) from skipped s where s.when_exhausted = 'skip-cascade'),
    (select array_agg(c.flow_slug) from cancelled c),
    (select array_agg(c.message_id) from cancelled c),
    (select array_agg(c.child_run_id) from cancelled c where c.child_run_id is not null),
    (select array_agg(d.run_id) from dependents d),
    (select array_agg(d.step_slug) from dependents d),
    (select array_agg(d.arrived) from dependents d)
  into
    v_failed_run_ids,
    v_failed_step_slugs,
    v_failed_errors,
    v_ended_run_ids,
    v_cascade_run_ids,
    v_cascade_step_slugs,
    v_flow_slugs,
    v_message_ids,
    v_child_run_ids,
    v_run_ids,
    v_step_slugs,
    v_arrived;

  perform pgflow._archive_messages(v_flow_slugs, v_message_ids);

  if v_child_run_ids is not null then
    perform pgflow._end_runs(
      'cancelled',
      v_child_run_ids,
      array_fill(
        '[cancelled by parent] its step was skipped'::text,
        array[cardinality(v_child_run_ids)]
      )
    );
  end if;

  if v_cascade_run_ids is not null then
    v_ended_run_ids := v_ended_run_ids
      || pgflow._skip_dependents(v_cascade_run_ids, v_cascade_step_slugs);
  end if;

  perform pgflow._advance_steps(v_ended_run_ids, v_run_ids, v_step_slugs, v_arrived);

  if v_failed_run_ids is not null then
    perform pgflow._fail_steps(v_failed_run_ids, v_failed_step_slugs, v_failed_errors);
  end if;
end;
$$;

-- == 48_subflows.sql ==============================================================================

-- _start_children: start child runs for tasks of subflow steps whose handlers returned an input.
--
-- Takes the results of a batch and returns those that are left: a task that now waits for its child
-- run is gone from them, and one whose child cannot start (an unknown flow, an input that does not
-- fit) has failed. The caller holds the locks of the root runs.
create or replace function pgflow._start_children(inout results jsonb, out child_run_ids uuid[])
  language plpgsql
  set search_path = ''
  set join_collapse_limit = 1
as $$
declare
  v_started record;
begin
  with entries as materialized (
    select e.result, e.position, c.*
    from jsonb_array_elements(_start_children.results) with ordinality as e (result, position)
    left join lateral (
      select
        t.run_id,
        t.step_slug,
        t.task_index,
        t.message_id,
        (e.result ->> 'attempt')::int as attempt,
        st.subflow_slug,
        coalesce(r.root_run_id, r.run_id) as root_run_id,
        r.owner,
        case
          when f.flow_slug is null then format('subflow "%s" does not exist', st.subflow_slug)
          when jsonb_typeof(coalesce(e.result -> 'output', 'null')) <> 'array' and exists (
            select
            from pgflow.steps root
            where root.flow_slug = st.subflow_slug
              and root.deps_count = 0
              and root.step_type = 'map'
          ) then format('subflow "%s" maps over its input, which is not an array', st.subflow_slug)
        end as error_message
      from pgflow.step_tasks t
      join pgflow.steps st
        on st.flow_slug = t.flow_slug
        and st.step_slug = t.step_slug
      join pgflow.runs r
        on r.run_id = t.run_id
      left join pgflow.flows f
        on f.flow_slug = st.subflow_slug
      where t.run_id = (e.result ->> 'run_id')::uuid
        and t.step_slug = e.result ->> 'step_slug'
        and t.task_index = coalesce((e.result ->> 'task_index')::int, 0)
        and st.performed_by = 'subflow'
        and t.status in ('queued', 'started')
        and coalesce((e.result ->> 'attempt')::int = t.open_attempt, e.result ->> 'attempt' is null)
        and not e.result ? 'error_message'
        and not e.result @> '{"release": true}'
    ) c on true
  ),

  waiting as (
    update pgflow.step_tasks t
    set
      status = 'waiting',
      attempts_count = t.attempts_count + (t.open_attempt is null)::int,
      child_run_id = pgflow._new_run_id(),
      error_message = null,
      open_attempt = null,
      due_at = null,
      message_id = null
    from entries e
    where e.run_id is not null
      and e.error_message is null
      and t.run_id = e.run_id
      and t.step_slug = e.step_slug
      and t.task_index = e.task_index
      and t.status in ('queued', 'started')
      and (e.attempt is null or e.attempt = t.open_attempt)
    returning
      t.flow_slug, t.run_id, t.step_slug, t.task_index, t.child_run_id,
      e.message_id, e.root_run_id, e.owner, e.subflow_slug,
      coalesce(e.result -> 'output', 'null') as input
  ),

  children as (
    select
      w.subflow_slug,
      jsonb_agg(
        jsonb_build_object(
          'run_id', w.child_run_id,
          'root_run_id', w.root_run_id,
          'owner', w.owner,
          'parent_run_id', w.run_id,
          'parent_step_slug', w.step_slug,
          'parent_task_index', w.task_index,
          'input', w.input
        )
      ) as runs
    from waiting w
    group by w.subflow_slug
  )

  select
    (select array_agg(w.flow_slug) from waiting w) as flow_slugs,
    (select array_agg(w.message_id) from waiting w) as message_ids,
    (select array_agg(w.child_run_id) from waiting w) as run_ids,
    (select jsonb_object_agg(c.subflow_slug, c.runs) from children c) as runs_by_flow,
    (
      select jsonb_agg(
        case
          when e.error_message is null then e.result
          else (e.result - 'output')
            || jsonb_build_object('error_message', '[type] ' || e.error_message)
        end
        order by e.position
      )
      from entries e
      where e.run_id is null
        or e.error_message is not null
    ) as results
  into v_started;

  results := coalesce(v_started.results, '[]');
  child_run_ids := v_started.run_ids;

  if child_run_ids is not null then
    perform pgflow._archive_messages(v_started.flow_slugs, v_started.message_ids);

    perform pgflow._start_runs(
      f.flow_slug,
      array(select r from jsonb_populate_recordset(null::pgflow.runs, f.runs) r)
    )
    from jsonb_each(v_started.runs_by_flow) as f (flow_slug, runs);
  end if;
end;
$$;

-- _settle_parents: let tasks that wait for child runs go on when these have ended.
--
-- A child's output is the task's output; its failure is a failed attempt of the task, retried with
-- a new child run. A parent that ends may be a child itself, so this climbs, one round per level.
-- The caller holds the locks of the root runs.
create or replace function pgflow._settle_parents(child_run_ids uuid[])
  returns void
  language plpgsql
  set search_path = ''
  set join_collapse_limit = 1
as $$
declare
  v_run_ids uuid[] := _settle_parents.child_run_ids;
  v_tasks pgflow.settled_task[];
begin
  while cardinality(v_run_ids) > 0 loop
    with ended_children as (
      select
        t.run_id,
        t.step_slug,
        t.task_index,
        c.output,
        case
          when c.status = 'completed' then 'completed'
          when c.status = 'cancelled' or l.attempts >= l.max_attempts then 'exhausted'
          else 'retried'
        end as outcome,
        format(
          'child run %s %s: %s',
          c.run_id,
          c.status,
          coalesce(c.error_message, 'no reason given')
        )
          as error_message,
        pgflow._retry_delay(
          coalesce(st.opt_base_delay, f.opt_base_delay),
          l.attempts,
          f.opt_retry_jitter
        )
          as seconds
      from unnest(v_run_ids) as x (run_id)
      join pgflow.runs c
        on c.run_id = x.run_id
      join pgflow.step_tasks t
        on t.run_id = c.parent_run_id
        and t.step_slug = c.parent_step_slug
        and t.task_index = c.parent_task_index
        and t.child_run_id = c.run_id
      join pgflow.steps st
        on st.flow_slug = t.flow_slug
        and st.step_slug = t.step_slug
      join pgflow.flows f
        on f.flow_slug = t.flow_slug
      cross join lateral (
        select
          t.attempts_count - t.attempts_forgiven as attempts,
          greatest(coalesce(st.opt_max_attempts, f.opt_max_attempts), 1) as max_attempts
      ) l
      where c.status <> 'started'
        and t.status = 'waiting'
    ),

    moved as (
      update pgflow.step_tasks t
      set
        status = case e.outcome
          when 'completed' then 'completed'
          when 'exhausted' then 'failed'
          else 'queued'
        end,
        completed_at = case when e.outcome = 'completed' then now() end,
        failed_at = case when e.outcome = 'exhausted' then now() end,
        output = case when e.outcome = 'completed' then e.output end,
        error_message = case when e.outcome <> 'completed' then e.error_message end,
        due_at = case
          when e.outcome = 'retried' then clock_timestamp() + make_interval(secs => e.seconds)
        end
      from ended_children e
      where t.run_id = e.run_id
        and t.step_slug = e.step_slug
        and t.task_index = e.task_index
        and t.status = 'waiting'
      returning
        t.flow_slug, t.run_id, t.step_slug, t.task_index, e.outcome, e.error_message,
        t.attempts_count, t.last_worker_id
    )

    select
      array_agg(
        row(
          m.flow_slug, m.run_id, m.step_slug, m.task_index, null, m.outcome, 0, m.error_message,
          m.attempts_count, m.last_worker_id
        )::pgflow.settled_task
      )
    into v_tasks
    from moved m;

    v_tasks := coalesce(v_tasks, '{}');
    perform pgflow._settle_completions(
      array(select t from unnest(v_tasks) t where t.outcome = 'completed')
    );
    perform pgflow._settle_failures(
      array(select t from unnest(v_tasks) t where t.outcome <> 'completed')
    );

    v_run_ids := array(
      select distinct r.run_id
      from unnest(v_tasks) t
      join pgflow.runs r on r.run_id = t.run_id
      where r.parent_run_id is not null
    );
  end loop;
end;
$$;

-- == 50_calculate_retry_delay.sql =================================================================

-- calculate_retry_delay: seconds to wait after the given attempt failed: base_delay * 2^attempts.
--
-- Never above one hour; the exponent is clamped before power(), which would overflow. Not language
-- sql, because that would be one more statement for each failed task of a batch.
create or replace function pgflow.calculate_retry_delay(base_delay numeric, attempts_count int)
  returns int
  language plpgsql
  immutable
  parallel safe
  set search_path = ''
as $$
begin
  return floor(
    least(base_delay * power(2::numeric, least(greatest(attempts_count, 0), 32)), 3600)
  );
end;
$$;

comment on function pgflow.calculate_retry_delay(numeric, int) is
  'Seconds to wait before the next attempt: base_delay * 2^attempts_count, at most one hour.';

-- _retry_delay: seconds to wait before a task's next attempt, of which a part may be random.
--
-- Tasks that failed together because of something they share then do not come back together.
create or replace function pgflow._retry_delay(
  base_delay numeric,
  attempts_count int,
  jitter float8
)
  returns int
  language plpgsql
  set search_path = ''
as $$
begin
  return floor(
    pgflow.calculate_retry_delay(base_delay, attempts_count) * (1 - jitter * random())
  );
end;
$$;

-- == 51_settle_tasks.sql ==========================================================================

-- settle_tasks: record the results of a batch of tasks and let all their runs move on.
--
-- Called by workers, with results of any number of runs and flows; the number of statements depends
-- on the queues touched, not on the results. Only the open attempt of a task may report: a late,
-- repeated or stale result changes nothing and is not among the tasks returned.
-- Locks the root runs in id order, then tasks, then queue rows.
create or replace function pgflow.settle_tasks(results jsonb)
  returns setof pgflow.step_tasks
  language plpgsql
  set search_path = ''
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set join_collapse_limit = 1
  set jit = off
as $$
declare
  v_results jsonb := settle_tasks.results;
  v_completed pgflow.settled_task[];
  v_failed pgflow.settled_task[];
  v_child_run_ids uuid[];
  v_watched jsonb;
  v_started_run_ids uuid[];
begin
  if jsonb_typeof(v_results) is distinct from 'array' then
    raise exception using
      errcode = '22023',
      message = 'Cannot settle tasks: results is not an array',
      hint = 'Pass [{"run_id", "step_slug", "task_index", "attempt", "output"}, …].';
  end if;

  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(
    array(select (r.result ->> 'run_id')::uuid from jsonb_array_elements(v_results) as r (result))
  ) f;

  if exists (select from pgflow.steps s where s.subflow_slug is not null) then
    select c.results, c.child_run_ids
    into v_results, v_started_run_ids
    from pgflow._start_children(v_results) c;
  end if;

  v_completed := pgflow._record_completions(v_results);
  perform pgflow._settle_completions(v_completed);

  if v_results @? '$[*] ? (exists (@.error_message) || exists (@.release))' then
    v_failed := pgflow._record_failures(v_results);
    perform pgflow._settle_failures(v_failed);
  end if;

  if v_child_run_ids is not null or v_started_run_ids is not null then
    perform pgflow._settle_parents(v_child_run_ids || v_started_run_ids);
  end if;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return query
  select t.*
  from unnest(v_completed || v_failed) s
  join pgflow.step_tasks t
    on t.run_id = s.run_id
    and t.step_slug = s.step_slug
    and t.task_index = s.task_index
  union all
  select t.*
  from unnest(v_started_run_ids) as c (run_id)
  join pgflow.runs r
    on r.run_id = c.run_id
  join pgflow.step_tasks t
    on t.run_id = r.parent_run_id
    and t.step_slug = r.parent_step_slug
    and t.task_index = r.parent_task_index;
end;
$$;

comment on function pgflow.settle_tasks(jsonb) is
  'Records outputs, errors and returned tasks of a batch; returns the tasks that it changed.';

-- == 52_complete_task.sql =========================================================================

-- complete_task: record a handler's output and let its run move on.
--
-- settle_tasks for one task: same locks, and a repeated, late or stale call changes nothing and
-- returns no row. Without attempt it settles whichever attempt is open, or a task not yet claimed.
create or replace function pgflow.complete_task(
  run_id uuid,
  step_slug text,
  task_index int,
  output jsonb,
  attempt int default null
)
  returns setof pgflow.step_tasks
  language sql
  set search_path = ''
as $$
  select t.*
  from pgflow.settle_tasks(
    jsonb_build_array(
      jsonb_build_object(
        'run_id', complete_task.run_id,
        'step_slug', complete_task.step_slug,
        'task_index', complete_task.task_index,
        'attempt', complete_task.attempt,
        'output', complete_task.output
      )
    )
  ) t;
$$;

comment on function pgflow.complete_task(uuid, text, int, jsonb, int) is
  'Completes a task with its output and returns it, or nothing if the report changed nothing.';

-- == 53_fail_task.sql =============================================================================

-- fail_task: record a handler's error; retry the task while attempts remain, else fail it.
--
-- settle_tasks for one task: same locks, and a repeated, late or stale call changes nothing and
-- returns no row. permanent says that no further attempt makes sense.
create or replace function pgflow.fail_task(
  run_id uuid,
  step_slug text,
  task_index int,
  error_message text,
  attempt int default null,
  permanent boolean default false
)
  returns setof pgflow.step_tasks
  language sql
  set search_path = ''
as $$
  select t.*
  from pgflow.settle_tasks(
    jsonb_build_array(
      jsonb_build_object(
        'run_id', fail_task.run_id,
        'step_slug', fail_task.step_slug,
        'task_index', fail_task.task_index,
        'attempt', fail_task.attempt,
        'error_message', fail_task.error_message,
        'permanent', fail_task.permanent
      )
    )
  ) t;
$$;

comment on function pgflow.fail_task(uuid, text, int, text, int, boolean) is
  'Fails an attempt: the task is retried later or, when attempts are spent, fails with its run.';

-- == 54_complete_step.sql =========================================================================

-- complete_step: answer an approval with its output.
--
-- The task becomes completed and its run moves on as if a handler had returned. A task that does
-- not wait for an answer is an error: an answer that is lost without a word would be worse.
create or replace function pgflow.complete_step(
  run_id uuid,
  step_slug text,
  output jsonb,
  task_index int default 0
)
  returns setof pgflow.step_tasks
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_child_run_ids uuid[];
  v_watched jsonb;
  v_task pgflow.step_tasks;
begin
  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(array[complete_step.run_id]) f;

  v_task := pgflow._require_approval(
    complete_step.run_id, complete_step.step_slug, complete_step.task_index, 'complete'
  );

  update pgflow.step_tasks t
  set
    status = 'completed',
    completed_at = now(),
    output = coalesce(complete_step.output, 'null'),
    error_message = null,
    due_at = null,
    waiting_since = null
  where t.run_id = v_task.run_id
    and t.step_slug = v_task.step_slug
    and t.task_index = v_task.task_index
  returning * into v_task;

  perform pgflow._settle_completions(array[pgflow._to_settled_task(v_task, 'completed')]);
  perform pgflow._settle_parents(v_child_run_ids);
  perform pgflow._wake_workers_of_run(v_task.run_id);

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return next v_task;
end;
$$;

comment on function pgflow.complete_step(uuid, text, jsonb, int) is
  'Answers an approval with its output and returns its task; an error if it does not wait for one.';

-- _require_approval: the task of an approval that waits for its answer, or an error that says why
-- not.
create or replace function pgflow._require_approval(
  run_id uuid,
  step_slug text,
  task_index int,
  verb text
)
  returns pgflow.step_tasks
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_task pgflow.step_tasks;
  v_state text;
begin
  select t.* into v_task
  from pgflow.step_tasks t
  join pgflow.steps st
    on st.flow_slug = t.flow_slug
    and st.step_slug = t.step_slug
  where t.run_id = _require_approval.run_id
    and t.step_slug = _require_approval.step_slug
    and t.task_index = _require_approval.task_index
    and t.status = 'waiting'
    and st.performed_by = 'approval';

  if found then
    return v_task;
  end if;

  select format('it is %s', coalesce(t.status, s.status)) into v_state
  from pgflow.step_states s
  left join pgflow.step_tasks t
    on t.run_id = s.run_id
    and t.step_slug = s.step_slug
    and t.task_index = _require_approval.task_index
  where s.run_id = _require_approval.run_id
    and s.step_slug = _require_approval.step_slug;

  raise exception using
    errcode = 'PF009',
    message = format(
      'Cannot %s step "%s": it does not wait for an answer, %s',
      _require_approval.verb,
      _require_approval.step_slug,
      coalesce(v_state, 'there is no such step or run')
    ),
    hint = 'Only a started approval step waits, until it is answered or its time ends.';
end;
$$;

-- _to_settled_task: what became of a task, in the form the settling functions pass on.
create or replace function pgflow._to_settled_task(task pgflow.step_tasks, outcome text)
  returns pgflow.settled_task
  language sql
  immutable
  set search_path = ''
as $$
  select row(
    (task).flow_slug, (task).run_id, (task).step_slug, (task).task_index, (task).message_id,
    outcome, 0, (task).error_message, (task).attempts_count, (task).last_worker_id
  )::pgflow.settled_task;
$$;

-- == 55_fail_step.sql =============================================================================

-- fail_step: answer an approval with an error.
--
-- There is no second attempt: the step ends as its when_exhausted says. A task that does not wait
-- for an answer is an error.
create or replace function pgflow.fail_step(
  run_id uuid,
  step_slug text,
  error_message text,
  task_index int default 0
)
  returns setof pgflow.step_tasks
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_child_run_ids uuid[];
  v_watched jsonb;
  v_task pgflow.step_tasks;
begin
  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(array[fail_step.run_id]) f;

  v_task := pgflow._require_approval(
    fail_step.run_id, fail_step.step_slug, fail_step.task_index, 'fail'
  );

  update pgflow.step_tasks t
  set
    status = 'failed',
    failed_at = now(),
    error_message = coalesce(fail_step.error_message, 'no reason given'),
    attempts_count = t.attempts_count + 1,
    due_at = null,
    waiting_since = null
  where t.run_id = v_task.run_id
    and t.step_slug = v_task.step_slug
    and t.task_index = v_task.task_index
  returning * into v_task;

  perform pgflow._settle_failures(array[pgflow._to_settled_task(v_task, 'exhausted')]);
  perform pgflow._settle_parents(v_child_run_ids);
  perform pgflow._wake_workers_of_run(v_task.run_id);

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return next v_task;
end;
$$;

comment on function pgflow.fail_step(uuid, text, text, int) is
  'Answers an approval with an error and returns its task; an error if it does not wait for one.';

-- == 60_maybe_complete_run.sql ====================================================================

-- maybe_complete_run: complete a run that has no steps left.
--
-- The engine completes runs itself; this is the repair for a run whose counter was changed by hand.
-- Locks the run's root run first.
create or replace function pgflow.maybe_complete_run(run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_watched jsonb;
begin
  select f.watched into v_watched from pgflow._lock_families(array[maybe_complete_run.run_id]) f;

  update pgflow.runs r
  set
    status = 'completed',
    completed_at = clock_timestamp(),
    output = (select o.output from pgflow.run_outputs o where o.run_id = r.run_id)
  where r.run_id = maybe_complete_run.run_id
    and r.status = 'started'
    and r.remaining_steps = 0;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;
end;
$$;

comment on function pgflow.maybe_complete_run(uuid) is 'Completes a run that has no steps left.';

-- == 61_cancel_run.sql ============================================================================

-- cancel_run: end a run that is open; its open steps, tasks and child runs end with it.
--
-- Returns the run if this call cancelled it; a run that has ended stays as it is. A task that waits
-- for this run as its child fails. Locks the run's root run first.
create or replace function pgflow.cancel_run(run_id uuid)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_child_run_ids uuid[];
  v_watched jsonb;
begin
  select f.child_run_ids, f.watched
  into v_child_run_ids, v_watched
  from pgflow._lock_families(array[cancel_run.run_id]) f;

  if not exists (
    select from pgflow.runs r where r.run_id = cancel_run.run_id and r.status = 'started'
  ) then
    return;
  end if;

  perform pgflow._end_runs('cancelled', array[cancel_run.run_id], array[null::text]);
  perform pgflow._settle_parents(v_child_run_ids);

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  return query select r.* from pgflow.runs r where r.run_id = cancel_run.run_id;
end;
$$;

comment on function pgflow.cancel_run(uuid) is
  'Cancels an open run with all that is open in it, and returns it; nothing if it has ended.';

-- == 62_retry_run.sql =============================================================================

-- retry_run: let a failed or cancelled run go on from where it stopped.
--
-- Completed and skipped steps stay as they are, a map redoes only the elements that did not
-- complete, and all others start again with fresh attempts: those spent are forgiven, their
-- numbers never come again. Returns the run, or nothing if it is open or completed. Locks the run
-- first.
create or replace function pgflow.retry_run(run_id uuid)
  returns setof pgflow.runs
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs;
  v_watched jsonb;
begin
  select f.watched into v_watched from pgflow._lock_families(array[retry_run.run_id]) f;
  select r.* into v_run from pgflow.runs r where r.run_id = retry_run.run_id;

  if v_run.parent_run_id is not null then
    raise exception using
      errcode = '55000',
      message = format(
        'Cannot retry run "%s": it is a child of run %s',
        v_run.run_id,
        v_run.parent_run_id
      ),
      hint = format('Retry its root run %s: it starts a new child run.', v_run.root_run_id);
  end if;

  if v_run.status is null or v_run.status not in ('failed', 'cancelled') then
    return;
  end if;

  -- A task that waited for a child run calls its handler again, which gives the input of a new one.
  update pgflow.step_tasks t
  set
    status = case when st.performed_by = 'approval' then 'waiting' else 'queued' end,
    attempts_forgiven = t.attempts_count,
    message_id = null,
    child_run_id = null,
    failed_at = null,
    cancelled_at = null,
    started_at = null,
    -- Due now, or when the run and the step were to start: whoever polls then lets it enter the
    -- queue.
    due_at = greatest(clock_timestamp(), v_run.start_at) + make_interval(
      secs => case when st.performed_by = 'approval' then st.opt_timeout else 0 end
        + case when t.attempts_count = 0 then coalesce(st.opt_start_delay, 0) else 0 end
    ),
    waiting_since = case
      when st.performed_by = 'approval' then greatest(clock_timestamp(), v_run.start_at)
    end
  from pgflow.steps st
  where t.run_id = v_run.run_id
    and t.status in ('failed', 'cancelled')
    and st.flow_slug = t.flow_slug
    and st.step_slug = t.step_slug
    and exists (
      select
      from pgflow.step_states s
      where s.run_id = t.run_id
        and s.step_slug = t.step_slug
        and s.status in ('failed', 'cancelled')
    );

  update pgflow.step_states s
  set
    status = case when o.tasks > 0 then 'started' else 'created' end,
    started_at = case when o.tasks > 0 then s.started_at end,
    remaining_tasks = case when o.tasks > 0 then o.tasks else s.initial_tasks end,
    remaining_deps = o.deps,
    failed_at = null,
    cancelled_at = null,
    error_message = null
  from (
    select
      x.step_slug,
      (
        select count(*)::int
        from pgflow.step_tasks t
        where t.run_id = x.run_id
          and t.step_slug = x.step_slug
          and t.status in ('queued', 'waiting')
      ) as tasks,
      (
        select count(*)::int
        from pgflow.deps d
        join pgflow.step_states ds
          on ds.run_id = x.run_id
          and ds.step_slug = d.dep_slug
        where d.flow_slug = x.flow_slug
          and d.step_slug = x.step_slug
          and ds.status not in ('completed', 'skipped')
      ) as deps
    from pgflow.step_states x
    where x.run_id = v_run.run_id
  ) o
  where s.run_id = v_run.run_id
    and s.step_slug = o.step_slug
    and s.status in ('failed', 'cancelled');

  update pgflow.runs r
  set
    status = 'started',
    failed_at = null,
    cancelled_at = null,
    error_message = null,
    remaining_steps = (
      select count(*)
      from pgflow.step_states s
      where s.run_id = r.run_id
        and s.status in ('created', 'started')
    )
  where r.run_id = v_run.run_id;

  if v_watched is not null then
    perform pgflow._send_events(v_watched);
  end if;

  perform pgflow.start_ready_steps(v_run.run_id);
  perform pgflow._wake_workers_of_run(v_run.run_id);

  return query select r.* from pgflow.runs r where r.run_id = v_run.run_id;
end;
$$;

comment on function pgflow.retry_run(uuid) is
  'Lets a failed or cancelled run go on from where it stopped, and returns it.';

-- == 69_broken_invariants.sql =====================================================================

-- _messages: the messages of all flows' queues, which are a table each.
create or replace function pgflow._messages()
  returns table (flow_slug text, message_id bigint, message jsonb, visible_at timestamptz)
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_queries text;
begin
  select string_agg(
    format(
      'select %L, q.msg_id, q.message, q.vt from pgmq.%I q',
      f.flow_slug,
      'q_' || lower(f.flow_slug)
    ),
    ' union all '
  )
  into v_queries
  from pgflow.flows f;

  if v_queries is not null then
    return query execute v_queries;
  end if;
end;
$$;

-- broken_invariants: what must never be; empty at all times.
--
-- For tests and for operators: it reads all runs and all queues.
create view pgflow.broken_invariants
  with (security_invoker = on)
as
select
  'run counts other steps than are open' as invariant,
  r.run_id,
  null::text as step_slug,
  null::int as task_index
from pgflow.runs r
where r.status = 'started'
  and r.remaining_steps <> (
    select count(*)
    from pgflow.step_states s
    where s.run_id = r.run_id
      and s.status in ('created', 'started')
  )
union all
select 'open run has nothing open', r.run_id, null, null
from pgflow.runs r
where r.status = 'started'
  and not exists (
    select
    from pgflow.step_states s
    where s.run_id = r.run_id
      and s.status = 'started'
  )
union all
select 'started step counts other tasks than are open', s.run_id, s.step_slug, null
from pgflow.step_states s
where s.status = 'started'
  and s.remaining_tasks <> (
    select count(*)
    from pgflow.step_tasks t
    where t.run_id = s.run_id
      and t.step_slug = s.step_slug
      and t.status in ('queued', 'started', 'waiting')
  )
union all
select 'created step counts other dependencies than are open', s.run_id, s.step_slug, null
from pgflow.step_states s
join pgflow.runs r on r.run_id = s.run_id
where s.status = 'created'
  and r.status = 'started'
  and s.remaining_deps <> (
    select count(*)
    from pgflow.deps d
    join pgflow.step_states ds
      on ds.run_id = s.run_id
      and ds.step_slug = d.dep_slug
    where d.flow_slug = s.flow_slug
      and d.step_slug = s.step_slug
      and ds.status in ('created', 'started')
  )
union all
select 'ended run has an open step', s.run_id, s.step_slug, null
from pgflow.step_states s
join pgflow.runs r on r.run_id = s.run_id
where s.status in ('created', 'started')
  and r.status <> 'started'
union all
select 'ended step has an open task', t.run_id, t.step_slug, t.task_index
from pgflow.step_tasks t
join pgflow.step_states s
  on s.run_id = t.run_id
  and s.step_slug = t.step_slug
where t.status in ('queued', 'started', 'waiting')
  and s.status <> 'started'
union all
select
  'open task has neither a message nor something it waits for',
  t.run_id,
  t.step_slug,
  t.task_index
from pgflow.step_tasks t
where t.status in ('queued', 'started')
  and t.message_id is null
  and t.due_at is null
union all
select 'task waits for a child run that is not open', t.run_id, t.step_slug, t.task_index
from pgflow.step_tasks t
join pgflow.steps st
  on st.flow_slug = t.flow_slug
  and st.step_slug = t.step_slug
where t.status = 'waiting'
  and st.performed_by = 'subflow'
  and not exists (
    select
    from pgflow.runs r
    where r.run_id = t.child_run_id
      and r.status = 'started'
  )
union all
select 'open task''s message is not in its queue', t.run_id, t.step_slug, t.task_index
from pgflow.step_tasks t
left join pgflow._messages() m
  on m.flow_slug = t.flow_slug
  and m.message_id = t.message_id
where t.status in ('queued', 'started')
  and t.message_id is not null
  and m.message_id is null
union all
select
  format('message %s of queue "%s" has no open task', m.message_id, m.flow_slug),
  null,
  m.message ->> 'step_slug',
  null
from pgflow._messages() m
left join pgflow.step_tasks t
  on t.flow_slug = m.flow_slug
  and t.message_id = m.message_id
  and t.status in ('queued', 'started')
-- A foreign message is not the engine's; the next poll archives it.
where m.message ? 'run_id'
  and t.run_id is null;

comment on view pgflow.broken_invariants is 'What must never be: a row here is a defect of the engine.';

-- == 70_get_run_with_states.sql ===================================================================

-- get_run_with_states: a run and its steps as one JSON object, for people and clients.
--
-- {"run": {…}, "steps": [{…}]}: the columns of both tables, steps in the order of their definition,
-- with each single step's output in its place and every failed attempt. Null for an unknown run.
create or replace function pgflow.get_run_with_states(run_id uuid)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select jsonb_build_object(
    'run', to_jsonb(r),
    'steps', coalesce(
      (
        select jsonb_agg(
          to_jsonb(s) || jsonb_build_object(
            'output', coalesce(s.output, t.output),
            'failures', coalesce(
              (
                select jsonb_agg(
                  jsonb_build_object(
                    'task_index', f.task_index,
                    'attempt', f.attempt,
                    'error_message', f.error_message,
                    'failed_at', f.failed_at
                  )
                  order by f.task_index, f.attempt
                )
                from pgflow.task_failures f
                where f.run_id = s.run_id
                  and f.step_slug = s.step_slug
              ),
              '[]'
            )
          )
          order by st.step_index
        )
        from pgflow.step_states s
        join pgflow.steps st
          on st.flow_slug = s.flow_slug
          and st.step_slug = s.step_slug
        left join pgflow.step_tasks t
          on t.run_id = s.run_id
          and t.step_slug = s.step_slug
          and t.task_index = 0
          and st.step_type = 'single'
        where s.run_id = r.run_id
      ),
      '[]'
    )
  )
  from pgflow.runs r
  where r.run_id = get_run_with_states.run_id;
$$;

comment on function pgflow.get_run_with_states(uuid) is
  'A run and its steps as {"run": {…}, "steps": [{…}]}, or null if there is no such run.';

-- start_flow_with_states: start a run that may be watched, and return it with its steps.
create or replace function pgflow.start_flow_with_states(
  flow_slug text,
  input jsonb,
  run_id uuid default null
)
  returns jsonb
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs;
begin
  v_run.run_id := start_flow_with_states.run_id;
  v_run.input := coalesce(start_flow_with_states.input, 'null');
  v_run.broadcast := true;

  select r.* into v_run
  from pgflow._start_run(start_flow_with_states.flow_slug, v_run) r;

  return pgflow.get_run_with_states(v_run.run_id);
end;
$$;

comment on function pgflow.start_flow_with_states(text, jsonb, uuid) is
  'Starts a run whose events are broadcast, and returns it as get_run_with_states does.';

-- == 71_why.sql ===================================================================================

-- _message_times: when messages of a flow's queue become, or became, visible.
create or replace function pgflow._message_times(flow_slug text, message_ids bigint[])
  returns table (message_id bigint, visible_at timestamptz)
  language plpgsql
  stable
  set search_path = ''
  set enable_seqscan = off
as $$
begin
  return query execute format(
    'select m.msg_id, m.vt from pgmq.%I m where m.msg_id = any ($1)',
    'q_' || lower(_message_times.flow_slug)
  )
  using _message_times.message_ids;
end;
$$;

-- why: why a run does not advance, in one row, and what to do about it.
--
-- For people. Of several reasons the one that needs somebody to act comes first: no live worker, an
-- approval, a child run, then what passes by itself. An ended run says how it ended. All reasons
-- look at one moment, the statement's, so that none falls in between.
create or replace function pgflow.why(run_id uuid)
  returns table (
    reason text,
    step_slug text,
    task_index int,
    since timestamptz,
    until timestamptz,
    advice text
  )
  language sql
  stable
  set search_path = ''
as $$
  with this_run as (
    select
      r.*,
      exists (
        select
        from pgflow.live_workers w
        where r.flow_slug = any (w.queue_names)
          and w.state <> 'deprecated'
      ) as has_worker,
      -- The function of the flow's name lives, or one that has served the flow, but without it.
      (
        select w.function_name
        from pgflow.live_workers w
        where r.flow_slug <> all (w.queue_names)
          and w.state <> 'deprecated'
          and (
            w.function_name = r.flow_slug
            or exists (
              select
              from pgflow.functions f
              where f.function_name = w.function_name
                and r.flow_slug = any (f.queue_names)
            )
          )
        limit 1
      ) as unaware_function
    from pgflow.runs r
    where r.run_id = why.run_id
  ),

  messages as (
    select m.*
    from this_run r
    cross join lateral pgflow._message_times(
      r.flow_slug,
      array(
        select t.message_id
        from pgflow.step_tasks t
        where t.run_id = r.run_id
          and t.status in ('queued', 'started')
      )
    ) m
  ),

  open_tasks as (
    select
      t.*,
      st.performed_by,
      m.visible_at,
      r.has_worker,
      r.unaware_function,
      (
        select exists (select from pgflow.live_workers l where l.worker_id = w.worker_id)
        from pgflow.workers w
        where w.worker_id = t.last_worker_id
      ) as worker_lives
    from this_run r
    join pgflow.step_tasks t on t.run_id = r.run_id
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    left join messages m
      on m.message_id = t.message_id
    where t.status in ('queued', 'started', 'waiting')
  ),

  reasons as (
    select
      0 as rank,
      format('the run is %s', r.status) || coalesce(': ' || r.error_message, '') as reason,
      null::text as step_slug,
      null::int as task_index,
      coalesce(r.completed_at, r.failed_at, r.cancelled_at) as since,
      null::timestamptz as until,
      case
        when r.status in ('failed', 'cancelled') then
          format('select pgflow.retry_run(%L) lets it go on from where it stopped', r.run_id)
        else 'nothing to do'
      end as advice
    from this_run r
    where r.status <> 'started'
    union all
    select
      1,
      'waiting for the run''s start time',
      t.step_slug, t.task_index, r.started_at, r.start_at,
      'nothing to do: it starts by itself'
    from this_run r
    join open_tasks t on t.due_at is not null
    where r.start_at > statement_timestamp()
    union all
    select
      2,
      case
        when t.unaware_function is null then format('no live worker for flow "%s"', t.flow_slug)
        else format(
          'flow "%s" is unknown to the live worker of function "%s"',
          t.flow_slug,
          t.unaware_function
        )
      end,
      t.step_slug, t.task_index, t.queued_at, null,
      case
        when t.unaware_function is null then
          format('start the edge function that serves flow "%s", or look at its log', t.flow_slug)
        else format(
          'serve flow "%s" in function "%s" and deploy it, or start the one that serves it',
          t.flow_slug,
          t.unaware_function
        )
      end
    from open_tasks t
    where t.status = 'queued'
      and t.open_attempt is null
      and not t.has_worker
      and coalesce(t.due_at, t.visible_at) <= statement_timestamp()
    union all
    select
      3,
      format('waiting for an approval of step "%s"', t.step_slug),
      t.step_slug, t.task_index, t.queued_at, t.due_at,
      format(
        'select pgflow.complete_step(%L, %L, ''{}'', %s), or fail_step',
        t.run_id, t.step_slug, t.task_index
      )
    from open_tasks t
    where t.status = 'waiting'
      and t.performed_by = 'approval'
    union all
    select
      4,
      format('waiting for child run %s of step "%s"', t.child_run_id, t.step_slug),
      t.step_slug, t.task_index, t.started_at, null,
      format('select * from pgflow.why(%L)', t.child_run_id)
    from open_tasks t
    where t.status = 'waiting'
      and t.performed_by = 'subflow'
    union all
    select
      5,
      format('step "%s" is started on worker %s, which is gone', t.step_slug, t.last_worker_id),
      t.step_slug, t.task_index, t.started_at, t.visible_at,
      'nothing to do: it comes back by itself as its next attempt'
    from open_tasks t
    where t.status = 'started'
      and not coalesce(t.worker_lives, true)
    union all
    select
      6,
      case
        when t.attempts_count > t.attempts_forgiven then
          format('waiting for a retry of step "%s" after: %s', t.step_slug, t.error_message)
        else format('waiting for the start delay of step "%s"', t.step_slug)
      end,
      t.step_slug, t.task_index, t.queued_at, coalesce(t.due_at, t.visible_at),
      'nothing to do: it goes on by itself'
    from open_tasks t
    where t.status = 'queued'
      and t.open_attempt is null
      and coalesce(t.due_at, t.visible_at) > statement_timestamp()
    union all
    select
      7,
      format(
        'step "%s" is running on %s',
        t.step_slug,
        coalesce('worker ' || t.last_worker_id, 'a plain consumer')
      ),
      t.step_slug, t.task_index, t.started_at, t.visible_at,
      'nothing to do: it is retried if it takes longer than its timeout'
    from open_tasks t
    where t.open_attempt is not null
      and coalesce(t.worker_lives, true)
    union all
    select
      8,
      format('step "%s" is in the queue', t.step_slug),
      t.step_slug, t.task_index, t.queued_at, null,
      'nothing to do: a live worker takes it when it has a free slot'
    from open_tasks t
    where t.status = 'queued'
      and t.open_attempt is null
      and t.has_worker
      and coalesce(t.due_at, t.visible_at) <= statement_timestamp()
    union all
    select
      9,
      'nothing of the run is open, which should never be',
      null, null, r.started_at, null,
      'look at pgflow.broken_invariants; call pgflow.start_ready_steps, then maybe_complete_run'
    from this_run r
    where r.status = 'started'
      and not exists (select from open_tasks)
  )

  select r.reason, r.step_slug, r.task_index, r.since, r.until, r.advice
  from reasons r
  order by r.rank, r.until, r.step_slug, r.task_index
  limit 1;
$$;

comment on function pgflow.why(uuid) is
  'Why a run does not advance, in one row, and what to do about it; no row for an unknown run.';

-- == 72_stuck_runs.sql ============================================================================

-- stuck_runs: open runs that nothing will move on by itself, why, since when, and what to do.
--
-- For people: it looks at every run, so ask once in a while. A run that waits for a child run is
-- left out, because the child tells the reason.
create or replace function pgflow.stuck_runs(
  quiet_for interval default '1 minute',
  max_runs int default 100
)
  returns table (
    run_id uuid,
    flow_slug text,
    step_slug text,
    reason text,
    since timestamptz,
    advice text
  )
  language sql
  stable
  set search_path = ''
as $$
  select r.run_id, r.flow_slug, w.step_slug, w.reason, w.since, w.advice
  from pgflow.runs r
  cross join lateral pgflow.why(r.run_id) w
  where r.status = 'started'
    and r.started_at < statement_timestamp() - stuck_runs.quiet_for
    and w.since < statement_timestamp() - stuck_runs.quiet_for
    and (
      coalesce(w.until <= statement_timestamp(), true)
      -- Its time limit is no reason to let it pass.
      or w.reason like 'waiting for an approval%'
    )
    and w.reason not like 'waiting for child run%'
  order by w.since
  limit stuck_runs.max_runs;
$$;

comment on function pgflow.stuck_runs(interval, int) is
  'Open runs that nothing will move on by itself, why, since when, and what to do.';

-- == 73_step_durations.sql ========================================================================

-- step_durations: how long the tasks of some flows took lately, per step.
--
-- From at most 200 tasks of each step in each of a flow's latest runs, so that it costs the same
-- with ten runs as with a million. Workers ask when they start: what they have little time left for
-- is left to their successors.
create or replace function pgflow.step_durations(flow_slugs text[], runs_each int default 20)
  returns table (
    flow_slug text,
    step_slug text,
    tasks int,
    mean_seconds double precision,
    longest_seconds double precision
  )
  language sql
  stable
  set search_path = ''
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
as $$
  select
    s.flow_slug,
    s.step_slug,
    count(*)::int,
    avg(t.seconds),
    max(t.seconds)
  from (select distinct u.flow_slug from unnest(step_durations.flow_slugs) as u (flow_slug)) f
  cross join lateral (
    select x.run_id
    from pgflow.runs x
    where x.flow_slug = f.flow_slug
    order by x.started_at desc
    limit step_durations.runs_each
  ) r
  join pgflow.steps s
    on s.flow_slug = f.flow_slug
    and s.performed_by <> 'approval'
  cross join lateral (
    select extract(epoch from x.completed_at - x.started_at)::double precision as seconds
    from pgflow.step_tasks x
    where x.run_id = r.run_id
      and x.step_slug = s.step_slug
      and x.status = 'completed'
      and x.child_run_id is null
      and x.started_at is not null
    limit 200
  ) t
  group by s.flow_slug, s.step_slug
  order by s.flow_slug, s.step_slug;
$$;

comment on function pgflow.step_durations(text[], int) is
  'How long the tasks of each step took in a flow''s latest runs.';

-- == 74_queue_states.sql ==========================================================================

-- queue_states: how much waits for each flow's workers, for how long, and how many workers live.
--
-- ready: messages that may be claimed now, the oldest since oldest_ready_at. hidden: claimed ones,
-- and retries of the next minute. later: tasks outside the queue, the first due at next_due_at.
create or replace function pgflow.queue_states()
  returns table (
    flow_slug text,
    ready int,
    oldest_ready_at timestamptz,
    hidden int,
    later int,
    next_due_at timestamptz,
    live_workers int
  )
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_query text;
begin
  select string_agg(
    format(
      $query$
        select
          %1$L::text as flow_slug,
          count(*) filter (where m.vt <= $1)::int as ready,
          min(m.vt) filter (where m.vt <= $1) as oldest_ready_at,
          count(*) filter (where m.vt > $1)::int as hidden
        from pgmq.%2$I m
      $query$,
      f.flow_slug,
      'q_' || lower(f.flow_slug)
    ),
    ' union all '
  )
  into v_query
  from pgflow.flows f;

  if v_query is null then
    return;
  end if;

  return query execute format(
    $query$
      select
        q.flow_slug, q.ready, q.oldest_ready_at, q.hidden, t.later, t.next_due_at, w.live_workers
      from (%s) q
      cross join lateral (
        select count(*)::int as later, min(x.due_at) as next_due_at
        from pgflow.step_tasks x
        where x.flow_slug = q.flow_slug
          and x.due_at is not null
      ) t
      cross join lateral (
        select count(*)::int as live_workers
        from pgflow.live_workers x
        where q.flow_slug = any (x.queue_names)
          and x.state <> 'deprecated'
      ) w
      order by q.oldest_ready_at nulls last, q.flow_slug
    $query$,
    v_query
  )
  using clock_timestamp();
end;
$$;

comment on function pgflow.queue_states() is
  'How much waits for each flow''s workers, for how long, and how many workers live.';

-- == 75_failure_rates.sql =========================================================================

-- failure_rates: how often each step's attempts failed, in runs started within a period.
create or replace function pgflow.failure_rates(period interval default '1 day')
  returns table (
    flow_slug text,
    step_slug text,
    attempts int,
    failures int,
    failure_rate numeric,
    last_error text,
    last_failed_at timestamptz
  )
  language sql
  stable
  set search_path = ''
as $$
  select
    t.flow_slug,
    t.step_slug,
    sum(t.attempts_count)::int as attempts,
    sum(f.failures)::int as failures,
    round(sum(f.failures) / nullif(sum(t.attempts_count), 0), 3) as failure_rate,
    (array_agg(f.last_error order by f.last_failed_at desc nulls last))[1] as last_error,
    max(f.last_failed_at) as last_failed_at
  from pgflow.flows w
  join pgflow.runs r
    on r.flow_slug = w.flow_slug
    and r.started_at > statement_timestamp() - failure_rates.period
  join pgflow.step_tasks t
    on t.run_id = r.run_id
  cross join lateral (
    select
      count(*) as failures,
      (array_agg(x.error_message order by x.failed_at desc))[1] as last_error,
      max(x.failed_at) as last_failed_at
    from pgflow.task_failures x
    where x.run_id = t.run_id
      and x.step_slug = t.step_slug
      and x.task_index = t.task_index
  ) f
  where t.attempts_count > 0
  group by t.flow_slug, t.step_slug
  order by failure_rate desc nulls last, t.flow_slug, t.step_slug;
$$;

comment on function pgflow.failure_rates(interval) is
  'How often each step''s attempts failed, in runs started within a period, and the last error.';

-- == 80_workers.sql ===============================================================================

-- register_worker: announce a worker, whatever others there are; the same worker again lives on.
create or replace function pgflow.register_worker(
  worker_id uuid,
  queue_name text,
  function_name text,
  lease_ms int default 30000
)
  returns void
  language sql
  set search_path = ''
as $$
  insert into pgflow.workers (worker_id, queue_name, function_name, lease_ms)
  values (
    register_worker.worker_id,
    register_worker.queue_name,
    register_worker.function_name,
    register_worker.lease_ms
  )
  on conflict (worker_id) do update set last_heartbeat_at = now(), stopped_at = null;
$$;

comment on function pgflow.register_worker(uuid, text, text, int) is 'Announces a worker of a function.';

-- acquire_worker: take a function's lease for a new worker; returns the worker that has it now.
--
-- Another id than one's own says that a healthy worker of the function runs already: the new one
-- is not registered and should end. Healthy is one whose heartbeat is fresh and that neither stops
-- nor waits for a successor. One of an older deployment is deprecated instead: it finishes what it
-- holds and takes nothing new. An unknown deployment counts as the same. Two at once are serialised
-- by an advisory lock, since whoever starts a run may hold the function's row.
create or replace function pgflow.acquire_worker(
  worker_id uuid,
  function_name text,
  queue_names text[],
  deployment text default null,
  lease_ms int default 30000
)
  returns uuid
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_holder uuid;
begin
  perform pg_advisory_xact_lock(
    hashtext('pgflow.functions'), hashtext(acquire_worker.function_name)
  );

  select w.worker_id into v_holder
  from pgflow.live_workers w
  where w.function_name = acquire_worker.function_name
    and w.worker_id <> acquire_worker.worker_id
    and w.state = 'running'
    and (
      w.deployment is null
      or acquire_worker.deployment is null
      or w.deployment = acquire_worker.deployment
      or pgflow._is_older_deployment(acquire_worker.deployment, w.deployment)
    )
  order by w.started_at desc
  limit 1;

  if v_holder is not null then
    return v_holder;
  end if;

  perform pgflow.deprecate_workers(acquire_worker.function_name, acquire_worker.worker_id);

  insert into pgflow.workers (worker_id, queue_name, function_name, deployment, lease_ms)
  values (
    acquire_worker.worker_id,
    array_to_string(acquire_worker.queue_names, ','),
    acquire_worker.function_name,
    acquire_worker.deployment,
    acquire_worker.lease_ms
  )
  on conflict (worker_id) do update set last_heartbeat_at = now(), stopped_at = null;

  perform pgflow._register_function(acquire_worker.function_name, acquire_worker.queue_names);
  return acquire_worker.worker_id;
end;
$$;

comment on function pgflow.acquire_worker(uuid, text, text[], text, int) is
  'Registers a worker unless a healthy one serves the function; returns the one that does.';

-- _is_older_deployment: whether one deployment came before another, where their names tell.
--
-- The platform's names end in a version: <project>_<function>_<version>.
create or replace function pgflow._is_older_deployment(deployment text, than text)
  returns boolean
  language sql
  immutable
  set search_path = ''
as $$
  select coalesce(
    regexp_replace(_is_older_deployment.deployment, '\d+$', '')
      = regexp_replace(_is_older_deployment.than, '\d+$', '')
    and substring(_is_older_deployment.deployment, '_(\d{1,18})$')::bigint
      < substring(_is_older_deployment.than, '_(\d{1,18})$')::bigint,
    false
  );
$$;

-- _register_function: note which flows a function serves, and that it started a worker.
--
-- Waits for nobody: a row that another session holds is noted with the next worker.
create or replace function pgflow._register_function(function_name text, queue_names text[])
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (
    select from pgflow.functions f where f.function_name = _register_function.function_name
  ) then
    insert into pgflow.functions (function_name, queue_names)
    values (_register_function.function_name, _register_function.queue_names)
    on conflict do nothing;
  end if;

  update pgflow.functions f
  set
    queue_names = _register_function.queue_names,
    registered_at = clock_timestamp()
  where f.function_name in (
    select x.function_name
    from pgflow.functions x
    where x.function_name = _register_function.function_name
    for update skip locked
  );
end;
$$;

-- _presume_functions: presume that a flow no function is known to serve has one of its own name.
create or replace function pgflow._presume_functions()
  returns void
  language sql
  set search_path = ''
as $$
  insert into pgflow.functions (function_name, queue_names)
  select f.flow_slug, array[f.flow_slug]
  from pgflow.flows f
  where not exists (
    select from pgflow.functions x where f.flow_slug = any (x.queue_names)
  )
  on conflict do nothing;
$$;

-- heartbeat_worker: keep a worker alive; true when it should stop.
--
-- A worker stops when a newer version took its place (deprecated), or when it is unknown or
-- stopped.
create or replace function pgflow.heartbeat_worker(worker_id uuid)
  returns boolean
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_deprecated boolean;
begin
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = heartbeat_worker.worker_id
    and w.stopped_at is null
  returning w.deprecated_at is not null into v_deprecated;

  return coalesce(v_deprecated, true);
end;
$$;

comment on function pgflow.heartbeat_worker(uuid) is
  'Keeps a worker alive and returns whether it should stop.';

-- drain_worker: say that a worker calls a successor, which may start beside it, or does so no more.
create or replace function pgflow.drain_worker(worker_id uuid, is_draining boolean default true)
  returns void
  language sql
  set search_path = ''
as $$
  update pgflow.workers w
  set draining_at = case when drain_worker.is_draining then clock_timestamp() end
  where w.worker_id = drain_worker.worker_id
    and (w.draining_at is null) = drain_worker.is_draining;
$$;

comment on function pgflow.drain_worker(uuid, boolean) is
  'Says that a worker calls a successor, which may start beside it, or does so no more.';

-- stop_worker: say that a worker takes no more tasks.
create or replace function pgflow.stop_worker(worker_id uuid)
  returns void
  language sql
  set search_path = ''
as $$
  update pgflow.workers w
  set stopped_at = clock_timestamp()
  where w.worker_id = stop_worker.worker_id
    and w.stopped_at is null;
$$;

comment on function pgflow.stop_worker(uuid) is 'Says that a worker takes no more tasks.';

-- deprecate_workers: ask all workers of a function but one to stop; returns how many were asked.
create or replace function pgflow.deprecate_workers(
  function_name text,
  except_worker_id uuid default null
)
  returns int
  language sql
  set search_path = ''
as $$
  with deprecated as (
    update pgflow.workers w
    set deprecated_at = clock_timestamp()
    where w.function_name = deprecate_workers.function_name
      and w.worker_id is distinct from deprecate_workers.except_worker_id
      and w.deprecated_at is null
      and w.stopped_at is null
    returning w.worker_id
  )

  select count(*)::int from deprecated;
$$;

comment on function pgflow.deprecate_workers(text, uuid) is
  'Asks all workers of a function but one to finish what they hold and stop.';

-- closed_attempts: of the attempts a worker still runs, those that may no longer report.
--
-- Called with a worker's heartbeat, so that it can abort handlers whose run was cancelled or has
-- failed, or whose task was handed to somebody else. Takes [{"run_id", "step_slug", "task_index",
-- "attempt"}, …]; locks nothing.
create or replace function pgflow.closed_attempts(attempts jsonb)
  returns table (run_id uuid, step_slug text, task_index int, attempt int)
  language sql
  stable
  set search_path = ''
as $$
  select a.run_id, a.step_slug, a.task_index, a.attempt
  from jsonb_to_recordset(closed_attempts.attempts) as a (
    run_id uuid, step_slug text, task_index int, attempt int
  )
  where not exists (
    select
    from pgflow.step_tasks t
    where t.run_id = a.run_id
      and t.step_slug = a.step_slug
      and t.task_index = a.task_index
      and t.open_attempt = a.attempt
  );
$$;

comment on function pgflow.closed_attempts(jsonb) is
  'Of the attempts a worker runs, those that may no longer report: its handlers can be aborted.';

-- requeue_stalled_tasks: let the tasks of workers that are gone come back at once.
--
-- A worker is gone when it has stopped, or when its heartbeat stays out for as long as its lease,
-- which is 30 seconds if it did not say otherwise. Without this its tasks come back when their
-- step's visibility ends. The attempt stays counted: the next poll records it as lost. Returns the
-- number of tasks; takes queue rows only and waits for none.
create or replace function pgflow.requeue_stalled_tasks()
  returns int
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set join_collapse_limit = 1
as $$
declare
  v_flow record;
  v_requeued int;
  v_total int := 0;
begin
  for v_flow in select f.flow_slug from pgflow.flows f loop
    execute format(
      $query$
        with stalled as materialized (
          select m.msg_id
          from pgmq.%1$I m
          join pgflow.step_tasks t
            on t.run_id = case
              when m.message ->> 'run_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                then (m.message ->> 'run_id')::uuid
            end
            and t.step_slug = m.message ->> 'step_slug'
            and t.task_index = case
              when m.message ->> 'task_index' ~ '^[0-9]{1,9}$'
                then (m.message ->> 'task_index')::int
            end
            and t.message_id = m.msg_id
          join pgflow.workers w
            on w.worker_id = t.last_worker_id
          where m.vt > $1
            and t.status = 'started'
            and (
              w.stopped_at is not null
              or w.last_heartbeat_at
                < clock_timestamp() - make_interval(secs => w.lease_ms / 1000.0)
            )
          for no key update of m skip locked
        )

        update pgmq.%1$I m
        set vt = clock_timestamp()
        from stalled s
        where m.msg_id = s.msg_id
      $query$,
      'q_' || lower(v_flow.flow_slug)
    )
    using clock_timestamp();

    get diagnostics v_requeued = row_count;
    v_total := v_total + v_requeued;
  end loop;

  return v_total;
end;
$$;

comment on function pgflow.requeue_stalled_tasks() is
  'Lets the tasks of workers that are gone come back at once; returns how many.';

-- == 81_prune_data_older_than.sql =================================================================

-- prune_data_older_than: delete runs that ended before so long, archived messages and dead workers.
--
-- One call deletes at most max_runs runs, as many workers and max_messages archived messages, so
-- that no transaction holds many locks for long: call it until "more" is false, as pg_cron does
-- every few minutes. What another session holds is left for the next call, so that it waits for
-- nobody. Child runs go with their root run.
create or replace function pgflow.prune_data_older_than(
  retention interval,
  max_runs int default 1000,
  max_messages int default 10000
)
  returns jsonb
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
as $$
declare
  v_before timestamptz := now() - prune_data_older_than.retention;
  v_run_ids uuid[];
  v_runs int;
  v_deleted int;
  v_messages int := 0;
  v_workers int;
  v_queue record;
begin
  v_run_ids := array(
    select r.run_id
    from pgflow.flows f
    cross join lateral (
      -- The index on (flow_slug, started_at) finds the oldest first: a run ends after it starts.
      select x.run_id
      from pgflow.runs x
      where x.flow_slug = f.flow_slug
        and x.started_at < v_before
        and x.root_run_id is null
        and x.status <> 'started'
        and coalesce(x.completed_at, x.failed_at, x.cancelled_at) < v_before
      order by x.started_at
      limit prune_data_older_than.max_runs
      for update skip locked
    ) r
    limit prune_data_older_than.max_runs
  );

  v_runs := cardinality(v_run_ids);

  -- Children are found level by level; each delete takes a run's steps, tasks and failures with it.
  with recursive families as (
    select x.run_id from unnest(v_run_ids) as x (run_id)
    union all
    select c.run_id
    from families p
    join pgflow.runs c on c.parent_run_id = p.run_id
  )

  delete from pgflow.runs r
  using families f
  where r.run_id = f.run_id;

  for v_queue in select f.flow_slug from pgflow.flows f loop
    execute format(
      $query$
        delete from pgmq.%1$I a
        where a.msg_id = any (
          array(
            select o.msg_id
            from pgmq.%1$I o
            where o.archived_at < $1
            order by o.archived_at
            limit $2
            for update skip locked
          )
        )
      $query$,
      'a_' || lower(v_queue.flow_slug)
    )
    using v_before, prune_data_older_than.max_messages - v_messages;

    get diagnostics v_deleted = row_count;
    v_messages := v_messages + v_deleted;
    exit when v_messages >= prune_data_older_than.max_messages;
  end loop;

  -- A worker that lives may be asked to stop, so its row must stay whatever the retention.
  delete from pgflow.workers w
  where w.worker_id = any (
    array(
      select o.worker_id
      from pgflow.workers o
      where o.last_heartbeat_at < least(v_before, now() - interval '1 hour')
      order by o.last_heartbeat_at
      limit prune_data_older_than.max_runs
      for update skip locked
    )
  );

  get diagnostics v_workers = row_count;

  return jsonb_build_object(
    'runs', v_runs,
    'messages', v_messages,
    'workers', v_workers,
    'more',
    v_runs >= prune_data_older_than.max_runs
      or v_messages >= prune_data_older_than.max_messages
      or v_workers >= prune_data_older_than.max_runs
  );
end;
$$;

comment on function pgflow.prune_data_older_than(interval, int, int) is
  'Deletes a bounded batch of ended runs, archived messages and workers; call until "more" is false.';

-- == 82_schema_version.sql ========================================================================

-- schema_version: the version of the installed schema, for workers to compare with their own.
create or replace function pgflow.schema_version()
  returns text
  language sql
  immutable
  set search_path = ''
as $$
  select '0.1.0'::text;
$$;

comment on function pgflow.schema_version() is 'The version of the installed schema.';

-- uninstall: remove pgflow, all its flows, runs and queues.
--
-- There is no way back, so it wants to hear what it does: confirm => 'delete all flows and runs'.
create or replace function pgflow.uninstall(confirm text)
  returns void
  language plpgsql
  set search_path = ''
  set client_min_messages = warning
as $$
begin
  if uninstall.confirm is distinct from 'delete all flows and runs' then
    raise exception using
      errcode = '22023',
      message = 'Cannot uninstall pgflow: it deletes all flows and runs, and was not told to',
      hint = 'Call pgflow.uninstall(confirm => ''delete all flows and runs'').';
  end if;

  perform pgflow.remove_watchdog();
  perform pgmq.drop_queue(f.flow_slug) from pgflow.flows f;
  drop function
    public.start_flow(text, jsonb, uuid, text, timestamptz, uuid),
    public.get_run(uuid),
    public.list_runs(text, text, int, jsonb),
    public.cancel_run(uuid),
    public.retry_run(uuid),
    public.complete_step(uuid, text, jsonb, int),
    public.fail_step(uuid, text, text, int),
    public.list_approvals(int, jsonb);
  drop schema pgflow cascade;
end;
$$;

comment on function pgflow.uninstall(text) is 'Removes pgflow with all its flows, runs and queues.';

-- == 83_wake_workers.sql ==========================================================================

-- _wake_workers: call the edge functions of flows that have work and no live worker; returns which.
--
-- The request leaves with the caller's commit. Of several functions that serve a flow the one that
-- answered its last call comes first, then the one called least recently. A call on its way stands
-- for all: while it is younger than 5 seconds and unanswered no other is made, and a function that
-- another session is just calling is skipped, so that many starts at once neither wait for each
-- other nor call twice. Does nothing without pg_net, Vault or the secrets, and fails nothing:
-- ensure_workers repairs what is missed here.
create or replace function pgflow._wake_workers(flow_slugs text[])
  returns setof pgflow.functions
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_url text;
  v_key text;
  v_names text[];
  v_request_ids bigint[];
begin
  if not exists (
    select
    from unnest(_wake_workers.flow_slugs) as f (flow_slug)
    where not exists (
      select
      from pgflow.live_workers w
      where f.flow_slug = any (w.queue_names)
        and w.state = 'running'
    )
  ) then
    return;
  end if;

  begin
    -- Even to ask for it is an error where the schema may not be used.
    if to_regprocedure('net.http_post(text,jsonb,jsonb,jsonb,integer)') is null
      or to_regclass('vault.decrypted_secrets') is null
    then
      return;
    end if;

    execute
      $query$
        select
          max(rtrim(s.decrypted_secret, '/')) filter (where s.name = 'project_url'),
          max(s.decrypted_secret) filter (where s.name = 'secret_key')
        from vault.decrypted_secrets s
        where s.name in ('project_url', 'secret_key')
      $query$
      into v_url, v_key;

    if v_url is null or v_key is null then
      return;
    end if;

    v_names := pgflow._choose_functions(_wake_workers.flow_slugs);

    if cardinality(v_names) = 0 then
      return;
    end if;

    execute
      $query$
        select array_agg(
          net.http_post(
            url => $1 || '/functions/v1/' || f.function_name,
            headers => $2,
            timeout_milliseconds => 10000
          )
          order by f.function_name
        )
        from unnest($3) as f (function_name)
      $query$
      into v_request_ids
      using v_url, pgflow._call_headers(v_key), v_names;

    return query
    update pgflow.functions f
    set request_id = c.request_id
    from unnest(v_names, v_request_ids) as c (function_name, request_id)
    where f.function_name = c.function_name
    returning f.*;
  exception
    when others then
      raise warning 'pgflow: Cannot wake workers of "%": %',
        array_to_string(_wake_workers.flow_slugs, ', '), sqlerrm;
  end;
end;
$$;

-- _choose_functions: the functions to call for these flows, in order, marked as called.
create or replace function pgflow._choose_functions(flow_slugs text[])
  returns text[]
  language sql
  set search_path = ''
as $$
  with candidates as (
    select
      f.flow_slug,
      x.function_name,
      x.registered_at,
      x.woken_at,
      x.woken_at > clock_timestamp() - interval '5 seconds'
        and coalesce(x.registered_at < x.woken_at, true) as is_called
    from (select distinct u.flow_slug from unnest(_choose_functions.flow_slugs) as u (flow_slug)) f
    join pgflow.functions x
      on f.flow_slug = any (x.queue_names)
    where not exists (
      select
      from pgflow.live_workers w
      where f.flow_slug = any (w.queue_names)
        and w.state = 'running'
    )
  ),

  chosen as (
    select distinct on (c.flow_slug) c.function_name
    from candidates c
    where not exists (
      select
      from candidates o
      where o.flow_slug = c.flow_slug
        and o.is_called
    )
    order by
      c.flow_slug,
      coalesce(c.registered_at >= coalesce(c.woken_at, '-infinity'), false) desc,
      c.woken_at nulls first,
      c.function_name
  ),

  free as materialized (
    select x.function_name
    from pgflow.functions x
    where x.function_name in (select c.function_name from chosen c)
      -- Once more, for a row that changed since this statement began.
      and not coalesce(
        x.woken_at > clock_timestamp() - interval '5 seconds'
          and coalesce(x.registered_at < x.woken_at, true),
        false
      )
    for update skip locked
  ),

  called as (
    update pgflow.functions x
    set woken_at = clock_timestamp()
    from free f
    where x.function_name = f.function_name
    returning x.function_name
  )

  select coalesce(array_agg(c.function_name order by c.function_name), '{}') from called c;
$$;

-- _call_headers: the headers of a call to a function; a legacy key is a JWT and goes as token too.
create or replace function pgflow._call_headers(secret_key text)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select jsonb_build_object(
    'Content-Type', 'application/json',
    'apikey', _call_headers.secret_key
  ) || case
    when _call_headers.secret_key like 'ey%' then
      jsonb_build_object('Authorization', 'Bearer ' || _call_headers.secret_key)
    else '{}'
  end;
$$;

-- _wake_workers_of_run: wake the workers of a run's flow and of the flows of the runs above it.
create or replace function pgflow._wake_workers_of_run(run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_flow_slugs text[];
begin
  with recursive ancestors as (
    select r.run_id, r.parent_run_id, r.flow_slug
    from pgflow.runs r
    where r.run_id = _wake_workers_of_run.run_id
    union all
    select p.run_id, p.parent_run_id, p.flow_slug
    from ancestors a
    join pgflow.runs p on p.run_id = a.parent_run_id
  )

  select array_agg(distinct a.flow_slug) into v_flow_slugs from ancestors a;

  perform pgflow._wake_workers(v_flow_slugs);
end;
$$;

-- == 84_ensure_workers.sql ========================================================================

-- ensure_workers: let what is due go on, and call the functions that have work and no live worker.
--
-- The watchdog: pg_cron calls it (install_watchdog), and each worker now and then. Tasks of workers
-- that are gone come back, what waited outside the queues enters them when due, approvals whose
-- time is over end. Returns the functions that it called. Harmless at any time, also many at once,
-- and without pg_net and Vault, when it calls nobody.
create or replace function pgflow.ensure_workers()
  returns table (function_name text, request_id bigint)
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  perform pgflow.requeue_stalled_tasks();
  perform pgflow._end_waits();
  perform pgflow._presume_functions();

  return query
  select f.function_name, f.request_id
  from pgflow._wake_workers(pgflow._flows_with_work()) f
  order by f.function_name;
end;
$$;

comment on function pgflow.ensure_workers() is
  'Lets due and stalled tasks go on and calls the functions that have work and no live worker.';

-- _end_waits: let what waited outside the queues go on, in every flow where something is due.
create or replace function pgflow._end_waits()
  returns void
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_flow record;
begin
  for v_flow in
    select f.flow_slug
    from pgflow.flows f
    where exists (
      select
      from pgflow.step_tasks t
      where t.flow_slug = f.flow_slug
        and t.due_at <= v_now
    )
    order by f.flow_slug
  loop
    perform pgflow._queue_due_tasks(v_flow.flow_slug, v_now);

    begin
      perform pgflow._end_due_approvals(v_flow.flow_slug, v_now);
    exception
      when lock_not_available then
        null;
    end;
  end loop;
end;
$$;

-- _flows_with_work: the flows whose queues have a message that is visible now.
create or replace function pgflow._flows_with_work()
  returns text[]
  language plpgsql
  set search_path = ''
  set enable_seqscan = off
as $$
declare
  v_query text;
  v_flow_slugs text[];
begin
  select string_agg(
    format(
      'select %L::text as flow_slug where exists (select from pgmq.%I m where m.vt <= $1)',
      f.flow_slug,
      'q_' || lower(f.flow_slug)
    ),
    ' union all '
  )
  into v_query
  from pgflow.flows f;

  if v_query is not null then
    execute format('select array_agg(w.flow_slug) from (%s) w', v_query)
    into v_flow_slugs
    using clock_timestamp();
  end if;

  return coalesce(v_flow_slugs, '{}');
end;
$$;

-- == 85_watchdog.sql ==============================================================================

-- install_watchdog: schedule ensure_workers with pg_cron, and tell it how to call functions.
--
-- Stores the project's URL and a secret key in Vault when they are given. Installing again changes
-- the schedule or the secrets. Returns what is still missing for workers to be woken: nothing, if
-- all is well.
create or replace function pgflow.install_watchdog(
  project_url text default null,
  secret_key text default null,
  schedule text default '10 seconds'
)
  returns table (problem text, advice text)
  language plpgsql
  set search_path = ''
as $$
begin
  if install_watchdog.project_url is not null then
    perform pgflow._store_secret('project_url', install_watchdog.project_url);
  end if;

  if install_watchdog.secret_key is not null then
    perform pgflow._store_secret('secret_key', install_watchdog.secret_key);
  end if;

  if to_regprocedure('cron.schedule(text,text,text)') is not null then
    execute 'select cron.schedule($1, $2, $3)'
    using 'pgflow watchdog', install_watchdog.schedule, 'select pgflow.ensure_workers()';

    -- pg_cron notes each run and forgets none.
    execute 'select cron.schedule($1, $2, $3)'
    using 'pgflow watchdog log', '17 3 * * *', $command$
      delete from cron.job_run_details d
      using cron.job j
      where j.jobid = d.jobid
        and j.jobname like 'pgflow watchdog%'
        and d.end_time < now() - interval '1 day'
    $command$;
  end if;

  return query select p.problem, p.advice from pgflow.setup_problems() p;
end;
$$;

comment on function pgflow.install_watchdog(text, text, text) is
  'Schedules the watchdog that wakes workers, and returns what it still lacks.';

-- remove_watchdog: take ensure_workers off pg_cron's schedule; returns whether it was on it.
--
-- The secrets stay: others may use them.
create or replace function pgflow.remove_watchdog()
  returns boolean
  language plpgsql
  set search_path = ''
as $$
declare
  v_removed int := 0;
begin
  if to_regclass('cron.job') is not null then
    execute
      $query$
        select count(cron.unschedule(j.jobname))
        from cron.job j
        where j.jobname in ('pgflow watchdog', 'pgflow watchdog log')
      $query$
    into v_removed;
  end if;

  return v_removed > 0;
exception
  -- Whoever may not use pg_cron has put nothing on its schedule.
  when insufficient_privilege then
    return false;
end;
$$;

comment on function pgflow.remove_watchdog() is 'Takes the watchdog off pg_cron''s schedule.';

-- setup_problems: what keeps the database from waking workers, and what to do; no row if nothing
-- does.
create or replace function pgflow.setup_problems()
  returns table (problem text, advice text)
  language plpgsql
  set search_path = ''
as $$
declare
  v_has_net boolean := to_regprocedure('net.http_post(text,jsonb,jsonb,jsonb,integer)') is not null;
  v_has_vault boolean := to_regclass('vault.decrypted_secrets') is not null;
  v_has_cron boolean := to_regprocedure('cron.schedule(text,text,text)') is not null;
begin
  return query
  select e.problem, e.advice
  from (
    values
      (v_has_net, 'pg_net is not there', 'create extension pg_net'),
      (v_has_vault, 'Vault is not there', 'create extension supabase_vault'),
      (v_has_cron, 'pg_cron is not there', 'create extension pg_cron')
  ) as e (is_there, problem, advice)
  where not e.is_there;

  if v_has_vault then
    return query execute
      $query$
        select
          format('secret "%s" is not in Vault', n.name),
          format('select pgflow.install_watchdog(%s => %L)', n.name, n.example)
        from (
          values
            ('project_url', 'https://<ref>.supabase.co'),
            ('secret_key', 'sb_secret_…')
        ) as n (name, example)
        where not exists (select from vault.decrypted_secrets s where s.name = n.name)
      $query$;
  end if;

  if v_has_cron then
    return query execute
      $query$
        select 'the watchdog is not on pg_cron''s schedule', 'select pgflow.install_watchdog()'
        where not exists (select from cron.job j where j.jobname = 'pgflow watchdog' and j.active)
      $query$;
  end if;

  if v_has_net and to_regclass('net._http_response') is not null then
    return query execute
      $query$
        select
          format(
            'function "%s" was called at %s and answered %s',
            f.function_name,
            to_char(f.woken_at, 'YYYY-MM-DD HH24:MI:SS'),
            coalesce(r.status_code::text || ': ' || left(r.content, 300), r.error_msg, 'nothing')
          ),
          case
            when r.status_code = 404 then format(
              'deploy function "%s", or call the one that serves %s once: it is remembered',
              f.function_name,
              array_to_string(f.queue_names, ', ')
            )
            when r.status_code = 401 then
              'select pgflow.install_watchdog(secret_key => …) with a secret key of this project'
            else 'look at the function''s log'
          end
        from pgflow.functions f
        join net._http_response r on r.id = f.request_id
        where coalesce(r.status_code, 0) not in (200, 202)
          and coalesce(f.registered_at < f.woken_at, true)
      $query$;
  end if;
end;
$$;

comment on function pgflow.setup_problems() is
  'What keeps the database from waking workers, and what to do about it.';

-- _store_secret: create or replace a secret in Vault.
create or replace function pgflow._store_secret(name text, secret text)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_updated int;
begin
  if to_regclass('vault.decrypted_secrets') is null then
    raise exception using
      errcode = '55000',
      message = format('Cannot store secret "%s": Vault is not there', _store_secret.name),
      hint = 'create extension supabase_vault; on Supabase it is there.';
  end if;

  execute 'select vault.update_secret(s.id, $2) from vault.decrypted_secrets s where s.name = $1'
  using _store_secret.name, _store_secret.secret;

  get diagnostics v_updated = row_count;

  if v_updated = 0 then
    execute 'select vault.create_secret($2, $1)'
    using _store_secret.name, _store_secret.secret;
  end if;
end;
$$;

-- == 90_caller.sql ================================================================================

-- _caller: who calls a function of the API: the role, the user, and what may be read and answered.
--
-- Asked inside security definer functions, where current_user is the owner: the setting "role"
-- still says what the API has set, and without it the login counts. The roles that approvals are
-- assigned to stand in the token's app_metadata, which users cannot change themselves.
create type pgflow.caller as (
  role_name text,
  user_id uuid,
  sees_all boolean,
  assignees text[]
);

comment on type pgflow.caller is
  'Who calls the API; sees_all: bypasses row level security, as the server''s key does.';

create or replace function pgflow._caller()
  returns pgflow.caller
  language sql
  stable
  set search_path = ''
as $$
  select row(
    c.role_name,
    u.user_id,
    coalesce(
      (
        select r.rolsuper or r.rolbypassrls or pg_has_role(r.oid, n.nspowner, 'usage')
        from pg_roles r, pg_namespace n
        where r.rolname = c.role_name
          and n.nspname = 'pgflow'
      ),
      false
    ),
    array(
      select 'user:' || u.user_id
      where u.user_id is not null
      union all
      select 'role:' || m.name
      from (
        select case jsonb_typeof(x.value) when 'string' then x.value #>> '{}' end as name
        from jsonb_path_query(c.claims, 'strict $.app_metadata.role', '{}', true) as x (value)
        union
        select case jsonb_typeof(x.value) when 'string' then x.value #>> '{}' end
        from jsonb_path_query(c.claims, 'strict $.app_metadata.roles[*]', '{}', true) as x (value)
      ) m
      where u.user_id is not null
        and m.name is not null
    )
  )::pgflow.caller
  from (
    select
      coalesce(nullif(current_setting('role', true), 'none'), session_user) as role_name,
      coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}') as claims
  ) c
  cross join lateral (select pgflow._user_id() as user_id) u;
$$;

-- _require_run: the run if the caller may read it; else the same error as if there were none.
create or replace function pgflow._require_run(run_id uuid, verb text)
  returns pgflow.runs
  language plpgsql
  stable
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_run pgflow.runs;
begin
  select r.* into v_run
  from pgflow.runs r
  where r.run_id = _require_run.run_id
    and (v_caller.sees_all or r.owner = v_caller.user_id);

  if not found then
    raise exception using
      errcode = 'PF005',
      message = format(
        'Cannot %s run "%s": it does not exist',
        _require_run.verb,
        _require_run.run_id
      ),
      hint = 'A run of somebody else looks the same; sign in as its owner.';
  end if;

  return v_run;
end;
$$;

-- _check_api_value: raise if a value is larger or deeper than a client may send.
--
-- The bytes are those that jsonb takes in memory. Nesting is limited far below what Postgres can
-- read, because what is stored now is read later from deeper calls, with less stack left.
create or replace function pgflow._check_api_value(value jsonb, subject text)
  returns void
  language plpgsql
  immutable
  set search_path = ''
as $$
begin
  if pg_column_size(_check_api_value.value) > 4 * 1024 * 1024 then
    raise exception using
      errcode = 'PF015',
      message = format(
        'Cannot %s: the value has %s bytes, more than 4194304',
        _check_api_value.subject,
        pg_column_size(_check_api_value.value)
      ),
      hint = 'Store it elsewhere, for instance in Supabase Storage, and pass where it is.';
  end if;

  if jsonb_path_exists(_check_api_value.value, 'strict $.**{100}') then
    raise exception using
      errcode = 'PF015',
      message = format(
        'Cannot %s: the value is nested deeper than 100 levels',
        _check_api_value.subject
      ),
      hint = 'Pass a flatter value.';
  end if;
end;
$$;

-- _run_json: what a client may see of a run.
create or replace function pgflow._run_json(run pgflow.runs)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select jsonb_build_object(
    'run_id', (run).run_id,
    'flow_slug', (run).flow_slug,
    'status', (run).status,
    'input', (run).input,
    'output', (run).output,
    'error_message', (run).error_message,
    'remaining_steps', (run).remaining_steps,
    'owner', nullif((run).owner, '00000000-0000-0000-0000-000000000000'),
    'broadcast', (run).broadcast,
    'root_run_id', (run).root_run_id,
    'parent_run_id', (run).parent_run_id,
    'parent_step_slug', (run).parent_step_slug,
    'parent_task_index', (run).parent_task_index,
    'start_at', (run).start_at,
    'started_at', (run).started_at,
    'completed_at', (run).completed_at,
    'failed_at', (run).failed_at,
    'cancelled_at', (run).cancelled_at
  );
$$;

-- == 91_limit_starts.sql ==========================================================================

-- _count_start: count a start among those of its owner, or raise if the flow's limits forbid it.
--
-- The row of the owner's counts is locked until the end of the transaction, so that of two sessions
-- the second counts the first one's start. Costs nothing to flows without limits, and to others a
-- few rows found by key, however many runs the owner has had. A refusal writes nothing.
create or replace function pgflow._count_start(flow pgflow.flows, owner uuid, run_id uuid)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_counts pgflow.owner_counts;
  v_now timestamptz := clock_timestamp();
begin
  v_counts := pgflow._lock_owner_counts(
    (_count_start.flow).flow_slug,
    _count_start.owner
  );

  v_counts.open_run_ids := array(
    select r.run_id
    from unnest(v_counts.open_run_ids) as x (run_id)
    join pgflow.runs r on r.run_id = x.run_id
    where r.status = 'started'
  );

  if cardinality(v_counts.open_run_ids) >= (_count_start.flow).open_runs_per_owner then
    raise exception using
      errcode = 'PF012',
      message = format(
        'Cannot start flow "%s": %s runs of this owner are open, as many as one may have',
        (_count_start.flow).flow_slug,
        cardinality(v_counts.open_run_ids)
      ),
      hint = 'Wait until one ends, or cancel one.';
  end if;

  if v_counts.minute_began_at + interval '1 minute' <= v_now then
    v_counts.minute_began_at := v_now;
    v_counts.starts_in_minute := 0;
  end if;

  if v_counts.starts_in_minute >= (_count_start.flow).starts_per_minute_per_owner then
    raise exception using
      errcode = 'PF013',
      message = format(
        'Cannot start flow "%s": this owner started %s runs within a minute, as many as one may',
        (_count_start.flow).flow_slug,
        v_counts.starts_in_minute
      ),
      hint = format(
        'Try again in %s seconds.',
        ceil(extract(epoch from v_counts.minute_began_at + interval '1 minute' - v_now))
      );
  end if;

  update pgflow.owner_counts c
  set
    open_run_ids = case
      when (_count_start.flow).open_runs_per_owner is null then '{}'
      else v_counts.open_run_ids || _count_start.run_id
    end,
    minute_began_at = v_counts.minute_began_at,
    starts_in_minute = v_counts.starts_in_minute + 1
  where c.flow_slug = (_count_start.flow).flow_slug
    and c.owner = _count_start.owner;
end;
$$;

-- _lock_owner_counts: lock the row that counts an owner's starts of a flow, made when missing.
create or replace function pgflow._lock_owner_counts(flow_slug text, owner uuid)
  returns pgflow.owner_counts
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_counts pgflow.owner_counts;
begin
  insert into pgflow.owner_counts (flow_slug, owner)
  values (_lock_owner_counts.flow_slug, _lock_owner_counts.owner)
  on conflict do nothing;

  select c.* into v_counts
  from pgflow.owner_counts c
  where c.flow_slug = _lock_owner_counts.flow_slug
    and c.owner = _lock_owner_counts.owner
  for no key update;

  return v_counts;
end;
$$;

-- _require_startable: the flow if the caller may start it; else the same error as if there were
-- none.
create or replace function pgflow._require_startable(flow_slug text, caller pgflow.caller)
  returns pgflow.flows
  language plpgsql
  stable
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_flow pgflow.flows;
begin
  select f.* into v_flow
  from pgflow.flows f
  where f.flow_slug = _require_startable.flow_slug
    and (
      (_require_startable.caller).sees_all
      or (_require_startable.caller).role_name = any (f.startable_by)
    );

  if not found and not (_require_startable.caller).sees_all then
    raise exception using
      errcode = 'PF011',
      message = format(
        'Cannot start flow "%s": it does not exist, or role "%s" may not start it',
        _require_startable.flow_slug,
        (_require_startable.caller).role_name
      ),
      hint = 'A flow''s startableBy names the roles that may, besides the server.';
  end if;

  return v_flow;
end;
$$;

-- == 92_api_start_flow.sql ========================================================================

-- api_start_flow: start a run for a caller who came through the API.
--
-- The caller becomes its owner; the server may name another one. Security definer, because callers
-- have no rights on pgflow's tables: the flow says which roles may start it, 99_access.sql which
-- may call this. Callers without an id are one owner, the nil uuid, apart from the server, which is
-- none; they are shown nothing of how a run went, because the next one could not be told from them.
create or replace function pgflow.api_start_flow(
  flow_slug text,
  input jsonb,
  run_id uuid,
  idempotency_key text,
  start_at timestamptz,
  owner uuid
)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_flow pgflow.flows := pgflow._require_startable(api_start_flow.flow_slug, v_caller);
  v_run pgflow.runs;
begin
  if not v_caller.sees_all
    and api_start_flow.owner is not null
    and api_start_flow.owner is distinct from v_caller.user_id
  then
    raise exception using
      errcode = '42501',
      message = format(
        'Cannot start flow "%s": only the server may start runs for others',
        api_start_flow.flow_slug
      ),
      hint = 'Leave out owner: a run belongs to whoever starts it.';
  end if;

  perform pgflow._check_api_value(
    api_start_flow.input,
    format('start flow "%s"', api_start_flow.flow_slug)
  );

  -- More does not fit into an index, which would say so in words of its own.
  if octet_length(api_start_flow.idempotency_key) > 1024 then
    raise exception using
      errcode = 'PF015',
      message = format(
        'Cannot start flow "%s": its idempotency key has %s bytes, more than 1024',
        api_start_flow.flow_slug,
        octet_length(api_start_flow.idempotency_key)
      ),
      hint = 'Use a shorter key, for instance a hash of this one.';
  end if;

  v_run.run_id := api_start_flow.run_id;
  v_run.input := coalesce(api_start_flow.input, 'null');
  v_run.idempotency_key := api_start_flow.idempotency_key;
  v_run.start_at := api_start_flow.start_at;
  v_run.owner := coalesce(
    case when v_caller.sees_all then api_start_flow.owner end,
    v_caller.user_id,
    case when not v_caller.sees_all then '00000000-0000-0000-0000-000000000000'::uuid end
  );
  v_run.broadcast := v_caller.sees_all or v_caller.user_id is not null;

  if not v_caller.sees_all
    and num_nonnulls(v_flow.open_runs_per_owner, v_flow.starts_per_minute_per_owner) > 0
  then
    perform pgflow._lock_owner_counts(v_flow.flow_slug, v_run.owner);

    -- A repeated start is the run that exists: nothing new to count.
    if not exists (
      select
      from pgflow.runs r
      where r.run_id = v_run.run_id
        or (r.flow_slug = v_flow.flow_slug and r.idempotency_key = v_run.idempotency_key)
    ) then
      v_run.run_id := coalesce(v_run.run_id, pgflow._new_run_id());
      perform pgflow._count_start(v_flow, v_run.owner, v_run.run_id);
    end if;
  end if;

  select r.* into v_run
  from pgflow._start_run(api_start_flow.flow_slug, v_run) r;

  if not v_caller.sees_all and v_caller.user_id is null then
    v_run.output := null;
    v_run.error_message := null;
  end if;

  return pgflow._run_json(v_run);
end;
$$;

comment on function pgflow.api_start_flow(text, jsonb, uuid, text, timestamptz, uuid) is
  'Starts a run for a caller of the API, who becomes its owner.';

-- public.start_flow: what supabase.rpc('start_flow', { flow_slug, input }) calls.
--
-- Like all of the API, a thin invoker's function over the definer's function in pgflow, a schema
-- the API does not expose.
create or replace function public.start_flow(
  flow_slug text,
  input jsonb default 'null',
  run_id uuid default null,
  idempotency_key text default null,
  start_at timestamptz default null,
  owner uuid default null
)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_start_flow(
    start_flow.flow_slug,
    start_flow.input,
    start_flow.run_id,
    start_flow.idempotency_key,
    start_flow.start_at,
    start_flow.owner
  );
$$;

comment on function public.start_flow(text, jsonb, uuid, text, timestamptz, uuid) is
  'Starts a run of a flow and returns it; the same run_id or idempotency_key returns the same run.';

-- == 93_api_get_run.sql ===========================================================================

-- api_get_run: a run and its steps for a caller who may read it.
--
-- {"run": {…}, "steps": [{…}]}, the steps in the order of their definition. An approval that waits
-- shows what there is to decide; of a step's failures and approvals a hundred are shown.
create or replace function pgflow.api_get_run(run_id uuid)
  returns jsonb
  language plpgsql
  stable
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs := pgflow._require_run(api_get_run.run_id, 'get');
  v_caller pgflow.caller := pgflow._caller();
begin
  return jsonb_build_object(
    'run', pgflow._run_json(v_run),
    'steps', coalesce(
      (
        select jsonb_agg(
          jsonb_build_object(
            'step_slug', s.step_slug,
            'step_type', st.step_type,
            'performed_by', st.performed_by,
            'deps_slugs', (
              select coalesce(jsonb_agg(d.dep_slug order by d.dep_slug), '[]')
              from pgflow.deps d
              where d.flow_slug = s.flow_slug
                and d.step_slug = s.step_slug
            ),
            'status', s.status,
            'output', coalesce(
              s.output,
              case
                when st.step_type = 'single' then (
                  select t.output
                  from pgflow.step_tasks t
                  where t.run_id = s.run_id
                    and t.step_slug = s.step_slug
                    and t.task_index = 0
                )
              end
            ),
            'error_message', s.error_message,
            'skip_reason', s.skip_reason,
            'initial_tasks', s.initial_tasks,
            'remaining_tasks', s.remaining_tasks,
            'remaining_deps', s.remaining_deps,
            'created_at', s.created_at,
            'started_at', s.started_at,
            'completed_at', s.completed_at,
            'failed_at', s.failed_at,
            'skipped_at', s.skipped_at,
            'cancelled_at', s.cancelled_at,
            'failures', (
              select coalesce(
                jsonb_agg(
                  jsonb_build_object(
                    'task_index', f.task_index,
                    'attempt', f.attempt,
                    'error_message', f.error_message,
                    'failed_at', f.failed_at
                  )
                  order by f.task_index, f.attempt
                ),
                '[]'
              )
              from (
                select x.*
                from pgflow.task_failures x
                where x.run_id = s.run_id
                  and x.step_slug = s.step_slug
                order by x.task_index, x.attempt
                limit 100
              ) f
            ),
            'waiting', (
              select coalesce(
                jsonb_agg(
                  jsonb_build_object(
                    'task_index', w.task_index,
                    'since', w.waiting_since,
                    'until', w.due_at,
                    'assignee', w.assignee,
                    'mine', v_caller.sees_all
                      or coalesce(w.assignee = any (v_caller.assignees), false),
                    'input', w.input
                  )
                  order by w.task_index
                ),
                '[]'
              )
              from (
                select
                  t.task_index,
                  t.waiting_since,
                  t.due_at,
                  t.assignee,
                  case
                    when st.step_type = 'map' then t.input
                    else (
                      select i.input
                      from pgflow.step_inputs i
                      where i.run_id = s.run_id
                        and i.step_slug = s.step_slug
                    )
                  end as input
                from pgflow.step_tasks t
                where st.performed_by = 'approval'
                  and s.status = 'started'
                  and t.run_id = s.run_id
                  and t.step_slug = s.step_slug
                  and t.waiting_since <= now()
                order by t.task_index
                limit 100
              ) w
            )
          )
          order by st.step_index
        )
        from pgflow.step_states s
        join pgflow.steps st
          on st.flow_slug = s.flow_slug
          and st.step_slug = s.step_slug
        where s.run_id = v_run.run_id
      ),
      '[]'
    )
  );
end;
$$;

comment on function pgflow.api_get_run(uuid) is 'A run and its steps for a caller who may read it.';

-- public.get_run: what supabase.rpc('get_run', { run_id }) calls.
create or replace function public.get_run(run_id uuid)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select pgflow.api_get_run(get_run.run_id);
$$;

comment on function public.get_run(uuid) is
  'A run of the caller''s and its steps as {"run": {…}, "steps": [{…}]}.';

-- == 94_api_list_runs.sql =========================================================================

-- api_list_runs: the runs a caller may read, newest first, a page at a time.
--
-- Child runs belong to their root run and are left out. The next page comes after the last row of
-- this one, given as before: of its keys, started_at and run_id are read. Each flow's newest are
-- found by index, of the owner's runs or for the server of all; only a status that few runs have
-- takes a look at more rows than it returns.
create type pgflow.listed_run as (
  run_id uuid,
  flow_slug text,
  status text,
  remaining_steps int,
  error_message text,
  owner uuid,
  start_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz
);

comment on type pgflow.listed_run is 'What a list shows of a run: neither its input nor its output.';

create or replace function pgflow.api_list_runs(
  flow_slug text,
  status text,
  page_size int,
  before jsonb
)
  returns setof pgflow.listed_run
  language plpgsql
  stable
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_page_size int := least(greatest(coalesce(api_list_runs.page_size, 50), 1), 1000);
  v_before timestamptz := coalesce(
    (api_list_runs.before ->> 'started_at')::timestamptz,
    'infinity'
  );
  v_before_run_id uuid := coalesce(
    (api_list_runs.before ->> 'run_id')::uuid,
    'ffffffff-ffff-ffff-ffff-ffffffffffff'
  );
begin
  if v_caller.sees_all then
    return query
    select
      r.run_id, r.flow_slug, r.status, r.remaining_steps, r.error_message,
      nullif(r.owner, '00000000-0000-0000-0000-000000000000'), r.start_at, r.started_at,
      r.completed_at, r.failed_at, r.cancelled_at
    from pgflow.flows f
    cross join lateral (
      select x.*
      from pgflow.runs x
      where x.flow_slug = f.flow_slug
        and x.started_at <= v_before
        and (x.started_at, x.run_id) < (v_before, v_before_run_id)
        and x.root_run_id is null
        and (api_list_runs.status is null or x.status = api_list_runs.status)
      order by x.started_at desc, x.run_id desc
      limit v_page_size
    ) r
    where api_list_runs.flow_slug is null
      or f.flow_slug = api_list_runs.flow_slug
    order by r.started_at desc, r.run_id desc
    limit v_page_size;
  else
    return query
    select
      r.run_id, r.flow_slug, r.status, r.remaining_steps, r.error_message, r.owner, r.start_at,
      r.started_at, r.completed_at, r.failed_at, r.cancelled_at
    from pgflow.flows f
    cross join lateral (
      select x.*
      from pgflow.runs x
      where x.owner = v_caller.user_id
        and x.flow_slug = f.flow_slug
        and x.started_at <= v_before
        and (x.started_at, x.run_id) < (v_before, v_before_run_id)
        and x.root_run_id is null
        and (api_list_runs.status is null or x.status = api_list_runs.status)
      order by x.started_at desc, x.run_id desc
      limit v_page_size
    ) r
    where api_list_runs.flow_slug is null
      or f.flow_slug = api_list_runs.flow_slug
    order by r.started_at desc, r.run_id desc
    limit v_page_size;
  end if;
end;
$$;

comment on function pgflow.api_list_runs(text, text, int, jsonb) is
  'The runs a caller may read, newest first, a page at a time.';

-- public.list_runs: what supabase.rpc('list_runs') calls.
create or replace function public.list_runs(
  flow_slug text default null,
  status text default null,
  page_size int default 50,
  before jsonb default null
)
  returns setof pgflow.listed_run
  language sql
  stable
  set search_path = ''
as $$
  select r.*
  from pgflow.api_list_runs(
    list_runs.flow_slug, list_runs.status, list_runs.page_size, list_runs.before
  ) r;
$$;

comment on function public.list_runs(text, text, int, jsonb) is
  'The caller''s runs, newest first; before: the last row of the previous page.';

-- == 95_api_cancel_run.sql ========================================================================

-- api_cancel_run: cancel a run for a caller who may read it; one that has ended stays as it is.
create or replace function pgflow.api_cancel_run(run_id uuid)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs := pgflow._require_run(api_cancel_run.run_id, 'cancel');
begin
  perform pgflow.cancel_run(v_run.run_id);
  return pgflow._run_json(r) from pgflow.runs r where r.run_id = v_run.run_id;
end;
$$;

comment on function pgflow.api_cancel_run(uuid) is 'Cancels a run for a caller who may read it.';

-- public.cancel_run: what supabase.rpc('cancel_run', { run_id }) calls.
create or replace function public.cancel_run(run_id uuid)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_cancel_run(cancel_run.run_id);
$$;

comment on function public.cancel_run(uuid) is
  'Cancels a run of the caller''s and returns it; one that has ended stays as it is.';

-- == 96_api_retry_run.sql =========================================================================

-- api_retry_run: let a failed or cancelled run of a caller's go on from where it stopped.
--
-- An owner who may start the flow could start it anew, so may retry as well, within the flow's
-- limits: it counts as a start. One who may not start it any more may not retry either. A run that
-- is open or completed stays as it is.
create or replace function pgflow.api_retry_run(run_id uuid)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run pgflow.runs := pgflow._require_run(api_retry_run.run_id, 'retry');
  v_caller pgflow.caller := pgflow._caller();
  v_flow pgflow.flows := pgflow._require_startable(v_run.flow_slug, v_caller);
begin
  if not v_caller.sees_all
    and num_nonnulls(v_flow.open_runs_per_owner, v_flow.starts_per_minute_per_owner) > 0
  then
    perform pgflow._lock_owner_counts(v_flow.flow_slug, v_run.owner);

    -- Looked at again, since another session may have retried it meanwhile.
    perform pgflow._count_start(v_flow, r.owner, r.run_id)
    from pgflow.runs r
    where r.run_id = v_run.run_id
      and r.status in ('failed', 'cancelled');
  end if;

  perform pgflow.retry_run(v_run.run_id);
  return pgflow._run_json(r) from pgflow.runs r where r.run_id = v_run.run_id;
end;
$$;

comment on function pgflow.api_retry_run(uuid) is
  'Lets a failed or cancelled run go on, for an owner who may start its flow.';

-- public.retry_run: what supabase.rpc('retry_run', { run_id }) calls.
create or replace function public.retry_run(run_id uuid)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_retry_run(retry_run.run_id);
$$;

comment on function public.retry_run(uuid) is
  'Lets a failed or cancelled run of the caller''s go on from where it stopped, and returns it.';

-- == 97_api_answer_step.sql =======================================================================

-- api_complete_step: answer an approval with its output, for a caller it is assigned to.
create or replace function pgflow.api_complete_step(
  run_id uuid,
  step_slug text,
  output jsonb,
  task_index int
)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
begin
  perform pgflow._require_assigned(
    api_complete_step.run_id, api_complete_step.step_slug, api_complete_step.task_index, 'complete'
  );
  perform pgflow._check_api_value(
    api_complete_step.output,
    format('complete step "%s"', api_complete_step.step_slug)
  );

  return pgflow._task_json(t)
  from pgflow.complete_step(
    api_complete_step.run_id,
    api_complete_step.step_slug,
    api_complete_step.output,
    api_complete_step.task_index
  ) t;
end;
$$;

comment on function pgflow.api_complete_step(uuid, text, jsonb, int) is
  'Answers an approval with its output, for a caller it is assigned to.';

-- public.complete_step: what supabase.rpc('complete_step', { run_id, step_slug, output }) calls.
create or replace function public.complete_step(
  run_id uuid,
  step_slug text,
  output jsonb default 'null',
  task_index int default 0
)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_complete_step(
    complete_step.run_id, complete_step.step_slug, complete_step.output, complete_step.task_index
  );
$$;

comment on function public.complete_step(uuid, text, jsonb, int) is
  'Answers an approval that is assigned to the caller with its output.';

-- api_fail_step: answer an approval with an error, for a caller it is assigned to.
create or replace function pgflow.api_fail_step(
  run_id uuid,
  step_slug text,
  error_message text,
  task_index int
)
  returns jsonb
  language plpgsql
  security definer
  set search_path = ''
as $$
begin
  perform pgflow._require_assigned(
    api_fail_step.run_id, api_fail_step.step_slug, api_fail_step.task_index, 'fail'
  );

  return pgflow._task_json(t)
  from pgflow.fail_step(
    api_fail_step.run_id,
    api_fail_step.step_slug,
    left(api_fail_step.error_message, 8000),
    api_fail_step.task_index
  ) t;
end;
$$;

comment on function pgflow.api_fail_step(uuid, text, text, int) is
  'Answers an approval with an error, for a caller it is assigned to.';

-- public.fail_step: what supabase.rpc('fail_step', { run_id, step_slug, error_message }) calls.
create or replace function public.fail_step(
  run_id uuid,
  step_slug text,
  error_message text default null,
  task_index int default 0
)
  returns jsonb
  language sql
  set search_path = ''
as $$
  select pgflow.api_fail_step(
    fail_step.run_id, fail_step.step_slug, fail_step.error_message, fail_step.task_index
  );
$$;

comment on function public.fail_step(uuid, text, text, int) is
  'Answers an approval that is assigned to the caller with an error.';

-- _require_assigned: raise unless the caller may answer an approval.
--
-- To callers who may not read the run either it does not exist. A task keeps its assignee for good,
-- so one who answers a little too late learns that.
create or replace function pgflow._require_assigned(
  run_id uuid,
  step_slug text,
  task_index int,
  verb text
)
  returns void
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_caller pgflow.caller := pgflow._caller();
  v_is_approval boolean;
begin
  if exists (
    select
    from pgflow.step_tasks t
    where t.run_id = _require_assigned.run_id
      and t.step_slug = _require_assigned.step_slug
      and t.task_index = _require_assigned.task_index
      and t.assignee = any (v_caller.assignees)
  ) then
    return;
  end if;

  select exists (
    select
    from pgflow.step_tasks t
    join pgflow.steps st
      on st.flow_slug = t.flow_slug
      and st.step_slug = t.step_slug
    where t.run_id = r.run_id
      and t.step_slug = _require_assigned.step_slug
      and t.task_index = _require_assigned.task_index
      and st.performed_by = 'approval'
  )
  into v_is_approval
  from pgflow.runs r
  where r.run_id = _require_assigned.run_id
    and (v_caller.sees_all or r.owner = v_caller.user_id);

  if not found then
    raise exception using
      errcode = 'PF005',
      message = format(
        'Cannot %s step "%s": run "%s" does not exist',
        _require_assigned.verb,
        _require_assigned.step_slug,
        _require_assigned.run_id
      ),
      hint = 'A run of somebody else looks the same, unless the step is assigned to you.';
  end if;

  -- A step that is no approval, or none yet, says so itself.
  if v_is_approval and not v_caller.sees_all then
    raise exception using
      errcode = 'PF014',
      message = format(
        'Cannot %s step "%s": it is assigned to somebody else',
        _require_assigned.verb,
        _require_assigned.step_slug
      ),
      hint = 'The approval''s option assignee says who may answer, besides the server.';
  end if;
end;
$$;

-- _task_json: what a client may see of a task.
create or replace function pgflow._task_json(task pgflow.step_tasks)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select jsonb_build_object(
    'run_id', (task).run_id,
    'flow_slug', (task).flow_slug,
    'step_slug', (task).step_slug,
    'task_index', (task).task_index,
    'status', (task).status,
    'output', (task).output,
    'error_message', (task).error_message,
    'completed_at', (task).completed_at,
    'failed_at', (task).failed_at
  );
$$;

-- == 98_api_list_approvals.sql ====================================================================

-- api_list_approvals: the approvals that wait for the caller's answer, oldest first, a page at a
-- time.
--
-- For the server: all that wait. The next page comes after the last row of this one, given as
-- after: of its keys waiting_since, run_id, step_slug and task_index are read. Goes by the index of
-- waiting approvals, once for the user and once for each of the user's roles.
create type pgflow.listed_approval as (
  run_id uuid,
  flow_slug text,
  step_slug text,
  task_index int,
  assignee text,
  waiting_since timestamptz,
  until timestamptz,
  input jsonb
);

comment on type pgflow.listed_approval is 'An approval that waits, with what there is to decide.';

create or replace function pgflow.api_list_approvals(page_size int, after jsonb)
  returns setof pgflow.listed_approval
  language plpgsql
  stable
  security definer
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_caller pgflow.caller := pgflow._caller();
  v_page_size int := least(greatest(coalesce(api_list_approvals.page_size, 50), 1), 1000);
  v_after timestamptz := coalesce(
    (api_list_approvals.after ->> 'waiting_since')::timestamptz,
    '-infinity'
  );
  v_after_run_id uuid := coalesce(
    (api_list_approvals.after ->> 'run_id')::uuid,
    '00000000-0000-0000-0000-000000000000'
  );
  v_after_step_slug text := coalesce(api_list_approvals.after ->> 'step_slug', '');
  v_after_task_index int := coalesce((api_list_approvals.after ->> 'task_index')::int, -1);
begin
  return query
  with page as (
    select t.*
    from unnest(case when v_caller.sees_all then '{}' else v_caller.assignees end) as a (assignee)
    cross join lateral (
      select x.*
      from pgflow.step_tasks x
      where x.assignee = a.assignee
        and x.waiting_since between v_after and now()
        and (x.waiting_since, x.run_id, x.step_slug, x.task_index)
          > (v_after, v_after_run_id, v_after_step_slug, v_after_task_index)
      order by x.waiting_since, x.run_id, x.step_slug, x.task_index
      limit v_page_size
    ) t
    union all
    (
      select x.*
      from pgflow.step_tasks x
      where v_caller.sees_all
        and x.waiting_since between v_after and now()
        and (x.waiting_since, x.run_id, x.step_slug, x.task_index)
          > (v_after, v_after_run_id, v_after_step_slug, v_after_task_index)
      order by x.waiting_since, x.run_id, x.step_slug, x.task_index
      limit v_page_size
    )
    order by waiting_since, run_id, step_slug, task_index
    limit v_page_size
  )

  select
    p.run_id,
    p.flow_slug,
    p.step_slug,
    p.task_index,
    p.assignee,
    p.waiting_since,
    p.due_at,
    case
      when st.step_type = 'map' then p.input
      else (
        select i.input
        from pgflow.step_inputs i
        where i.run_id = p.run_id
          and i.step_slug = p.step_slug
      )
    end
  from page p
  join pgflow.steps st
    on st.flow_slug = p.flow_slug
    and st.step_slug = p.step_slug
  order by p.waiting_since, p.run_id, p.step_slug, p.task_index;
end;
$$;

comment on function pgflow.api_list_approvals(int, jsonb) is
  'The approvals that wait for the caller''s answer, oldest first, a page at a time.';

-- public.list_approvals: what supabase.rpc('list_approvals') calls.
create or replace function public.list_approvals(page_size int default 50, after jsonb default null)
  returns setof pgflow.listed_approval
  language sql
  stable
  set search_path = ''
as $$
  select a.* from pgflow.api_list_approvals(list_approvals.page_size, list_approvals.after) a;
$$;

comment on function public.list_approvals(int, jsonb) is
  'The approvals that wait for the caller''s answer, oldest first; after: the previous page''s last row.';

-- == 99_access.sql ================================================================================

-- Who may do what: the only file that names roles.
--
-- Nothing is granted by default. Workers and migrations connect as the owner of this schema;
-- clients come through the API and reach the functions granted here, nothing else. No table is
-- granted to anybody: the policies below are what would still hold if one were, and the schema
-- exposed.

revoke all on schema pgflow from public;
revoke all on all tables in schema pgflow from public;
revoke all on all functions in schema pgflow from public;
revoke all on all procedures in schema pgflow from public;

do $$
declare
  v_everybody text[] := array['start_flow(text, jsonb, uuid, text, timestamptz, uuid)'];
  v_signed_in text[] := array[
    'get_run(uuid)',
    'list_runs(text, text, int, jsonb)',
    'cancel_run(uuid)',
    'retry_run(uuid)',
    'complete_step(uuid, text, jsonb, int)',
    'fail_step(uuid, text, text, int)',
    'list_approvals(int, jsonb)'
  ];
  v_role text;
  v_function text;
begin
  foreach v_function in array v_everybody || v_signed_in loop
    execute format('revoke all on function public.%s from public', v_function);
  end loop;

  -- Plain Postgres has no API roles; Supabase grants new functions in public to them by name.
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    continue when to_regrole(v_role) is null;

    execute format('revoke all on all tables in schema pgflow from %I', v_role);
    execute format('revoke all on all functions in schema pgflow from %I', v_role);
    execute format('revoke all on all procedures in schema pgflow from %I', v_role);
    execute format('grant usage on schema pgflow to %I', v_role);

    foreach v_function in array v_everybody || v_signed_in loop
      execute format('revoke all on function public.%s from %I', v_function, v_role);

      -- Each function of the API, and the one behind it.
      if v_role <> 'anon' or v_function = any (v_everybody) then
        execute format('grant execute on function public.%s to %I', v_function, v_role);
        execute format('grant execute on function pgflow.api_%s to %I', v_function, v_role);
      end if;
    end loop;

  end loop;

  if to_regrole('anon') is not null and to_regrole('authenticated') is not null then
    -- Asked by Realtime in the role of whoever wants to join a topic.
    grant execute on function pgflow._may_watch(text) to anon, authenticated;
    perform pgflow._guard_realtime('authenticated', 'anon');
  end if;
end;
$$;

do $$
begin
  if to_regrole('authenticated') is null then
    return;
  end if;

  -- Asked by the policies, in the role of whoever reads.
  grant execute on function pgflow._user_id() to authenticated;

  create policy owners_read_runs on pgflow.runs
    for select to authenticated
    using (owner = (select pgflow._user_id()));

  create policy owners_read_steps on pgflow.step_states
    for select to authenticated
    using (
      (select r.owner from pgflow.runs r where r.run_id = step_states.run_id)
        = (select pgflow._user_id())
    );

  create policy owners_read_tasks on pgflow.step_tasks
    for select to authenticated
    using (
      (select r.owner from pgflow.runs r where r.run_id = step_tasks.run_id)
        = (select pgflow._user_id())
    );

  create policy owners_read_failures on pgflow.task_failures
    for select to authenticated
    using (
      (select r.owner from pgflow.runs r where r.run_id = task_failures.run_id)
        = (select pgflow._user_id())
    );

  create policy nobody_reads_flows on pgflow.flows for all to authenticated using (false);
  create policy nobody_reads_steps on pgflow.steps for all to authenticated using (false);
  create policy nobody_reads_deps on pgflow.deps for all to authenticated using (false);
  create policy nobody_reads_counts on pgflow.owner_counts for all to authenticated using (false);
  create policy nobody_reads_functions on pgflow.functions for all to authenticated using (false);
  create policy nobody_reads_workers on pgflow.workers for all to authenticated using (false);
end;
$$;
