import { type AnyFlow, checkInput, type FlowInput, type FlowSlug } from "../dsl/mod.ts";
import type { Approval } from "./approval.ts";
import { ChannelHub } from "./channel_hub.ts";
import type { ResolvedOptions } from "./client_options.ts";
import { type ApprovalRow, type ListedRunRow, type RunRow, toApproval, toSummary } from "./rows.ts";
import { callRpc } from "./rpc.ts";
import { Run } from "./run.ts";
import { RunRecord } from "./run_record.ts";
import type { RunStatus, RunSummary } from "./run_state.ts";
import { readRun, RunWatch } from "./run_watch.ts";
import type { SupabaseLike } from "./supabase_like.ts";

/** What may be said about a start. */
export interface StartOptions {
  /**
   * The run's id: with the id of a run that exists, that run is returned and nothing is started.
   * @default {a new one}
   */
  readonly runId?: string;
  /**
   * A text that stands for this start: with one that was used before, that run is returned.
   * @default {none}
   */
  readonly idempotencyKey?: string;
  /**
   * When the first steps start.
   * @default {now}
   */
  readonly startAt?: Date;
  /**
   * The user to whom the run belongs; only for a client with a secret key.
   * @default {the user who is signed in}
   */
  readonly owner?: string;
  /** Gives the call up; the run may have started. */
  readonly signal?: AbortSignal;
}

/** Which runs are listed. */
export interface ListRunsOptions {
  /**
   * A flow's slug.
   * @default {any flow}
   */
  readonly flow?: string;
  /**
   * Where the runs are.
   * @default {anywhere}
   */
  readonly status?: RunStatus;
  /**
   * How many, at most 1000.
   * @default {50}
   */
  readonly limit?: number;
  /**
   * The last run of the page before.
   * @default {the newest come first}
   */
  readonly before?: Pick<RunSummary, "id" | "startedAt">;
  /** Gives the call up. */
  readonly signal?: AbortSignal;
}

/** Which approvals are listed. */
export interface ListApprovalsOptions {
  /**
   * How many.
   * @default {50}
   */
  readonly limit?: number;
  /**
   * The last approval of the page before.
   * @default {those that wait longest come first}
   */
  readonly after?: Approval;
  /** Gives the call up. */
  readonly signal?: AbortSignal;
}

/** How often a call is tried that may be repeated. */
const ATTEMPTS = 3;

/** Starts, finds and watches runs. */
export class PgflowClient implements AsyncDisposable {
  readonly #supabase: SupabaseLike;
  readonly #options: ResolvedOptions;
  readonly #disposal = new AbortController();
  readonly #watches = new Set<RunWatch>();

  /** Creates a client; {@linkcode createClient} is shorter. */
  constructor(supabase: SupabaseLike, options: ResolvedOptions) {
    this.#supabase = supabase;
    this.#options = options;
  }

  /**
   * Starts a run of a flow of which only the type is at hand.
   *
   * A call that nothing answers is repeated, and never starts a second run.
   *
   * @param slug The flow's slug, the only one that type-checks if the flow has an `input`.
   */
  startFlow<F extends AnyFlow = AnyFlow>(
    slug: FlowSlug<F>,
    input: FlowInput<F>,
    options?: StartOptions,
  ): Promise<Run<F>>;
  /**
   * Starts a run of a flow whose schema, if it has one, looks at the input first.
   *
   * @param flow The flow itself, which brings along what its handlers import.
   */
  startFlow<F extends AnyFlow>(
    flow: F,
    input: FlowInput<NoInfer<F>>,
    options?: StartOptions,
  ): Promise<Run<F>>;
  async startFlow<F extends AnyFlow>(
    flow: string | AnyFlow,
    input: unknown,
    { runId, idempotencyKey, startAt, owner, signal }: StartOptions = {},
  ): Promise<Run<F>> {
    if (typeof flow !== "string") await checkInput(flow, input);
    const args = {
      flow_slug: typeof flow === "string" ? flow : flow.slug,
      input,
      // What has a name of its own can be tried again.
      run_id: runId ?? (idempotencyKey === undefined ? crypto.randomUUID() : undefined),
      idempotency_key: idempotencyKey,
      start_at: startAt?.toISOString(),
      owner,
    };
    const row = await callRpc(this.#supabase, "start_flow", args, { signal, attempts: ATTEMPTS });
    const record = new RunRecord(row as RunRow);
    // A run that was started before may have ended.
    if ((row as RunRow).status !== "started") {
      record.takeSnapshot(await this.#read(record.run.id, signal));
    }
    return this.#watch(record);
  }

  /** Finds a run; rejects if there is none, or if it belongs to somebody else. */
  async getRun<F extends AnyFlow = AnyFlow>(
    runId: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Run<F>> {
    const snapshot = await this.#read(runId, signal);
    const record = new RunRecord(snapshot.run);
    record.takeSnapshot(snapshot);
    return this.#watch(record);
  }

  /** Lists runs, those that started last first. */
  async listRuns(
    { flow, status, limit, before, signal }: ListRunsOptions = {},
  ): Promise<RunSummary[]> {
    const rows = await callRpc(this.#supabase, "list_runs", {
      flow_slug: flow,
      status,
      page_size: limit,
      before: before && { run_id: before.id, started_at: before.startedAt },
    }, { signal, attempts: ATTEMPTS });
    return (rows as ListedRunRow[]).map(toSummary);
  }

  /** Lists the approvals that the user may answer, those that wait longest first. */
  async listApprovals(
    { limit, after, signal }: ListApprovalsOptions = {},
  ): Promise<Approval[]> {
    const rows = await callRpc(this.#supabase, "list_approvals", {
      page_size: limit,
      after: after && {
        waiting_since: after.waitingSince,
        run_id: after.runId,
        step_slug: after.step,
        task_index: after.taskIndex,
      },
    }, { signal, attempts: ATTEMPTS });
    return (rows as ApprovalRow[]).map(toApproval);
  }

  /**
   * Stops watching all runs of this client, and resolves when their channels are left; supabase-js
   * stays as it is.
   */
  dispose(): Promise<void> {
    this.#disposal.abort();
    for (const watch of this.#watches) watch.close();
    return ChannelHub.of(this.#supabase).left();
  }

  /** Calls {@linkcode dispose}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #read(runId: string, signal: AbortSignal | undefined) {
    return readRun(this.#supabase, runId, signal, ATTEMPTS);
  }

  #watch<F extends AnyFlow>(record: RunRecord): Run<F> {
    const watch = new RunWatch(this.#supabase, record, this.#options, this.#watches);
    return new Run<F>(this.#supabase, record, watch, this.#disposal.signal);
  }
}
