import { assertEquals } from "@std/assert";
import { ApproveExpenses } from "../../flows/approve_expenses.ts";
import { flowFixture } from "./flow_fixture.ts";

const train = { text: "Train", amount: 4500 };
const laptop = { text: "Laptop", amount: 120_000 };
const sofa = { text: "Sofa", amount: 80_000 };

Deno.test("ApproveExpenses waits for one answer for each large expense", async () => {
  await using it = await flowFixture(ApproveExpenses, { expenses: [laptop, train, sofa] });
  const questions = await it.sql`
    select task_index, input from pgflow.step_tasks
    where run_id = ${it.runId} and status = 'waiting' order by task_index`;
  assertEquals([...questions], [
    { task_index: 0, input: laptop },
    { task_index: 1, input: sofa },
  ]);

  await it.sql`select pgflow.complete_step(${it.runId}, 'decisions', '"refuse"', 1)`;
  await it.work();
  assertEquals((await it.run()).status, "started");

  await it.sql`select pgflow.complete_step(${it.runId}, 'decisions', '"pay"', 0)`;
  await it.work();
  assertEquals(await it.run(), {
    status: "completed",
    output: { payment: { paid: ["Train", "Laptop"], amount: 124_500 } },
  });
});

Deno.test("ApproveExpenses asks nobody when all expenses are small", async () => {
  await using it = await flowFixture(ApproveExpenses, { expenses: [train] });
  assertEquals(await it.run(), {
    status: "completed",
    output: { payment: { paid: ["Train"], amount: 4500 } },
  });
});
