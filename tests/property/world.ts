import { type Claim, type Report, reportOf } from "./claim.ts";
import type { Engine } from "./engine.ts";
import { type FlowShape, startsWithMap, type StepShape } from "./flow_shape.ts";
import type { Fate, Handlers } from "./handlers.ts";
import { Interpreter, type RunResult } from "./interpreter.ts";
import { canonical } from "./json.ts";
import { type RunPlace, taskKey } from "./places.ts";
import type { ClaimedTask, RunRow, TaskRow } from "./rows.ts";

/** A run the test knows the place of. */
export interface KnownRun extends RunPlace {
  runId: string;
  /** What else it was started with, if it has no parent and is no hook. */
  start?: { key?: string | undefined; later?: boolean | undefined };
  /** How often it was retried, and how often it had failed by then. */
  retries: number;
  failures: number;
}

/** What the test knows about flows and runs, beside the database and to be compared with it. */
export class World {
  readonly flows: ReadonlyMap<string, FlowShape>;
  readonly handlers: Handlers;
  readonly runs = new Map<string, KnownRun>();
  readonly claims = new Map<string, Claim>();
  readonly cancelled = new Set<string>();
  readonly spent = new Map<string, number>();
  /** The rows in task_failures from before a run's last retry. */
  readonly earlierFailures = new Map<string, number>();
  /** Tasks that were completed without having been claimed for it. */
  readonly unclaimed = new Set<string>();
  /** Runs that somebody is doing something to that a retry must not cross. */
  readonly busy = new Set<string>();
  readonly past: Report[] = [];
  readonly log: string[] = [];
  workers: string[];
  /** How many runs were started to say that a run failed, by its key. */
  readonly hooks = new Map<string, number>();
  /** Tasks whose time the test has let come since they were last handed out. */
  readonly waited = new Set<string>();
  /** Runs may only be cancelled so often, or cancelling would hide those that do not end. */
  cancelsLeft: number;
  #starting = 0;
  #started = 0;
  #lastAttempts = new Map<string, number>();
  #awaited = new Map<string, PromiseWithResolvers<KnownRun>>();
  #results = new Map<string, RunResult>();
  #unchecked: Claim[] = [];
  #isConcurrent: boolean;

  constructor(
    flows: FlowShape[],
    handlers: Handlers,
    options: { workers: string[]; cancels: number; isConcurrent: boolean },
  ) {
    this.flows = new Map(flows.map((flow) => [flow.flow_slug, flow]));
    this.handlers = handlers;
    this.workers = options.workers;
    this.cancelsLeft = options.cancels;
    this.#isConcurrent = options.isConcurrent;
  }

  /** Remembers the place of a run. */
  learn(runId: string, place: RunPlace & Pick<KnownRun, "start">): KnownRun {
    const run = { ...place, runId, retries: 0, failures: 0 };
    this.runs.set(runId, run);
    this.#awaited.get(runId)?.resolve(run);
    return run;
  }

