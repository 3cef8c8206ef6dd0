import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { PublishArticle } from "../../flows/publish_article.ts";
import { appRoutes } from "../../lib/local/app_routes.ts";
import { serveClient, type ServedClient } from "../local/served_client.ts";
import { inBrowser, openPage } from "./browser.ts";

const root = new URL("../../", import.meta.url);
const artifacts = new URL(".ci/artifacts/", root);

Deno.test({
  name: "the page starts a run, shows its steps as they move, and answers its approval",
  ...inBrowser,
  async fn() {
    await using it = await servePage();
    await using opened = await openPage(`${it.url}/app`);
    const { page, problems } = opened;

    await page.fill("[name=title]", "Leases & locks");
    await page.click("text=Start a run");
    await page.waitForSelector("[data-step=review][data-status=waiting]");
    assertEquals(await pictureOf(page), [
      ["draft", "completed"],
      ["review", "waiting"],
      ["published", "created"],
      ["announcement", "created"],
    ]);
    await keep(page, "page_waiting.png");

    await page.click("text=Approve");
    await page.waitForSelector("[data-step=published][data-status=completed]");
    await page.waitForSelector("[data-step=announcement][data-status=started]");
    await it.sql`update pgflow.step_tasks set due_at = now() where due_at is not null`;
    await page.waitForSelector("#run[data-status=completed]");
    assertEquals((await pictureOf(page)).map(([, status]) => status), Array(4).fill("completed"));
    const [run] = await it.sql`select status, output, owner::text as owner from pgflow.runs`;
    assertEquals([run!["status"], Object.keys(run!["output"])], ["completed", ["announcement"]]);
    assertEquals(run!["owner"] !== null, true);

    // What is shown is the run of the address, also after a reload.
    await page.reload();
    await page.waitForSelector("#run[data-status=completed]");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    const width = await page.evaluate("document.documentElement.scrollWidth");
    await keep(page, "page_dark_phone.png");
    assertEquals([width, problems], [390, []]);
  },
});

Deno.test({
  name: "the page shows a run that another program changes, a refusal, and what went wrong",
  ...inBrowser,
  async fn() {
    await using it = await servePage();
    await using opened = await openPage(`${it.url}/app`);
    const { page, problems } = opened;
    const statusOf = () => page.getAttribute("#run", "data-status");

    await page.click("text=Start a run");
    await page.waitForSelector("[data-step=review][data-status=waiting]");
    await page.click("text=Decline");
    await page.waitForSelector("#run[data-status=completed]");
    assertEquals((await pictureOf(page)).map(([, status]) => status), [
      "completed",
      "completed",
      "skipped",
      "skipped",
    ]);

    await page.click("text=Start a run");
    await page.waitForSelector("[data-step=review][data-status=waiting]");
    const [run] = await it.sql`select run_id from pgflow.runs where status = 'started'`;
    await it.sql`select pgflow.cancel_run(${run!["run_id"]})`;
    await page.waitForSelector("#run[data-status=cancelled]");
    assertEquals([await statusOf(), await page.isHidden("#problem"), problems], [
      "cancelled",
      true,
      [],
    ]);

    await it.sql`select pgflow.delete_flow_and_data('publish_article')`;
    await page.click("text=Start a run");
    await page.waitForSelector("#problem:not([hidden])");
    assertEquals(
      (await page.textContent("#problem"))?.startsWith('Cannot start flow "publish_article": '),
      true,
    );
  },
});

Deno.test("what the page loads needs neither Deno nor Node, and holds no secret and no handler", async () => {
  const secrets = { secret: "secret-1", serviceRole: "secret-2", jwtSecret: "secret-3" };
  const keys = { publishable: "public-1", anon: "public-2", ...secrets };
  const routes = appRoutes(new URL("app/", root), new URL("deno.json", root), keys);
  const response = await routes["/app/main.js"]!(new Request("http://localhost/app/main.js"));
  const script = await response.text();

  assertEquals(script.includes("startFlow"), true, script.slice(0, 500));
  assertEquals(script.match(/from "(node|npm):|require\("|secret-\d/g), null);
  // Handlers stay on the server: only the flow's type was imported.
  assertEquals(script.includes("teaser: run.text"), false);
});

function servePage(): Promise<ServedClient> {
  return serveClient(
    [PublishArticle],
    (keys) => appRoutes(new URL("app/", root), new URL("deno.json", root), keys),
  );
}

/** The steps and their statuses as they are drawn. */
async function pictureOf(page: Page): Promise<(string | null)[][]> {
  const items = await page.locator("[data-step]").all();
  return await Promise.all(
    items.map((item) =>
      Promise.all(["data-step", "data-status"].map((name) => item.getAttribute(name)))
    ),
  );
}

async function keep(page: Page, name: string): Promise<void> {
  await Deno.mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: new URL(name, artifacts).pathname, fullPage: true });
  console.log(`Screenshot: .ci/artifacts/${name}`);
}
