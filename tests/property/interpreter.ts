import { contains } from "./contains.ts";
import { attemptLimit, type FlowShape, startsWithMap, type StepShape } from "./flow_shape.ts";
import type { Handlers } from "./handlers.ts";
import type { Json, JsonObject } from "./json.ts";
import { type RunPlace, taskKey } from "./places.ts";

/** What was done to runs from outside. */
export interface Interventions {
  /** The keys of runs that were cancelled themselves, not with their parents. */
  cancelled: ReadonlySet<string>;
  /** The attempts that tasks had had before their run was retried: the last one's number. */
  spent: ReadonlyMap<string, number>;
}

/** How a run ends if nothing that fails keeps other steps from going on. */
export interface RunResult {
  status: "completed" | "failed" | "cancelled";
  output: JsonObject;
  steps: Map<string, StepResult>;
}

/** How a step ends; one is never reached if a step before it fails the run. */
export interface StepResult {
  status: "completed" | "skipped" | "failed" | "unreached";
  reason?: "condition_unmet" | "dependency_skipped" | "handler_failed";
  /** Whether all that depends on a skipped step is skipped with it. */
  cascades?: boolean;
  output?: Json;
  /** The errors of which any may be the step's: elements fail in whatever order. */
  errors: string[];
  tasks: TaskResult[];
}

/** How a task ends if it is not cancelled before. */
export interface TaskResult {
  status: "completed" | "failed";
  input: Json;
  output?: Json;
  /** The number of the last attempt, those before a retry of the run included. */
  attempts: number;
  /** The failed attempts after the last retry of the run. */
  failures: { attempt: number; error: string }[];
}

/** Runs flows in memory, one step after the other: what the engine must come to as well. */
export class Interpreter {
  #flows: ReadonlyMap<string, FlowShape>;
  #handlers: Handlers;
  #interventions: Interventions;

  constructor(
    flows: ReadonlyMap<string, FlowShape>,
    handlers: Handlers,
    interventions: Interventions,
  ) {
    this.#flows = flows;
    this.#handlers = handlers;
    this.#interventions = interventions;
  }

  /** Returns how a run ends. */
  run(place: RunPlace): RunResult {
    const flow = this.#flows.get(place.flow)!;
    const steps = new Map<string, StepResult>();
    for (const step of flow.steps) {
      steps.set(step.step_slug, this.#step(place, flow, step, steps));
    }
    const output: JsonObject = {};
    for (const [slug, step] of steps) {
      const isLeaf = !flow.steps.some((other) => other.deps_slugs.includes(slug));
      if (isLeaf && step.status === "completed") output[slug] = step.output!;
    }
    const hasFailed = [...steps.values()].some((step) => step.status === "failed");
    const isCancelled = this.#interventions.cancelled.has(place.key);
    return {
      status: isCancelled ? "cancelled" : hasFailed ? "failed" : "completed",
      output,
      steps,
    };
  }

  #step(
    place: RunPlace,
    flow: FlowShape,
    step: StepShape,
    before: ReadonlyMap<string, StepResult>,
  ): StepResult {
    const ended = (result: Omit<StepResult, "errors" | "tasks">, ...errors: string[]) => (
      { ...result, errors, tasks: [] }
    );
    const dependencies = step.deps_slugs.map((slug) => ({ slug, result: before.get(slug)! }));
    if (dependencies.some(({ result }) => result.cascades)) {
      return ended({ status: "skipped", reason: "dependency_skipped", cascades: true });
    }
    if (dependencies.some(({ result }) => ["failed", "unreached"].includes(result.status))) {
      return ended({ status: "unreached" });
    }

    const input: JsonObject = { run: place.input };
    for (const { slug, result } of dependencies) {
      if (result.status === "completed") input[slug] = result.output!;
    }
    const looksAt = dependencies.length === 0 ? place.input : input;
    const { required_input_pattern: required, forbidden_input_pattern: forbidden } = step;
    if (
      (required !== undefined && !contains(looksAt, required)) ||
      (forbidden !== undefined && contains(looksAt, forbidden))
    ) {
      const consequence = step.when_unmet ?? "skip-cascade";
      if (consequence === "fail") return ended({ status: "failed" }, "its condition is not met");
      const cascades = consequence === "skip-cascade";
      return ended({ status: "skipped", reason: "condition_unmet", cascades });
    }

    let inputs: Json[] = [input];
    if (step.step_type === "map") {
      const [dependency] = dependencies;
      const elements = dependency === undefined
        ? place.input
        : dependency.result.status === "skipped"
        ? []
        : dependency.result.output!;
      if (!Array.isArray(elements)) {
        const error = `[type] map step "${step.step_slug}" needs an array, ` +
          `but its dependency "${dependency!.slug}" returned ${typeOf(elements)}`;
        return ended({ status: "failed" }, error);
      }
      inputs = elements;
    }
    return this.#perform(place, flow, step, inputs);
  }

