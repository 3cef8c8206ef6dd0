import type { Json } from "./json.ts";

/** A run and its place: a child run's key is its task's, with the attempt that started it. */
export interface RunPlace {
  key: string;
  flow: string;
  input: Json;
}

/** Returns whether a run is a child of another. */
export function isChild(run: RunPlace): boolean {
  return /@\d+$/.test(run.key);
}

/** Returns the key of a task, the same in every replay. */
export function taskKey(
  run: RunPlace,
  task: { step_slug: string; task_index: number },
): string {
  return `${run.key}.${task.step_slug}[${task.task_index}]`;
}
