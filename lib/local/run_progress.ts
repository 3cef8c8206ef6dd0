import type { RunStates } from "./run_states.ts";

/** Where and how {@linkcode RunProgress} shows a run. */
export interface RunProgressOptions {
  write: (text: string) => void;
  /** Whether lines are drawn over in place; otherwise each change is a line of its own. */
  isLive: boolean;
  /**
   * The present time in milliseconds.
   * @default {Date.now}
   */
  now?: () => number;
}

type Step = RunStates["steps"][number];

const MARKS: Record<Step["status"], string> = {
  created: "\x1b[2m○\x1b[0m",
  started: "\x1b[33m◐\x1b[0m",
  completed: "\x1b[32m●\x1b[0m",
  failed: "\x1b[31m✗\x1b[0m",
  skipped: "\x1b[2m–\x1b[0m",
  cancelled: "\x1b[2m–\x1b[0m",
};

/** Shows the steps of one run while they go on, in a terminal or in a file. */
export class RunProgress {
  readonly #options: Required<RunProgressOptions>;
  readonly #shown = new Map<string, string>();
  readonly #startedAt: number;
  #linesDrawn = 0;

  constructor(options: RunProgressOptions) {
    this.#options = { now: Date.now, ...options };
    this.#startedAt = this.#options.now();
  }

  /** Shows the steps as they are now. */
  show({ steps }: RunStates): void {
    const width = Math.max(...steps.map(({ step_slug }) => step_slug.length));
    if (this.#options.isLive) this.#draw(steps, width);
    else this.#list(steps, width);
  }

  #draw(steps: Step[], width: number): void {
    const up = this.#linesDrawn > 0 ? `\x1b[${this.#linesDrawn}A` : "";
    const lines = steps.map((step) => {
      const took = duration(step, this.#options.now());
      return `\x1b[2K  ${MARKS[step.status]} ${step.step_slug.padEnd(width)}  ` +
        `${step.status.padEnd(9)}  ${took}\n`;
    });
    this.#linesDrawn = lines.length;
    this.#options.write(up + lines.join(""));
  }

  #list(steps: Step[], width: number): void {
    const elapsed = ((this.#options.now() - this.#startedAt) / 1000).toFixed(2);
    for (const { step_slug, status } of steps) {
      if (status === (this.#shown.get(step_slug) ?? "created")) continue;
      this.#shown.set(step_slug, status);
      this.#options.write(`  ${elapsed.padStart(6)} s  ${step_slug.padEnd(width)}  ${status}\n`);
    }
  }
}

function duration({ started_at, completed_at, status }: Step, now: number): string {
  if (started_at === null || (completed_at === null && status !== "started")) return "";
  const end = completed_at === null ? now : Date.parse(completed_at);
  return `${Math.max(0, end - Date.parse(started_at))} ms`;
}