  /** Performs the tasks of a step that may start, one per input. */
  #perform(place: RunPlace, flow: FlowShape, step: StepShape, inputs: Json[]): StepResult {
    const isMapped = flow.steps.some((other) =>
      other.step_type === "map" && other.deps_slugs.includes(step.step_slug)
    );
    const tasks = inputs.map((input, index) => {
      const task = taskKey(place, { step_slug: step.step_slug, task_index: index });
      return step.performed_by === "approval"
        ? this.#approval(task, step, input, isMapped)
        : this.#attempts(task, flow, step, input, isMapped);
    });
    const failed = tasks.filter((task) => task.status === "failed");
    const errors = failed.map((task) => task.failures.at(-1)!.error);
    const consequence = step.when_exhausted ?? "fail";
    if (failed.length > 0 && consequence === "fail") return { status: "failed", errors, tasks };
    if (failed.length > 0) {
      const cascades = consequence === "skip-cascade";
      return { status: "skipped", reason: "handler_failed", cascades, errors, tasks };
    }
    const outputs = tasks.map((task) => task.output!);
    const output = step.step_type === "map" ? outputs : outputs[0]!;
    return { status: "completed", output, errors, tasks };
  }

  #approval(task: string, step: StepShape, input: Json, wantsArray: boolean): TaskResult {
    const spent = this.#interventions.spent.get(task) ?? 0;
    const answer = this.#handlers.answer(task, spent, wantsArray, step.timeout !== undefined);
    if (answer.kind === "complete") {
      return { status: "completed", input, output: answer.output, attempts: spent, failures: [] };
    }
    const error = answer.kind === "fail" ? answer.message : "[timeout] nobody answered in time";
    const attempt = spent + 1;
    return { status: "failed", input, attempts: attempt, failures: [{ attempt, error }] };
  }

  #attempts(
    task: string,
    flow: FlowShape,
    step: StepShape,
    input: Json,
    isMapped: boolean,
  ): TaskResult {
    const subflow = this.#flows.get(step.subflow_slug ?? "");
    const wantsArray = subflow === undefined ? isMapped : startsWithMap(subflow);
    const limit = attemptLimit(flow, step);
    const failures: TaskResult["failures"] = [];
    for (let attempt = (this.#interventions.spent.get(task) ?? 0) + 1;; attempt++) {
      const fate = this.#handlers.attempt(task, attempt, wantsArray);
      if (fate.kind === "release") continue;
      let error: string;
      let isFinal = fate.kind === "permanent";
      if (fate.kind === "complete" && subflow === undefined) {
        return { status: "completed", input, output: fate.output, attempts: attempt, failures };
      } else if (fate.kind === "complete" && wantsArray && !Array.isArray(fate.output)) {
        error = `[type] subflow "${step.subflow_slug}" maps over its input, which is not an array`;
      } else if (fate.kind === "complete") {
        const key = `${task}@${attempt}`;
        const child = this.run({ key, flow: step.subflow_slug!, input: fate.output });
        if (child.status === "completed") {
          return { status: "completed", input, output: child.output, attempts: attempt, failures };
        }
        error = `child run ${key} ${child.status}`;
        isFinal = child.status === "cancelled";
      } else if (fate.kind === "lost") {
        error = `[lost worker] attempt ${attempt} was never reported`;
      } else {
        error = fate.message;
      }
      failures.push({ attempt, error });
      if (isFinal || failures.length >= limit) {
        return { status: "failed", input, attempts: attempt, failures };
      }
    }
  }
}

function typeOf(value: Json): string {
  return value === null ? "null" : typeof value;
}
