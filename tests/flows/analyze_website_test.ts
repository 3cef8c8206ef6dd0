import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { PermanentError, type Sql } from "pgflow/dsl";
import { AnalyzeWebsite } from "../../flows/analyze_website.ts";
import { fetchPage } from "../../flows/analyze_website/fetch_page.ts";
import { findLinks } from "../../flows/analyze_website/find_links.ts";
import { measureText } from "../../flows/analyze_website/measure_text.ts";
import { outlinePage } from "../../flows/analyze_website/outline_page.ts";
import { visibleText } from "../../flows/analyze_website/visible_text.ts";
import { runInMemory } from "./run_in_memory.ts";

const page = `<!doctype html>
<html lang="en">
  <head><title>Good &amp; cheap
    queues</title><style>p { color: red }</style></head>
  <body>
    <svg><title>Logo</title></svg>
    <h1>Queues <em>are</em> good</h1>
    <p>A queue is a <b>won</b>derful, happy table.<br>A queue can be a terrible bottleneck.
    <h3>Tables</h3>
    <script>document.write("<h2>Nothing</h2>")</script>
    <h2>Workers</h2><h2></h2>
    <p>See <a href="/docs#top">the <i>docs</i></a>, <a href="https://other.example/x">x</a>,
      <a href="#top">top</a>, <a href="mailto:a@b.example">mail</a>, <a href="/docs">again</a>.</p>
  </body>
</html>`;

Deno.test("outlinePage() nests headings by their level", () => {
  assertEquals(outlinePage(page), {
    title: "Good & cheap queues",
    language: "en",
    headings: [{
      level: 1,
      text: "Queues are good",
      headings: [
        { level: 3, text: "Tables", headings: [] },
        { level: 2, text: "Workers", headings: [] },
      ],
    }],
  });
});

Deno.test("outlinePage() takes the first heading for a title, and null if there is none", () => {
  const heading = { level: 2, text: "Hello", headings: [] };
  // Neither of them is closed.
  assertEquals(outlinePage("<title>"), { title: null, language: null, headings: [] });
  assertEquals(outlinePage("<h2>Hello"), { title: "Hello", language: null, headings: [heading] });
  assertEquals(outlinePage(""), { title: null, language: null, headings: [] });
});

Deno.test("findLinks() tells the page's own links from others, each once and absolute", () => {
  assertEquals(findLinks(page, "https://queues.example/start?x=1"), {
    internal: [{ url: "https://queues.example/docs", text: "the docs" }],
    external: [{ url: "https://other.example/x", text: "x" }],
  });
});

Deno.test("findLinks() resolves addresses by the page's base and passes over broken ones", () => {
  const html = `<base href="/docs/"><a href="a">a</a><a href="http://[">b</a><a>c</a>
    <map><area href="d"></map>text`;
  assertEquals(findLinks(html, "https://queues.example/start"), {
    internal: [
      { url: "https://queues.example/docs/a", text: "a" },
      { url: "https://queues.example/docs/d", text: "" },
    ],
    external: [],
  });
});

Deno.test("visibleText() is what a visitor reads, a line per block", () => {
  assertEquals(
    visibleText(page),
    [
      "Queues are good",
      "A queue is a wonderful, happy table.",
      "A queue can be a terrible bottleneck.",
      "Tables",
      "Workers",
      "See the docs, x, top, mail, again.",
    ].join("\n"),
  );
});

Deno.test("visibleText() leaves out the character that Postgres cannot store", () => {
  assertEquals(visibleText("<p>a\0b"), "ab");
});

Deno.test("measureText() counts words, terms and moods", () => {
  assertEquals(measureText(visibleText(page)), {
    words: 26,
    minutes: 1,
    terms: [
      { term: "queue", count: 3 },
      { term: "table", count: 2 },
      { term: "bottleneck", count: 1 },
      { term: "wonderful", count: 1 },
      { term: "terrible", count: 1 },
      { term: "workers", count: 1 },
      { term: "happy", count: 1 },
      { term: "good", count: 1 },
      { term: "docs", count: 1 },
      { term: "mail", count: 1 },
    ],
    sentiment: {
      score: 1.8,
      positive: ["wonderful", "good", "happy", "top"],
      negative: ["terrible"],
    },
  });
});

Deno.test("measureText() of no text, and of words that are names of an object's methods", () => {
  const none = { score: null, positive: [], negative: [] };
  assertEquals(measureText(" \n"), { words: 0, minutes: 0, terms: [], sentiment: none });
  assertEquals(measureText("constructor toString").sentiment, none);
});

