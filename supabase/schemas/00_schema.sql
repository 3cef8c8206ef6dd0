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
