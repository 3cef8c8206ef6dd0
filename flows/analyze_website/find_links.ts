import { readHtml } from "./read_html.ts";
import { singleSpaced } from "./single_spaced.ts";

/** The links of a page to other pages, each address once, in the order of the page. */
export interface Links {
  /** Those to the page's own host. */
  internal: Link[];
  /** Those to other hosts. */
  external: Link[];
}

/** One link. */
export interface Link {
  /** The absolute address, without a fragment. */
  url: string;
  /** The text of the first link to it. */
  text: string;
}

/** Returns the links of a page that stands at `pageUrl`. */
export function findLinks(html: string, pageUrl: string): Links {
  const found = new Map<string, Link>();
  let base = pageUrl;
  let link: Link | undefined;

  readHtml(html, {
    open(name, { href }) {
      if (href === undefined) return;
      if (name === "base") base = resolve(href, pageUrl)?.href ?? base;
      if (name !== "a" && name !== "area") return;
      const url = resolve(href, base);
      if (url === undefined || url.href === resolve("", pageUrl)?.href) return;
      const here: Link = { url: url.href, text: "" };
      if (!found.has(here.url)) found.set(here.url, here);
      if (name === "a") link = here;
    },
    text(piece) {
      if (link !== undefined) link.text += piece;
    },
    close(name) {
      if (name === "a") link = undefined;
    },
  });

  const host = new URL(pageUrl).host;
  const links: Links = { internal: [], external: [] };
  for (const { url, text } of found.values()) {
    const side = new URL(url).host === host ? links.internal : links.external;
    side.push({ url, text: singleSpaced(text) });
  }
  return links;
}

/** Returns the absolute address without its fragment, or undefined for `mailto:` and nonsense. */
function resolve(href: string, base: string): URL | undefined {
  if (!URL.canParse(href, base)) return undefined;
  const url = new URL(href, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  url.hash = "";
  return url;
}
