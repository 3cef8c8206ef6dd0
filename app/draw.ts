/// <reference lib="dom" />
import type { Run, RunSummary } from "pgflow/client";
import type { PublishArticle } from "../flows/publish_article.ts";

/** What the page's buttons do. */
export interface Actions {
  /** Answers the approval. */
  answer(approved: boolean): Promise<void>;
  /** Cancels the run. */
  cancel(): Promise<void>;
}

type Step = Run<typeof PublishArticle>["steps"][number];

const words: Record<string, string> = {
  created: "not yet",
  started: "at work",
  waiting: "waits for you",
  completed: "done",
  failed: "failed",
  skipped: "skipped",
  cancelled: "cancelled",
};

/** Draws a run and its steps as they are now. */
export function drawRun(run: Run<typeof PublishArticle>, actions: Actions): void {
  const section = document.querySelector<HTMLElement>("#run")!;
  section.hidden = false;
  section.dataset["id"] = run.id;
  section.dataset["status"] = run.status;
  const status = run.status === "started" && run.step("review").state?.waiting
    ? "waiting"
    : run.status;
  section.replaceChildren(
    element("div", { class: "title" }, [
      element("h2", {}, [run.input.title]),
      statusOf(status),
    ]),
    element("ol", {}, run.steps.map((step) => drawStep(step, actions))),
  );
  if (run.status === "started" && !run.step("review").state?.waiting) {
    const cancel = element("button", { class: "quiet", type: "button" }, ["Cancel the run"]);
    cancel.addEventListener("click", actions.cancel);
    section.append(element("p", {}, [cancel]));
  }
}

/** Draws the list of runs below. */
export function drawRuns(runs: readonly RunSummary[]): void {
  const section = document.querySelector<HTMLElement>("#runs")!;
  section.hidden = runs.length === 0;
  section.querySelector("ul")!.replaceChildren(...runs.map((run) => {
    const time = new Date(run.startedAt).toLocaleTimeString();
    return element("li", {}, [element("a", { href: `#${run.id}` }, [time]), statusOf(run.status)]);
  }));
}

/** Says what went wrong, or that nothing did. */
export function showProblem(error: Error | undefined): void {
  const place = document.querySelector<HTMLElement>("#problem")!;
  place.hidden = error === undefined;
  place.textContent = error?.message ?? "";
}

function drawStep(step: Step, actions: Actions): HTMLElement {
  const status = step.waiting ? "waiting" : step.status;
  const item = element("li", { "data-step": step.slug, "data-status": status }, [
    element("div", { class: "title" }, [element("span", {}, [step.slug]), statusOf(status)]),
  ]);
  const [question] = step.waiting ?? [];
  if (question !== undefined) item.append(drawQuestion(question.input, actions));
  else item.append(...noteOf(step).map((note) => element("p", { class: "note" }, [note])));
  return item;
}

function drawQuestion(input: unknown, { answer }: Actions): HTMLElement {
  const { draft } = input as { draft: { path: string; teaser: string } };
  const buttons = [["Approve", true], ["Decline", false]] as const;
  const box = element("div", { class: "question" }, [
    element("p", {}, [`“${draft.teaser}”`]),
    ...buttons.map(([label, approved]) => {
      const button = element(
        "button",
        { type: "button", ...(approved ? {} : { class: "quiet" }) },
        [
          label,
        ],
      );
      button.addEventListener("click", () => {
        for (const other of box.querySelectorAll("button")) other.disabled = true;
        answer(approved);
      });
      return button;
    }),
  ]);
  return box;
}

/** What a step has to say, in a line. */
function noteOf({ output, error }: Step): string[] {
  if (error !== undefined) return [error];
  if (output === undefined) return [];
  if (typeof output === "string") return [output];
  if ("approved" in output) return [output.approved ? `yes, says ${output.editor}` : "no"];
  return [output.path];
}

function statusOf(status: string): HTMLElement {
  const text = words[status] ?? status;
  return element("span", { class: "status", "data-status": status }, [text]);
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string>,
  children: (Node | string)[],
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
