/**
 * Flows whose types the tests ask about.
 *
 * @module
 */
import { Flow, type } from "pgflow/dsl";

/** The input of {@linkcode Orders}. */
export interface Order {
  id: string;
  plan: "free" | "pro";
  lines: { sku: string; amount: number }[];
  note?: string;
}

/** A flow with every form of `.step()`. */
export const Orders = new Flow<Order>({ slug: "orders" })
  .step("total", ({ run }) => run.lines.reduce((sum, { amount }) => sum + amount, 0))
  .step("tax", ["total"], async ({ total }) => await Promise.resolve({ amount: total / 5 }))
  .step({ slug: "label", maxAttempts: 2 }, ({ run }) => run.note ?? null)
  .step(
    { slug: "bill", dependsOn: ["total", "tax"], timeout: 5 },
    ({ run, total, tax }) => [run.id, total + tax.amount] as const,
  )
  .step("archive", [], ({ run }) => run);

/** The input of {@linkcode Tickets}. */
export interface Ticket {
  plan: "free" | "pro";
  tags: string[];
  address: { city: string; zip?: string } | null;
}

/** A flow with maps. */
export const Tickets = new Flow<Ticket>({ slug: "tickets" })
  .step("words", ({ run }) => run.tags)
  .map("lengths", "words", (word) => word.length)
  .map("halves", "lengths", async (length) => await Promise.resolve({ half: length / 2 }))
  .step("sum", ["lengths", "halves"], ({ lengths, halves }) => lengths[0]! + halves[0]!.half);

/** A flow that runs by itself and in others. */
export const Invite = new Flow<{ name: string; admin?: boolean }>({ slug: "invite" })
  .step("login", ({ run }) => run.name.toLowerCase())
  .step("mail", ["login"], ({ login }) => ({ to: login }))
  .step("badge", ({ run }) => run.name.length, { runIf: { admin: true } });

/** A flow with approvals and subflows, of single steps and of maps. */
export const Teams = new Flow<{ team: string; names: string[] }>({ slug: "teams" })
  .step("names", ({ run }) => run.names)
  .approval("budget", { output: type<{ seats: number }>(), timeout: 60 })
  .approval("comment", ["names", "budget"])
  .mapApproval("votes", "names", { output: type<"yes" | "no">() })
  .subflow("lead", Invite, ({ run }) => ({ name: run.names[0]!, admin: true }))
  .subflow("deputy", ["names"], Invite, async ({ names }) => {
    return await Promise.resolve({ name: names[1]! });
  })
  .mapSubflow("members", "names", Invite, (name) => ({ name }));
