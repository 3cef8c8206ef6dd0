import { assertEquals } from "@std/assert";
import { WordCount } from "../../flows/word_count.ts";
import { flowFixture } from "./flow_fixture.ts";

Deno.test("WordCount counts each paragraph in a task of its own", async () => {
  await using it = await flowFixture(WordCount, {
    text: "One two three.\n\nDon't count — dashes!\n\n\n  \n\nÜber 9 Wörter",
  });

  assertEquals(await it.run(), {
    status: "completed",
    output: { total: { paragraphs: 3, words: 9, longest: 3 } },
  });
  const tasks = await it.sql`
    select task_index, input, output from pgflow.step_tasks
    where run_id = ${it.runId} and step_slug = 'counts' order by task_index`;
  assertEquals(tasks.map((task) => Object.values(task)), [
    [0, "One two three.", 3],
    [1, "Don't count — dashes!", 3],
    [2, "Über 9 Wörter", 3],
  ]);
});

Deno.test("WordCount of no text counts nothing", async () => {
  await using it = await flowFixture(WordCount, { text: "" });
  assertEquals(await it.run(), {
    status: "completed",
    output: { total: { paragraphs: 0, words: 0, longest: 0 } },
  });
});
