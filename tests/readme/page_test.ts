import { assertEquals } from "@std/assert";
import { PublishArticle } from "../../flows/publish_article.ts";
import { appRoutes } from "../../lib/local/app_routes.ts";
import { inBrowser, openPage } from "../app/browser.ts";
import { serveClient } from "../local/served_client.ts";
import { tempProject } from "../local/temp_project.ts";
import { blockOf } from "./readme.ts";

Deno.test({
  name: "README.md: the page starts a run, answers it and follows it to its end",
  ...inBrowser,
  async fn() {
    await using project = await tempProject();
    await project.write("app/index.html", blockOf("In an app", "html").text);
    await project.write("app/main.ts", blockOf("In an app", "ts", 1).text);
    const [app, config] = ["app/", "deno.json"].map((path) => new URL(path, project.root));
    await using it = await serveClient([PublishArticle], (keys) => appRoutes(app!, config!, keys));
    await using opened = await openPage(`${it.url}/app`);
    const { page, problems } = opened;

    await page.click("text=Publish");
    await page.waitForFunction("/completed\\n$/.test(document.querySelector('pre').textContent)");
    while (!(await page.textContent("pre"))!.includes("run:completed")) {
      await it.sql`update pgflow.step_tasks set due_at = now() where due_at is not null`;
    }

    const steps = Array(4).fill(["step:started", "step:completed"]).flat();
    assertEquals(
      (await page.textContent("pre"))!.trim().split("\n"),
      ["run:started", ...steps, "run:completed"],
    );
    assertEquals(problems, []);
  },
});
