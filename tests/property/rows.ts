import type { Json } from "./json.ts";

/** A task as poll_for_tasks and start_tasks hand it out. */
export interface ClaimedTask {
  flow_slug: string;
  run_id: string;
  step_slug: string;
  input: Json;
  msg_id: string;
  task_index: number;
  attempt: number;
}

/** The columns of step_tasks that tell how a report ended. */
export interface TaskRow {
  flow_slug: string;
  run_id: string;
  step_slug: string;
  task_index: number;
  status: string;
  performed_by: string;
  attempts_count: number;
  open_attempt: number | null;
  message_id: string | null;
  is_outside: boolean;
  child_run_id: string | null;
}

/** The columns of runs that tell where a run belongs. */
export interface RunRow {
  run_id: string;
  flow_slug: string;
  status: string;
  idempotency_key: string | null;
  error_message: string | null;
  input: Json;
}

/** A message that nobody may read yet, and its task. */
export interface HiddenMessage {
  msg_id: string;
  read_ct: number;
  run_id: string;
  step_slug: string;
  task_index: number;
}

/** What start_flow takes. */
export interface Start {
  flow: string;
  input: Json;
  runId?: string;
  key?: string;
  later?: boolean;
  watched?: boolean;
}
