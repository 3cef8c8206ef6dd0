import { Flow, PermanentError } from "pgflow/dsl";

/** What is asked for; amounts are in cents. */
export interface Refund {
  order_id: string;
  paid: number;
  refund: number;
}

/** Pays small refunds back at once and opens a case for large ones, then tells the customer. */
export const RefundOrder = new Flow<Refund>({ slug: "refund_order" })
  .step("size", ({ run }): "small" | "large" => {
    if (run.refund > run.paid) {
      // Another attempt would find the same numbers.
      throw new PermanentError(
        `Cannot refund order "${run.order_id}": it was paid with ${run.paid}, not ${run.refund}`,
      );
    }
    return run.refund <= 5000 ? "small" : "large";
  })
  // One of the two runs; the other is skipped alone, so that the reply does not wait for it.
  .step("payment", ["size"], ({ run }, ctx) => ({ amount: run.refund, key: ctx.taskKey }), {
    runIf: { size: "small" },
    whenUnmet: "skip",
  })
  .step("case", ["size"], ({ run }) => ({ subject: `Refund of order ${run.order_id}` }), {
    runUnless: { size: "small" },
    whenUnmet: "skip",
  })
  .step(
    "reply",
    ["payment", "case"],
    ({ payment }) =>
      payment === undefined
        ? "Somebody looks at your refund and writes to you."
        : `Your refund of ${(payment.amount / 100).toFixed(2)} is on its way.`,
  )
  .onFailure(({ run }, ctx) => {
    ctx.log.error("a customer waits for a refund", {
      order: run.input.order_id,
      reason: run.error_message,
    });
  });
