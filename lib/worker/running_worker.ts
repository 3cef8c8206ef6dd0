import { connect, type Db, isPassing } from "../db/mod.ts";
import { type AnyFlow, findLongSteps, type Logger, PgflowError } from "../dsl/mod.ts";
import { Budget } from "./budget.ts";
import { createSql } from "./create_sql.ts";
import { Departure, isLimit } from "./departure.ts";
import { Durations } from "./durations.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { Lifecycle, type WorkerState } from "./lifecycle.ts";
import type { ResolvedOptions } from "./options.ts";
import { nextTurn } from "./next_turn.ts";
import { Patience } from "./patience.ts";
import { platform } from "./platform.ts";
import { register } from "./register.ts";
import { RunInputs } from "./run_inputs.ts";
import { Settler } from "./settler.ts";
import { Succession } from "./succession.ts";
import { WorkLoop } from "./work_loop.ts";

/** How long the database may take to be told that the worker stops. */
const STOP_MS = 5000;

/** What an edge function is to its worker. */
export interface Hosting {
  /** Whether the worker runs in an edge function, where one is enough and another takes its place. */
  isEdgeFunction: boolean;
  /** Returns the isolate's age in seconds when it got its last request. */
  lastRequestAge(): number;
}

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
  readonly #isExclusive: boolean;
  readonly #departure: Departure;
  readonly #budget: Budget;
  readonly #durations = new Durations();
  #servedBy: string | undefined;
  #stopReason = "idle";

  /** Starts a worker. */
  constructor(flows: readonly AnyFlow[], options: ResolvedOptions, hosting: Hosting) {
    this.#flows = flows;
    this.#options = options;
    this.#log = options.logger;
    this.#db = connect(options.databaseUrl, {
      max: options.maxPgConnections,
      applicationName: `pgflow:${options.functionName}`,
    });
    this.#budget = new Budget({
      wallClockSeconds: options.wallClockSeconds,
      isEdge: hosting.isEdgeFunction && platform.isEdge(),
      age: () => platform.age(),
      lastRequestAge: hosting.lastRequestAge,
    });
    const { env, functionName } = options;
    const parts = {
      db: this.#db,
      workerId: this.id,
      functionName,
      env,
      log: this.#log,
      isRetired: () => this.#departure.isRetired,
      signal: this.#stopping.signal,
    };
    this.#isExclusive = hosting.isEdgeFunction;
    this.#departure = new Departure({
      succession: hosting.isEdgeFunction ? new Succession(parts) : undefined,
      budget: this.#budget,
      onSucceeded: () => this.#deprecate("succeeded"),
      onEnd: (reason) => this.stop(reason),
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

  /** The worker that the function has: this one, or, when that has not started, another. */
  get servedBy(): string {
    return this.#servedBy ?? this.id;
  }

  /** Prepares for the end of the isolate, which its runtime has announced; any number of times. */
  unload(reason: string): void {
    this.#departure.announce(reason);
  }

  /** Stops claiming, gives unfinished tasks back, and resolves when the worker has stopped. */
  stop(reason = "stopped"): Promise<void> {
    if (this.#lifecycle.moveTo("stopping")) {
      this.#stopReason = reason;
      this.#log.debug("worker stops", { worker: this.id, reason });
      this.#stopping.abort();
      this.#giveBackSoon();
    }
    return this.done.catch(() => {});
  }

  async #start(): Promise<void> {
    while (this.#lifecycle.state === "starting") {
      try {
        this.#servedBy = await register(this.#db, {
          workerId: this.id,
          flows: this.#flows,
          options: this.#options,
          isExclusive: this.#isExclusive,
        });
        this.#patience.succeeded();
        if (this.#servedBy === this.id) return void this.#lifecycle.moveTo("running");
        this.#stopReason = "another worker runs";
        this.#lifecycle.moveTo("stopping");
      } catch (error) {
        if (!isPassing(error)) throw error;
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
      this.#departure.cancel();
      this.#lifecycle.moveTo("stopping");
      this.#stopping.abort();
      await this.#handBack();
      await this.#db.close();
      clearTimeout(cutting);
      this.#lifecycle.moveTo("stopped");
      this.#noteStop();
    }
  }

  async #work(): Promise<void> {
    if (this.#lifecycle.state !== "running") return;
    const { functionName, heartbeatSeconds } = this.#options;
    const flows = this.#flows.map((flow) => flow.slug).join(", ");
    if (this.#budget.wallClockSeconds < Infinity) this.#learnDurations();
    this.#log.info("worker started", { worker: this.id, function: functionName, flows });
    const stopHeartbeat = startHeartbeat({
      db: this.#db,
      workerId: this.id,
      seconds: heartbeatSeconds,
      log: this.#log,
      attempts: () => this.#loop.attempts,
      onClosed: (attempts) => this.#loop.drop(attempts),
      onStop: () => this.#deprecate("deprecated"),
    });
    try {
      await this.#loop.run();
    } finally {
      stopHeartbeat();
    }
  }

  #noteStop(): void {
    const fields = { worker: this.id, reason: this.#stopReason };
    if (this.servedBy === this.id) this.#log.info("worker stopped", fields);
    else this.#log.debug("worker not needed", { ...fields, served_by: this.servedBy });
  }

  /** What the database cannot say is taken from the steps' timeouts. */
  #learnDurations(): void {
    for (const warning of this.#flows.flatMap((flow) => findLongSteps(flow))) {
      this.#log.warn(warning);
    }
    this.#db.stepDurations(this.#flows.map((flow) => flow.slug))
      .then((durations) => this.#durations.learn(durations), () => {});
  }

  #deprecate(reason: string): void {
    if (!this.#lifecycle.moveTo("deprecated")) return;
    this.#stopReason = reason;
    this.#log.info("worker takes no more tasks", { worker: this.id });
    this.#loop.wake();
  }

  /** Handlers that have just ended get to say so first. */
  async #giveBackSoon(): Promise<void> {
    await nextTurn();
    const message = `Cannot finish task: the worker stops (${this.#stopReason})`;
    const limit = isLimit(this.#stopReason) ? this.#stopReason : undefined;
    this.#loop.giveBack(new PgflowError(message), limit);
  }

  /** Tells the database what is known; what it does not hear it finds out by itself, later. */
  async #handBack(): Promise<void> {
    await this.#giveBackSoon();
    if (this.#servedBy !== this.id) return;
    try {
      await Promise.all([this.#settleAll(), this.#db.stopWorker(this.id)]);
      // A run may have started while this worker was still counted on.
      await this.#db.ensureWorkers();
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
      budget: this.#budget,
      durations: this.#durations,
      onScarce: () => this.#departure.hurry(),
      signal: this.#stopping.signal,
    });
  }
}
