import { PgflowError } from "../errors.ts";
import type { ProjectKeys } from "./keys.ts";

/** Where the project's functions are, and the keys to them. */
interface Project {
  url: string;
  keys: Pick<ProjectKeys, "secret">;
}

/**
 * Asks an edge function to start its worker, as the platform does when a run starts; returns once
 * the worker is at work and its flow is known to the database.
 */
export async function wakeWorker(
  { url, keys }: Project,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/functions/v1/${name}`, {
      method: "POST",
      headers: { apikey: keys.secret },
      signal,
    });
    const text = await response.text();
    // A worker that takes long to start says 202 after a while.
    if (response.status === 200) return;
    if (response.status !== 202) throw refusal(name, response.status, text);
  }
}

/** A flow's worker explains itself in JSON; the platform's answers and a bug's may be anything. */
function refusal(name: string, status: number, text: string): PgflowError {
  let said: { message?: string; hint?: string | null } = { message: text };
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    // The text is all there is.
  }
  return new PgflowError(`Cannot start worker "${name}": ${said.message}`, {
    hint: said.hint ?? `The function answered ${status}; see what it logged`,
  });
}
