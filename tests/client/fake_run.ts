import type { Message, RunSnapshot, StepRow } from "../../lib/client/rows.ts";

/** A step of a {@linkcode FakeRun}, and what becomes of it. */
export interface FakeStep {
  slug: string;
  dependencies?: string[];
  performedBy?: "handler" | "approval";
  /** How it ends. */
  end?: "completed" | "skipped" | "failed";
  /** How many elements it works on. */
  tasks?: number;
}

/** A run in a database that exists in the test only, with the events that it would send. */
export class FakeRun {
  readonly id = "10000000-0000-4000-8000-000000000001";
  readonly #steps: FakeStep[];
  readonly #state: RunSnapshot;
  readonly #send: (message: Message) => void;
  /** Everything that was sent, in order. */
  readonly sent: Message[] = [];
  #seconds = 0;

  constructor(steps: FakeStep[], send: (message: Message) => void) {
    this.#steps = steps;
    this.#send = send;
    const never = { completed_at: null, failed_at: null, cancelled_at: null };
    this.#state = {
      run: {
        run_id: this.id,
        flow_slug: "fake",
        status: "started",
        input: {},
        output: null,
        error_message: null,
        started_at: this.#now(),
        ...never,
      },
      steps: steps.map((step): StepRow => ({
        step_slug: step.slug,
        status: "created",
        performed_by: step.performedBy ?? "handler",
        deps_slugs: step.dependencies ?? [],
        initial_tasks: null,
        remaining_tasks: null,
        started_at: null,
        skipped_at: null,
        output: null,
        error_message: null,
        ...never,
      })),
    };
    this.#startReady();
  }

  /** What `get_run` would return now. */
  snapshot(): RunSnapshot {
    return structuredClone(this.#state);
  }

  /** The steps that are at work. */
  get started(): string[] {
    return this.#state.steps.filter((step) => step.status === "started").map((s) => s.step_slug);
  }

  get isOver(): boolean {
    return this.#state.run.status !== "started";
  }

  /** Has a step's next task end, and what follows from it. */
  advance(slug: string, output: unknown = `${slug} done`): void {
    const row = this.#row(slug);
    const { end = "completed" } = this.#step(slug);
    if (row.status !== "started") return;
    const at = this.#now();
    if (end === "completed" && row.remaining_tasks! > 1) {
      row.remaining_tasks!--;
      this.#tell(row, "progress");
      return;
    }
    row.remaining_tasks = end === "completed" ? 0 : row.remaining_tasks;
    row.status = end;
    row[`${end}_at`] = at;
    if (end === "completed") row.output = output;
    if (end === "failed") row.error_message = "no such customer";
    this.#tell(row, end);
    if (end === "failed") return this.#end("failed", `Step "${slug}" failed: no such customer`);
    this.#startReady();
    if (
      this.#state.steps.every((step) => step.status === "completed" || step.status === "skipped")
    ) {
      this.#end("completed");
    }
  }

  cancel(): void {
    if (!this.isOver) this.#end("cancelled");
  }

  /** What `retry_run` does; what failed before is completed this time. */
  retry(): void {
    const { run, steps } = this.#state;
    if (run.status !== "failed" && run.status !== "cancelled") return;
    run.status = "started";
    run.failed_at = run.cancelled_at = run.error_message = null;
    this.#emit({ event_type: "run:started", status: "started", started_at: run.started_at });
    for (const row of steps) {
      if (row.status !== "failed" && row.status !== "cancelled") continue;
      this.#step(row.step_slug).end = "completed";
      row.status = row.started_at === null ? "created" : "started";
      row.failed_at = row.cancelled_at = row.error_message = null;
      if (row.status === "started") this.#tell(row, "started");
    }
    this.#startReady();
  }

  #startReady(): void {
    for (const row of this.#state.steps) {
      const { dependencies = [], tasks = 1 } = this.#step(row.step_slug);
      const isReady = dependencies.every((slug) =>
        ["completed", "skipped"].includes(this.#row(slug).status)
      );
      if (row.status !== "created" || !isReady) continue;
      row.status = "started";
      row.started_at = this.#now();
      row.initial_tasks = row.remaining_tasks = tasks;
      this.#tell(row, "started");
    }
  }

  #end(status: "completed" | "failed" | "cancelled", error: string | null = null): void {
    const { run, steps } = this.#state;
    const at = this.#now();
    run.status = status;
    run[`${status}_at`] = at;
    run.error_message = error;
    if (status === "completed") run.output = { all: "done" };
    for (const row of steps) {
      if (row.status !== "created" && row.status !== "started") continue;
      row.status = "cancelled";
      row.cancelled_at = at;
    }
    this.#emit({ event_type: `run:${status}`, status, [`${status}_at`]: at });
  }

  #tell(row: StepRow, news: string): void {
    const { status, initial_tasks: total, remaining_tasks: left } = row;
    const time = `${status}_at` as "started_at";
    this.#emit({
      event_type: `step:${news}`,
      step_slug: row.step_slug,
      status,
      [time]: row[time]!,
      ...(status === "completed" ? { output: row.output } : {}),
      ...(status === "started" && total! > 1
        ? { tasks_done: total! - left!, tasks_total: total! }
        : {}),
    });
  }

  #emit(message: Omit<Message, "run_id">): void {
    const whole = { run_id: this.id, ...message };
    this.sent.push(whole);
    this.#send(structuredClone(whole));
  }

  #row(slug: string): StepRow {
    return this.#state.steps.find((row) => row.step_slug === slug)!;
  }

  #step(slug: string): FakeStep {
    return this.#steps.find((step) => step.slug === slug)!;
  }

  /** Every change has a time of its own, a second later. */
  #now(): string {
    return new Date(Date.UTC(2026, 0, 1, 0, 0, this.#seconds++)).toISOString();
  }
}
