import { type AnyFlow, hostedFlows, PgflowError } from "../dsl/mod.ts";
import { authorize } from "./authorize.ts";
import { checkOptions, resolveOptions, type WorkerOptions } from "./options.ts";
import { platform } from "./platform.ts";
import { RunningWorker } from "./running_worker.ts";

/** A request is answered after this even if the worker is still starting. */
const ANSWER_MS = 2000;

/**
 * Returns the fetch handler of an edge function that works on one flow, or several, and on those
 * that they start: subflows and hooks.
 *
 * A `POST` with a secret key, as `apikey` or as bearer token, starts the worker in this isolate,
 * unless it runs already, and is answered at once with `{ status, worker_id }`.
 *
 * @example
 * ```ts
 * import { Flow } from "pgflow/dsl";
 * import { flowWorker } from "pgflow/worker";
 *
 * const Shout = new Flow<{ text: string }>({ slug: "shout" })
 *   .step("upper", ({ run }) => run.text.toUpperCase());
 *
 * export default { fetch: flowWorker(Shout) };
 * ```
 */
export function flowWorker(
  flows: AnyFlow | readonly AnyFlow[],
  options: WorkerOptions = {},
): (request: Request) => Promise<Response> {
  const list = hostedFlows(flows);
  const name = ([flows].flat() as AnyFlow[])[0]!.slug;
  checkOptions(options);
  let worker: RunningWorker | undefined;
  let lastRequestAge = 0;
  // One that leaves may finish its tasks beside the next one.
  const workers = new Set<RunningWorker>();
  platform.onBeforeUnload((reason) => workers.forEach((each) => each.unload(reason)));
  const start = () => {
    const resolved = resolveOptions(options, name, platform.env());
    const started = new RunningWorker(list, resolved, {
      isEdgeFunction: true,
      lastRequestAge: () => lastRequestAge,
    });
    workers.add(started);
    const forget = () => workers.delete(started);
    platform.waitUntil(started.done.then(forget, forget));
    return started;
  };

  return async (request) => {
    try {
      const refusal = await refuse(request);
      if (refusal !== undefined) return refusal;
      lastRequestAge = platform.age();
      if (worker?.state === "running") return answer(200, "running", worker);
      if (worker?.state !== "starting") worker = start();
      const asked = worker;
      if (!await hasStarted(asked)) return answer(202, "starting", asked);
      return answer(200, asked.servedBy === asked.id ? "started" : "running", asked);
    } catch (error) {
      return explain(error);
    }
  };
}

/** Answers what is not a request to start the worker. */
async function refuse(request: Request): Promise<Response | undefined> {
  const isAuthorized = await authorize(request, platform.env());
  if (isAuthorized === undefined) {
    return problem(
      500,
      "Cannot authorize request: the function has no secret key to compare with",
      {
        hint:
          "Set SUPABASE_SECRET_KEYS or SUPABASE_SERVICE_ROLE_KEY; on Supabase the platform does.",
      },
    );
  }
  if (!isAuthorized) {
    return problem(401, "Cannot start worker: the request carries no secret key of this project", {
      hint: "Send a secret key as header apikey, or the service role key as bearer token.",
    });
  }
  if (request.method !== "POST") {
    return problem(405, `Cannot start worker: the method is ${request.method}`, {
      hint: "Send a POST request.",
    }, { allow: "POST" });
  }
  const body = await request.text();
  if (body.trim() !== "" && !isJson(body)) {
    return problem(400, "Cannot start worker: the request's body is not JSON", {
      hint: "Send no body, or a JSON object.",
    });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Returns false if that takes too long to wait for. */
async function hasStarted(worker: RunningWorker): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ANSWER_MS);
  });
  try {
    return await Promise.race([worker.started.then(() => true), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function answer(code: number, status: string, worker: RunningWorker): Response {
  return Response.json({ status, worker_id: worker.servedBy }, { status: code });
}

function explain(error: unknown): Response {
  if (!(error instanceof PgflowError)) {
    return problem(503, `Cannot start worker: ${(error as Error).message}`, {});
  }
  return problem(error.code === "PF003" ? 409 : 503, error.message, error);
}

function problem(
  status: number,
  message: string,
  { code, hint }: { code?: string | undefined; hint?: string | undefined },
  headers: Record<string, string> = {},
): Response {
  const body = { code: code ?? null, message, hint: hint ?? null };
  return Response.json(body, { status, headers });
}
