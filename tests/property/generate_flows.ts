import type { FlowShape, StepShape } from "./flow_shape.ts";
import { randomPattern } from "./json.ts";
import type { Random } from "./random.ts";

const consequences = ["skip-cascade", "skip", "skip", "fail"] as const;
const stepNames = ["load", "Split", "_each", "B", "a", "check", "join2", "send", "x", "last"];

/**
 * Returns flows of every kind of step, subflows before the flows that contain them.
 *
 * No time is short enough to pass by itself during a test: what is hidden, delayed or limited in time
 * comes back when the test says so. Retries wait not at all, some seconds, or outside the queue.
 */
export function generateFlows(random: Random, prefix: string): FlowShape[] {
  const flows: FlowShape[] = [];
  const levels = random.pick([1, 2, 2, 3]);
  for (let level = 0; level < levels; level++) {
    const lower = [...flows];
    for (let count = random.pick([1, 1, 2]); count > 0; count--) {
      const slug = `${prefix}_${random.pick(["f", "F"])}${flows.length}`;
      flows.push(generateFlow(random, slug, lower, level === levels - 1));
    }
  }
  return flows;
}

function generateFlow(
  random: Random,
  slug: string,
  subflows: FlowShape[],
  isTop: boolean,
): FlowShape {
  const flow: FlowShape = { flow_slug: slug, steps: [] };
  if (random.chance(0.5)) flow.max_attempts = random.int(4);
  flow.base_delay = random.pick([0, 0, 25, 45]);
  flow.timeout = random.pick([300, 600]);
  // A hook's own flow must not have one that fails, or failures would never end.
  const hooks = subflows.filter((hook) => hook.on_failure_slug === undefined);
  if (hooks.length > 0 && random.chance(0.2)) {
    flow.on_failure_slug = random.pick(hooks).flow_slug;
  }
  const names = random.some(stepNames, isTop ? 9 : 5);
  if (random.chance(isTop ? 0.03 : 0.1)) names.length = 0;
  for (const name of names) flow.steps.push(generateStep(random, name, flow, subflows));
  return flow;
}

function generateStep(
  random: Random,
  name: string,
  flow: FlowShape,
  subflows: FlowShape[],
): StepShape {
  const step: StepShape = { step_slug: name, deps_slugs: [] };
  const earlier = flow.steps.map((other) => other.step_slug);
  if (earlier.length > 0 && random.chance(0.8)) step.deps_slugs = random.some(earlier, 3);

  if (random.chance(0.4)) {
    step.step_type = "map";
    step.deps_slugs = step.deps_slugs.slice(0, 1);
    const dependency = flow.steps.find((other) => other.step_slug === step.deps_slugs[0]);
    // A child run's output is never an array, so a map over it would always fail.
    if (dependency?.performed_by === "subflow" && dependency.step_type !== "map") {
      if (random.chance(0.9)) delete step.step_type;
    }
  }
  if (subflows.length > 0 && random.chance(0.4)) {
    step.performed_by = "subflow";
    step.subflow_slug = random.pick(subflows).flow_slug;
  } else if (random.chance(0.2)) {
    step.performed_by = "approval";
  }
  if (random.chance(0.15)) step.required_input_pattern = randomPattern(random, step.deps_slugs);
  if (random.chance(0.12)) step.forbidden_input_pattern = randomPattern(random, step.deps_slugs);
  if (random.chance(0.8)) step.when_unmet = random.pick(consequences);
  if (random.chance(0.8)) step.when_exhausted = random.pick(consequences);
  if (random.chance(0.4)) step.max_attempts = random.int(4);
  if (random.chance(0.3)) step.base_delay = random.pick([0, 25, 100]);
  if (random.chance(step.performed_by === "approval" ? 0.6 : 0.3)) {
    step.timeout = random.pick([300, 900]);
  }
  if (random.chance(0.12)) step.start_delay = random.pick([0, 100, 4000]);
  return step;
}
