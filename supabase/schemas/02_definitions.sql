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
