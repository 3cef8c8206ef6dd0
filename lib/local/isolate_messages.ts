/** What the host tells an isolate. */
export type HostMessage =
  | { type: "beforeunload"; reason: UnloadReason }
  | { type: "drop" };

/** What an isolate tells its host. */
export type IsolateMessage =
  | { type: "hello"; token: string }
  | { type: "listening"; port: number }
  | { type: "idle" }
  | { type: "dropped" };

/** Why an isolate is about to end, in the words of the edge runtime. */
export type UnloadReason = "wall_clock" | "cpu" | "memory" | "early_drop" | "termination";
