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