Deno.test("AnalyzeWebsite fetches a page, saves a report and returns a summary", async () => {
  await using server = serve(() => html(page));
  const statements: { text: string; values: readonly unknown[] }[] = [];
  const query = (text: TemplateStringsArray, ...values: readonly unknown[]) => {
    statements.push({ text: text.join("?").replace(/\s+/g, " ").trim(), values });
    return Promise.resolve([]);
  };
  const sql = Object.assign(query, { json: (value: unknown) => value }) as Sql;

  const output = await runInMemory(AnalyzeWebsite, { url: server.url }, { sql });

  const text = measureText(visibleText(page));
  const outline = outlinePage(page);
  const links = findLinks(page, server.url);
  assertEquals(output, {
    report: {
      title: "Good & cheap queues",
      words: 26,
      minutes: 1,
      terms: text.terms.map(({ term }) => term),
      sentiment: 1.8,
      links: { internal: 1, external: 1 },
    },
  });
  assertEquals(statements, [{
    text: "insert into public.website_reports (run_id, url, title, report) values (?, ?, ?, ?) " +
      "on conflict (run_id) do nothing",
    values: [
      "00000000-0000-4000-8000-000000000000",
      server.url,
      "Good & cheap queues",
      { outline, links, text },
    ],
  }]);
});

for (const address of ["", "example.com", "/page", "ftp://example.com", "javascript:alert(1)"]) {
  Deno.test(`fetchPage() refuses the address "${address}" for good`, async () => {
    const error = await assertRejects(() => fetchPage(address, signal()), PermanentError);
    assertEquals(error.message, `Cannot fetch page "${address}": it is not the address of a page`);
  });
}

Deno.test("fetchPage() gives up on a page that is missing, and tries a broken server again", async () => {
  const status: Record<string, number> = { "/missing": 404, "/busy": 429, "/broken": 503 };
  await using server = serve((request) =>
    new Response("", { status: status[new URL(request.url).pathname]! })
  );
  const outcomes = await Promise.all(
    Object.keys(status).map(async (path) => {
      const error = await assertRejects(() => fetchPage(`${server.url}${path}`, signal()));
      return [error instanceof PermanentError, error.message.replace(server.url, "")];
    }),
  );
  assertEquals(outcomes, [
    [true, 'Cannot fetch page "/missing": its server answered 404 Not Found'],
    [false, 'Cannot fetch page "/busy": its server answered 429 Too Many Requests'],
    [false, 'Cannot fetch page "/broken": its server answered 503 Service Unavailable'],
  ]);
});

Deno.test("fetchPage() gives up on what is not HTML or too large", async () => {
  await using server = serve((request) =>
    request.url.endsWith("/image")
      ? new Response("…", { headers: { "content-type": "image/png" } })
      : html("a".repeat(2_000_001))
  );
  const image = await assertRejects(
    () => fetchPage(`${server.url}/image`, signal()),
    PermanentError,
  );
  const large = await assertRejects(() => fetchPage(server.url, signal()), PermanentError);
  assertEquals([image.message, large.message], [
    `Cannot fetch page "${server.url}/image": it is of type "image/png", not HTML`,
    `Cannot fetch page "${server.url}": it is larger than 2 MB`,
  ]);
});

Deno.test("fetchPage() says that a server cannot be reached, and why", async () => {
  const closed = serve(() => html(page));
  await closed[Symbol.asyncDispose]();
  const error = await assertRejects(() => fetchPage(closed.url, signal()));
  assertEquals(error.message, `Cannot fetch page "${closed.url}": its server cannot be reached`);
  assertInstanceOf(error.cause, Error);
});

Deno.test("fetchPage() stops when its signal is aborted", async () => {
  const controller = new AbortController();
  await using server = serve(() => {
    controller.abort(new Error("the step timed out"));
    return html(page);
  });
  const error = await assertRejects(() => fetchPage(server.url, controller.signal));
  assertStringIncludes(error.message, "the step timed out");
});

Deno.test("fetchPage() follows redirections and reads the page's character set", async () => {
  await using server = serve((request) => {
    if (!request.url.endsWith("/latin1")) return Response.redirect(`${request.url}latin1`);
    const bytes = [...'<meta charset="latin1">größe'].map((character) => character.charCodeAt(0));
    return new Response(new Uint8Array(bytes), { headers: { "content-type": "text/html" } });
  });
  assertEquals(await fetchPage(server.url, signal()), {
    url: `${server.url}/latin1`,
    html: '<meta charset="latin1">größe',
  });
});

function serve(handler: (request: Request) => Response): { url: string } & AsyncDisposable {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function html(body: string): Response {
  return new Response(body, { headers: { "content-type": "text/html; charset=utf-8" } });
}

function signal(): AbortSignal {
  return new AbortController().signal;
}
