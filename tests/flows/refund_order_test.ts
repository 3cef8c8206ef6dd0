import { assertEquals } from "@std/assert";
import { RefundOrder } from "../../flows/refund_order.ts";
import { flowFixture } from "./flow_fixture.ts";

Deno.test("RefundOrder pays a small refund back", async () => {
  await using it = await flowFixture(RefundOrder, { order_id: "A1", paid: 9900, refund: 1250 });
  assertEquals([await it.run(), await it.steps()], [
    { status: "completed", output: { reply: "Your refund of 12.50 is on its way." } },
    { size: "completed", payment: "completed", case: "skipped", reply: "completed" },
  ]);
});

Deno.test("RefundOrder opens a case for a large refund", async () => {
  await using it = await flowFixture(RefundOrder, { order_id: "A1", paid: 9900, refund: 9900 });
  assertEquals([await it.run(), await it.steps()], [
    {
      status: "completed",
      output: { reply: "Somebody looks at your refund and writes to you." },
    },
    { size: "completed", payment: "skipped", case: "completed", reply: "completed" },
  ]);
});

Deno.test("RefundOrder fails at once for too large a refund, and says so", async () => {
  await using it = await flowFixture(RefundOrder, { order_id: "A1", paid: 100, refund: 200 });

  assertEquals(await it.run(), { status: "failed", output: null });
  const runs = await it.sql`
    select flow_slug, status, input, output from pgflow.runs where run_id <> ${it.runId}`;
  assertEquals([...runs], [{
    flow_slug: "refund_order_on_failure",
    status: "completed",
    input: {
      run_id: it.runId,
      flow_slug: "refund_order",
      input: { order_id: "A1", paid: 100, refund: 200 },
      step_slug: "size",
      error_message: 'Step "size" failed: PermanentError: ' +
        'Cannot refund order "A1": it was paid with 100, not 200',
    },
    output: { on_failure: null },
  }]);
  assertEquals(it.lines.filter((line) => line.startsWith("error")), [
    "error a customer waits for a refund",
  ]);
});
