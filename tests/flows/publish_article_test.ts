import { assertEquals } from "@std/assert";
import type { FlowInput } from "pgflow/dsl";
import { PublishArticle, type Review } from "../../flows/publish_article.ts";
import { type FlowFixture, flowFixture } from "./flow_fixture.ts";

const article: FlowInput<typeof PublishArticle> = {
  title: "What's new?",
  text: "Steps that wait for somebody.",
};

Deno.test("PublishArticle publishes what an editor approved, and announces it later", async () => {
  await using it = await flowFixture(PublishArticle, article);
  assertEquals([await it.steps(), await question(it)], [
    { draft: "completed", review: "started", published: "created", announcement: "created" },
    {
      run: article,
      draft: { path: "/articles/what-s-new", teaser: "Steps that wait for somebody." },
    },
  ]);

  await answer(it, { approved: true, editor: "Ada" });
  await it.work();
  assertEquals([await it.run(), await it.steps()], [
    { status: "started", output: null },
    { draft: "completed", review: "completed", published: "completed", announcement: "started" },
  ]);

  await it.passTime();
  await it.work();
  assertEquals(await it.run(), {
    status: "completed",
    output: {
      announcement: "What's new?: Steps that wait for somebody. (/articles/what-s-new)",
    },
  });
});

Deno.test("PublishArticle ends when an editor says no", async () => {
  await using it = await flowFixture(PublishArticle, article);
  await answer(it, { approved: false, editor: "Ada" });
  await it.work();
  assertEquals([await it.run(), await it.steps()], [
    { status: "completed", output: {} },
    { draft: "completed", review: "completed", published: "skipped", announcement: "skipped" },
  ]);
});

Deno.test("PublishArticle ends when nobody answers in time", async () => {
  await using it = await flowFixture(PublishArticle, article);
  const [limit] = await it.sql`
    select due_at - queued_at as wait from pgflow.step_tasks
    where run_id = ${it.runId} and step_slug = 'review'`;
  assertEquals(limit, { wait: "3 days" });

  await it.passTime();
  await it.work();

  assertEquals([await it.run(), await it.steps()], [
    { status: "completed", output: {} },
    { draft: "completed", review: "skipped", published: "skipped", announcement: "skipped" },
  ]);
});

/** What the editor is shown. */
async function question({ sql, runId }: FlowFixture<typeof PublishArticle>): Promise<unknown> {
  const [row] = await sql`
    select input from pgflow.step_inputs where run_id = ${runId} and step_slug = 'review'`;
  return row!["input"];
}

async function answer(
  { sql, runId }: FlowFixture<typeof PublishArticle>,
  review: Review,
): Promise<void> {
  await sql`select pgflow.complete_step(${runId}, 'review', ${sql.json({ ...review })})`;
}