  /** Returns the place of a run, waiting until whoever started it has said so; looks up a hook's. */
  async known(runId: string, engine: Engine): Promise<KnownRun> {
    if (!this.runs.has(runId)) await this.learnHook(await engine.run(runId), engine);
    const run = this.runs.get(runId);
    if (run !== undefined) return run;
    if (this.#starting === 0) throw new Error(`run ${runId} was started by nobody`);
    const awaited = this.#awaited.get(runId) ?? Promise.withResolvers<KnownRun>();
    this.#awaited.set(runId, awaited);
    return await awaited.promise;
  }

  /** Learns the place of a run if it is one that a failure started. */
  async learnHook(row: RunRow | undefined, engine: Engine): Promise<void> {
    const [, failedId] = /^failure of (\S+) at /.exec(row?.idempotency_key ?? "") ?? [];
    if (row === undefined || failedId === undefined) return;
    const { key } = await this.known(failedId, engine);
    if (this.runs.has(row.run_id)) return;
    const number = this.hooks.get(key) ?? 0;
    this.hooks.set(key, number + 1);
    this.learn(row.run_id, { key: `${key}!${number}`, flow: row.flow_slug, input: row.input });
  }

  /** Does what may start runs, which others may meet before it has returned. */
  async whileStarting<T>(work: () => Promise<T>): Promise<T> {
    this.#starting++;
    try {
      return await work();
    } finally {
      this.#starting--;
      if (this.#starting === 0) {
        for (const [runId, { reject }] of this.#awaited) {
          if (!this.runs.has(runId)) reject(new Error(`run ${runId} was started by nobody`));
        }
      }
    }
  }

  /** Returns the key of the next run to start. */
  nextKey(): string {
    return `r${this.#started++}`;
  }

  /** Returns how a run must end, as things stand. */
  expected(run: KnownRun): RunResult {
    const known = this.#results.get(run.runId);
    if (known !== undefined) return known;
    const interventions = { cancelled: this.cancelled, spent: this.spent };
    const result = new Interpreter(this.flows, this.handlers, interventions).run(run);
    this.#results.set(run.runId, result);
    return result;
  }

  /** Notes that a run was cancelled, or is no longer. */
  setCancelled(run: KnownRun, isCancelled: boolean): void {
    if (isCancelled) this.cancelled.add(run.key);
    else this.cancelled.delete(run.key);
    this.#results.clear();
  }

  /** Notes how many attempts or answers a task had had when its run is retried. */
  setSpent(task: string, attempts: number): void {
    this.spent.set(task, attempts);
    this.#results.clear();
  }

  /** Takes note of a task that was handed out, and throws if it should not have been. */
  async claim(
    record: ClaimedTask,
    workerId: string | null,
    engine: Engine,
  ): Promise<Claim> {
    const run = await this.known(record.run_id, engine);
    const task = taskKey(run, record);
    const last = this.#lastAttempts.get(task) ?? 0;
    if (record.attempt !== last + 1) {
      throw new Error(`${task}: attempt ${record.attempt} was handed out after attempt ${last}`);
    }
    const before = this.claims.get(task);
    if (before !== undefined && !before.isOver) {
      throw new Error(`${task}: handed out while attempt ${last} is open and hidden`);
    }
    if (!this.waited.delete(task) && this.#mustWait(run, record, before)) {
      throw new Error(`${task}: attempt ${record.attempt} came before its time`);
    }
    // Reported from now on, a lost attempt is a late one.
    if (before?.fate.kind === "lost") this.past.push(reportOf(before, "too late"));
    this.#lastAttempts.set(task, record.attempt);

    const fate = this.handlers.attempt(
      task,
      record.attempt,
      this.wantsArray(run, record.step_slug),
    );
    const claim = { task, record, workerId, fate, isOver: false };
    this.claims.set(task, claim);
    // What others report or cancel at this moment is not known yet, so the check must wait.
    if (this.#isConcurrent) this.#unchecked.push(claim);
    else this.#checkInput(claim, run);
    return claim;
  }

  /** Takes note of a failed attempt that nobody had claimed. */
  countUnclaimed(task: string): void {
    this.#lastAttempts.set(task, (this.#lastAttempts.get(task) ?? 0) + 1);
  }

  /** Checks the inputs of claims that could not be checked at once. */
  checkInputs(): void {
    for (const claim of this.#unchecked) {
      this.#checkInput(claim, this.runs.get(claim.record.run_id)!);
    }
  }

  /** Returns the shape of a task's step. */
  stepOf(task: { flow_slug: string; step_slug: string }): StepShape {
    const { steps } = this.flows.get(task.flow_slug)!;
    return steps.find((step) => step.step_slug === task.step_slug)!;
  }

  /** Returns whether a step's output should be an array, which its handler mostly returns then. */
  wantsArray(run: RunPlace, stepSlug: string): boolean {
    const flow = this.flows.get(run.flow)!;
    const step = this.stepOf({ flow_slug: run.flow, step_slug: stepSlug });
    if (step.subflow_slug !== undefined) return startsWithMap(this.flows.get(step.subflow_slug)!);
    return flow.steps.some((other) =>
      other.step_type === "map" && other.deps_slugs.includes(stepSlug)
    );
  }

  /** Learns the child run that a task of a subflow step started with an attempt. */
  learnChild(row: TaskRow, run: KnownRun, attempt: number, fate: Fate): void {
    const step = this.stepOf(row);
    if (step.subflow_slug === undefined || fate.kind !== "complete") return;
    if (row.child_run_id === null || this.runs.has(row.child_run_id)) return;
    const key = `${taskKey(run, row)}@${attempt}`;
    this.learn(row.child_run_id, { key, flow: step.subflow_slug, input: fate.output });
  }

  /** Returns whether an attempt may only come when the test has moved time. */
  #mustWait(run: KnownRun, record: ClaimedTask, before: Claim | undefined): boolean {
    const step = this.stepOf(record);
    if (record.attempt === 1) {
      const isLater = run.start?.later === true && step.deps_slugs.length === 0;
      return isLater || (step.start_delay ?? 0) > 0;
    }
    // The attempt before was given back, lost, or failed itself or through its child run.
    const hasFailed = before !== undefined && !["release", "lost"].includes(before.fate.kind);
    return hasFailed && (step.base_delay ?? this.flows.get(run.flow)!.base_delay ?? 5) > 0;
  }

  #checkInput({ task, record }: Claim, run: KnownRun): void {
    const input = this.expected(run).steps.get(record.step_slug)?.tasks[record.task_index]?.input;
    if (canonical(input) !== canonical(record.input)) {
      throw new Error(
        `${task}: was handed ${canonical(record.input)}, but its input is ${canonical(input)}`,
      );
    }
  }
}
