/**
 * Flows of all kinds of steps, whose handlers write down that they ran, and what their runs must come
 * to however often workers die.
 *
 * @module
 */
import { type AnyFlow, Flow, type HandlerContext, PermanentError, type } from "pgflow/dsl";
import { record } from "./executions.ts";

/** What every run of these flows is started with. */
export interface Start {
  n: number;
  items: number[];
  express: boolean;
}

/** Attempts that are lost with their workers count: there are as many as that may take. */
const PATIENT = { maxAttempts: 60, baseDelay: 0, timeout: 2 };

/** Writes down that the handler began and ended, with some time between and perhaps an error. */
async function work<T>(ctx: HandlerContext, result: T): Promise<T> {
  record(ctx, "start");
  const mood = hash(ctx.taskKey);
  await new Promise((resolve) => setTimeout(resolve, mood % 40));
  if (mood % 7 === 0 && ctx.attempt === 1) throw new Error("the first attempt stumbles");
  record(ctx, "end");
  return result;
}

function hash(text: string): number {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

const square = (x: number) => x * x;

/** Single steps, a map, a condition, a delay, retries. */
export const Order = new Flow<Start>({ slug: "chaos_order", ...PATIENT })
  .step("list", ({ run }, ctx) => work(ctx, run.items))
  .map("squares", "list", (item, ctx) => work(ctx, square(item)))
  .step("express", ["list"], ({ run }, ctx) => work(ctx, `express ${run.n}`), {
    runIf: { run: { express: true } },
    whenUnmet: "skip",
  })
  .step("later", ({ run }, ctx) => work(ctx, run.n), { startDelay: 1 })
  .step("fragile", (_, ctx): Promise<never> => {
    record(ctx, "start");
    throw new Error("it never works");
  }, { maxAttempts: 2, whenExhausted: "skip" })
  .step("total", ["squares", "express", "later", "fragile"], (payload, ctx) =>
    work(ctx, {
      sum: payload.squares.reduce((sum, x) => sum + x, payload.later),
      by: payload.express ?? "post",
      fragile: payload.fragile ?? "skipped",
      attempt: ctx.attempt,
    }));

/** An approval, and one for each element. */
export const Review = new Flow<Start>({ slug: "chaos_review", ...PATIENT })
  .step("draft", ({ run }, ctx) => work(ctx, run.items))
  .approval("review", ["draft"], { output: type<{ answer: string }>() })
  .mapApproval("votes", "draft", { output: type<{ answer: string }>() })
  .step("verdict", ["review", "votes"], ({ review, votes }, ctx) =>
    work(ctx, {
      review: review.answer,
      votes: votes.map((vote) => vote.answer),
      attempt: ctx.attempt,
    }));

const Member = new Flow<{ item: number }>({ slug: "chaos_member", ...PATIENT })
  .step("doubled", ({ run }, ctx) => work(ctx, run.item * 2))
  .step("named", ["doubled"], ({ doubled }, ctx) => work(ctx, `member ${doubled}`));

/** A child run, and one for each element. */
export const Team = new Flow<Start>({ slug: "chaos_team", ...PATIENT })
  .step("members", ({ run }, ctx) => work(ctx, run.items.map((item) => ({ item }))))
  .mapSubflow("welcomed", "members", Member, (member, ctx) => work(ctx, member))
  .subflow("leader", Member, ({ run }, ctx) => work(ctx, { item: run.n }))
  .step("greeting", ["welcomed", "leader"], ({ welcomed, leader }, ctx) =>
    work(ctx, {
      names: welcomed.map(({ named }) => named),
      leader: leader.named,
      attempt: ctx.attempt,
    }));

/** Fails, for good, and runs its hook. */
export const Doomed = new Flow<Start>({ slug: "chaos_doomed", ...PATIENT })
  .step("fine", ({ run }, ctx) => work(ctx, run.n))
  .step("fatal", ["fine"], async (_, ctx): Promise<number> => {
    await work(ctx, null);
    throw new PermanentError("it was meant to fail");
  })
  .onFailure(async (_, ctx) => {
    await work(ctx, null);
  });

// A hook has three attempts and a minute for each; in that time a lost worker's task does not return.
const hook = Doomed.failureFlow!;
Object.defineProperty(Doomed, "failureFlow", {
  value: new Flow({ slug: hook.slug, ...PATIENT })
    .step("on_failure", hook.getStep("on_failure")!.handler as () => Promise<null>),
});

/** Has two attempts, which lost workers may use up. */
export const Tight = new Flow<Start>({ slug: "chaos_tight", ...PATIENT, maxAttempts: 2 })
  .step("only", async ({ run }, ctx) => {
    record(ctx, "start");
    await new Promise((resolve) => setTimeout(resolve, 5));
    record(ctx, "end");
    return { n: run.n, attempt: ctx.attempt };
  });

/** The flows by the function that serves them. */
export const served: Record<string, AnyFlow[]> = {
  chaos_orders: [Order, Review],
  chaos_teams: [Team, Doomed, Tight],
};

/** What the run of a flow must come to; `attempt` is whichever was recorded. */
export function expectedOutput(slug: string, { n, items, express }: Start): unknown {
  const outputs: Record<string, unknown> = {
    chaos_order: {
      total: {
        sum: items.reduce((sum, item) => sum + square(item), n),
        by: express ? `express ${n}` : "post",
        fragile: "skipped",
      },
    },
    chaos_review: {
      verdict: { review: "answer 0", votes: items.map((_, index) => `answer ${index}`) },
    },
    chaos_team: {
      greeting: {
        names: items.map((item) => `member ${item * 2}`),
        leader: `member ${n * 2}`,
      },
    },
    chaos_doomed: null,
    chaos_tight: { only: { n } },
  };
  return outputs[slug];
}
