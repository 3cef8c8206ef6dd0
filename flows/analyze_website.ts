import { Flow, type } from "pgflow/dsl";
import { fetchPage } from "./analyze_website/fetch_page.ts";
import { findLinks } from "./analyze_website/find_links.ts";
import { measureText } from "./analyze_website/measure_text.ts";
import { outlinePage } from "./analyze_website/outline_page.ts";
import { visibleText } from "./analyze_website/visible_text.ts";

/**
 * Fetches a page, looks at its outline, links and text at the same time, and saves a report.
 *
 * The table it writes to is in `analyze_website.sql`.
 */
export const AnalyzeWebsite = new Flow({
  slug: "analyze_website",
  input: type<{ url: string }>(),
})
  .step("page", ({ run }, ctx) => fetchPage(run.url, ctx.signal), { timeout: 30 })
  .step("outline", ["page"], ({ page }) => outlinePage(page.html))
  .step("links", ["page"], ({ page }) => findLinks(page.html, page.url))
  .step("text", ["page"], ({ page }) => measureText(visibleText(page.html)))
  // It does not depend on the page itself, which would send all of its HTML once more.
  .step("report", ["outline", "links", "text"], async ({ run, outline, links, text }, ctx) => {
    const { title } = outline;
    // The run's id is unique in the table, so that a second attempt adds no second row.
    await ctx.sql`
      insert into public.website_reports (run_id, url, title, report)
      values (${ctx.runId}, ${run.url}, ${title}, ${ctx.sql.json({ outline, links, text })})
      on conflict (run_id) do nothing`;
    ctx.log.info("saved a report", { url: run.url, words: text.words });

    return {
      title,
      words: text.words,
      minutes: text.minutes,
      terms: text.terms.map(({ term }) => term),
      sentiment: text.sentiment.score,
      links: { internal: links.internal.length, external: links.external.length },
    };
  });
