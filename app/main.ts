/// <reference lib="dom" />
/**
 * The example's page: starts runs, shows one while it moves, and answers its approval.
 *
 * @module
 */
import { createClient as createSupabase } from "@supabase/supabase-js";
import { createClient, type Run } from "pgflow/client";
import type { PublishArticle } from "../flows/publish_article.ts";
import { drawRun, drawRuns, showProblem } from "./draw.ts";

/** What `/app/session` says: the project's key, and who is signed in. */
interface Session {
  key: string;
  token: string;
}

// An app of your own has Supabase Auth instead, and signs in by `supabase.auth`.
const session: Session = await (await fetch("/app/session")).json();
const supabase = createSupabase(location.origin, session.key, {
  accessToken: () => Promise.resolve(session.token),
});
const pgflow = createClient(supabase);

/** Shows a run until it has ended, or another one is shown. */
async function follow(run: Run<typeof PublishArticle>, signal: AbortSignal): Promise<void> {
  const answer = (approved: boolean) => run.step("review").complete({ approved, editor: "you" });
  const draw = () => drawRun(run, { answer: attempt(answer), cancel: attempt(() => run.cancel()) });
  draw();
  for await (const _ of run.events({ signal })) draw();
  draw();
  drawRuns(await pgflow.listRuns({ flow: "publish_article", limit: 5 }));
}

let shown = new AbortController();

/** Finds or starts a run, and shows it instead of the one before. */
async function show(find: () => Promise<Run<typeof PublishArticle>>): Promise<void> {
  const run = await find();
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  location.hash = run.id;
  drawRuns(await pgflow.listRuns({ flow: "publish_article", limit: 5 }));
  try {
    await follow(run, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Returns an action that says on the page what went wrong, if anything does. */
function attempt<Args extends unknown[]>(act: (...args: Args) => Promise<unknown>) {
  return async (...args: Args): Promise<void> => {
    showProblem(undefined);
    try {
      await act(...args);
    } catch (error) {
      showProblem(error as Error);
    }
  };
}

const form = document.querySelector<HTMLFormElement>("#start")!;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const input = { title: String(data.get("title")), text: String(data.get("text")) };
  attempt(show)(() => pgflow.startFlow<typeof PublishArticle>("publish_article", input));
});

const open = attempt(async () => {
  const id = location.hash.slice(1);
  if (id !== "" && document.querySelector("#run")?.getAttribute("data-id") !== id) {
    await show(() => pgflow.getRun<typeof PublishArticle>(id));
  }
});
addEventListener("hashchange", open);
await open();
