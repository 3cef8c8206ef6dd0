/** A run and its steps, as the SQL function get_run_with_states tells them. */
export interface RunStates {
  run: {
    run_id: string;
    flow_slug: string;
    status: "started" | "completed" | "failed" | "cancelled";
    output: unknown;
    error_message: string | null;
    started_at: string;
    completed_at: string | null;
  };
  steps: {
    step_slug: string;
    status: "created" | "started" | "completed" | "failed" | "skipped" | "cancelled";
    error_message: string | null;
    started_at: string | null;
    completed_at: string | null;
  }[];
}
