import { connect, type Db, isMisconfigured, isPassing } from "../db/mod.ts";
import { type AnyFlow, type Logger, PgflowError } from "../dsl/mod.ts";
import { compileFlows } from "./compile_flows.ts";
import { createSql } from "./create_sql.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { Lifecycle, type WorkerState } from "./lifecycle.ts";
import type { ResolvedOptions } from "./options.ts";
import { nextTurn } from "./next_turn.ts";
import { Patience } from "./patience.ts";
import { RunInputs } from "./run_inputs.ts";
import { Settler } from "./settler.ts";
import { WorkLoop } from "./work_loop.ts";

/** How long the database may take to be told that the worker stops. */
const STOP_MS = 5000;

/** A worker from its start to its end. */
export class RunningWorker {
  /** The worker's id in the database. */
  readonly id: string = crypto.randomUUID();

  /** Resolves when the worker takes tasks; rejects if it cannot. */
  readonly started: Promise<void>;

  /** Resolves when the worker has stopped; rejects if it could not start, or had to give up. */
  readonly done: Promise<void>;

  readonly #flows: readonly AnyFlow[];
  readonly #options: ResolvedOptions;
  readonly #log: Logger;
  readonly #db: Db;
  readonly #lifecycle = new Lifecycle();
  readonly #stopping = new AbortController();
  readonly #patience: Patience;
  readonly #settler: Settler;
  readonly #loop: WorkLoop;
  #stopReason = "idle";
  #isRegistered = false;

  /** Starts a worker. */
  constructor(flows: readonly AnyFlow[], options: ResolvedOptions) {
    this.#flows = flows;
    this.#options = options;
    this.#log = options.logger;
    this.#db = connect(options.databaseUrl, {
      max: options.maxPgConnections,
      applicationName: `pgflow:${options.functionName}`,
    });
    this.#patience = new Patience(options.giveUpSeconds, this.#log, this.#stopping.signal);
    this.#settler = new Settler(this.#db, this.#log);
    this.#loop = this.#createLoop();
    this.started = this.#start();
    // Whoever does not look at it looks at `done`.
    this.started.catch(() => {});
    this.done = this.#live();
    options.signal?.addEventListener("abort", () => this.stop("aborted"), {
      signal: this.#stopping.signal,
    });
    if (options.signal?.aborted) this.stop("aborted");
  }

  /** Where the worker is between its start and its end. */
  get state(): WorkerState {
    return this.#lifecycle.state;
  }

  /** Stops claiming, gives unfinished tasks back, and resolves when the worker has stopped. */
  stop(reason = "stopped"): Promise<void> {
    if (this.#lifecycle.moveTo("stopping")) {
      this.#stopReason = reason;
      this.#stopping.abort();
      this.#giveBackSoon();
    }
    return this.done.catch(() => {});
  }

  async #start(): Promise<void> {
    const { functionName } = this.#options;
    const queueName = this.#flows.map((flow) => flow.slug).join(",");
    while (this.#lifecycle.state === "starting") {
      try {
        await compileFlows(this.#db, this.#flows);
        await this.#db.registerWorker({ workerId: this.id, queueName, functionName });
        this.#isRegistered = true;
        this.#patience.succeeded();
        this.#lifecycle.moveTo("running");
      } catch (error) {
        if (!isPassing(error)) throw explain(error, functionName);
        if (this.#stopping.signal.aborted) return;
        await this.#patience.failed(error);
      }
    }
  }

  async #live(): Promise<void> {
    const cut = () => setTimeout(() => this.#db.cut(), STOP_MS);
    let cutting: ReturnType<typeof cut> | undefined;
    this.#stopping.signal.addEventListener("abort", () => cutting = cut());
    try {
      await this.started;
      await this.#work();
    } catch (error) {
      const { message, hint } = error as PgflowError;
      this.#log.error(message, { worker: this.id, ...(hint === undefined ? {} : { hint }) });
      this.#stopReason = "error";
      throw error;
    } finally {
      this.#lifecycle.moveTo("stopping");
      this.#stopping.abort();
      await this.#handBack();
      await this.#db.close();
      clearTimeout(cutting);
      this.#lifecycle.moveTo("stopped");
      this.#log.info("worker stopped", { worker: this.id, reason: this.#stopReason });
    }
  }

  async #work(): Promise<void> {
    if (this.#lifecycle.state !== "running") return;
    const { functionName, heartbeatSeconds } = this.#options;
    const flows = this.#flows.map((flow) => flow.slug).join(", ");
    this.#log.info("worker started", { worker: this.id, function: functionName, flows });
    const stopHeartbeat = startHeartbeat({
      db: this.#db,
      workerId: this.id,
      seconds: heartbeatSeconds,
      log: this.#log,
      attempts: () => this.#loop.attempts,
      onClosed: (attempts) => this.#loop.drop(attempts),
      onStop: () => this.#deprecate(),
    });
    try {
      await this.#loop.run();
    } finally {
      stopHeartbeat();
    }
  }

  #deprecate(): void {
    if (!this.#lifecycle.moveTo("deprecated")) return;
    this.#stopReason = "deprecated";
    this.#log.info("worker takes no more tasks", { worker: this.id });
    this.#loop.wake();
  }

  /** Handlers that have just ended get to say so first. */
  async #giveBackSoon(): Promise<void> {
    await nextTurn();
    const message = `Cannot finish task: the worker stops (${this.#stopReason})`;
    this.#loop.giveBack(new PgflowError(message));
  }

  /** Tells the database what is known; what it does not hear it finds out by itself, later. */
  async #handBack(): Promise<void> {
    await this.#giveBackSoon();
    if (!this.#isRegistered) return;
    try {
      await Promise.all([this.#settleAll(), this.#db.stopWorker(this.id)]);
    } catch (error) {
      this.#log.warn(`database was not told that the worker stops: ${(error as Error).message}`);
    }
  }

  async #settleAll(): Promise<void> {
    while (!this.#settler.isEmpty) await this.#settler.settle();
  }

  #createLoop(): WorkLoop {
    const db = this.#db;
    const { env, maxOutputBytes } = this.#options;
    const runInputs = new RunInputs((runId) => db.runInput(runId));
    return new WorkLoop({
      db,
      flows: new Map(this.#flows.map((flow) => [flow.slug, flow])),
      options: this.#options,
      workerId: this.id,
      settler: this.#settler,
      surroundings: {
        log: this.#log,
        env,
        sql: createSql(db),
        runInput: (runId) => runInputs.get(runId),
        maxOutputBytes,
      },
      patience: this.#patience,
      lifecycle: this.#lifecycle,
      signal: this.#stopping.signal,
    });
  }
}

function explain(error: unknown, functionName: string): unknown {
  if (error instanceof PgflowError || !isMisconfigured(error)) return error;
  return new PgflowError(
    `Cannot start worker "${functionName}": ${(error as Error).message}`,
    {
      hint: "Check the database URL, and that the migrations are applied (supabase db push).",
      cause: error,
    },
  );
}
