import { type Browser, chromium, type Page } from "playwright-core";

const executablePath = ["chromium", "chromium-browser", "google-chrome"]
  .map((name) => `/usr/bin/${name}`)
  .find((path) => exists(path));

/** What a test of a page says about itself: without a browser it is skipped. */
export const inBrowser = {
  ignore: executablePath === undefined,
  // The browser's pipes close after it has ended.
  sanitizeOps: false,
  sanitizeResources: false,
};

if (inBrowser.ignore) {
  console.log("Pages are not tested: no Chromium is installed (apt-get install chromium)");
}

/** What keeps a browser of Debian from asking for anything else than the page. */
const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page in a browser of its own. */
export interface OpenedPage extends AsyncDisposable {
  page: Page;
  /** What went wrong in its scripts. */
  problems: string[];
}

/** Opens a page. */
export async function openPage(url: string): Promise<OpenedPage> {
  const browser: Browser = await chromium.launch({ executablePath: executablePath!, args });
  const page = await browser.newPage({ viewport: { width: 900, height: 900 } });
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(url);
  return { page, problems, [Symbol.asyncDispose]: () => browser.close() };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
