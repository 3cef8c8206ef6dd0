import { Parser } from "htmlparser2";

/** What {@linkcode readHtml} tells about, in the order of the page. */
export interface HtmlReader {
  /** An element begins. */
  open?(name: string, attributes: Record<string, string>): void;
  /** A piece of text, its entities decoded. */
  text?(text: string): void;
  /** An element ends, if only because another one cannot be inside it. */
  close?(name: string): void;
}

/** Nothing in these is for a reader's eyes; an svg has a title of its own. */
const unseen = new Set(["script", "style", "noscript", "template", "svg", "iframe"]);

/** Reads a page from top to bottom, without what nobody sees. */
export function readHtml(html: string, reader: HtmlReader): void {
  let unseenDepth = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (unseen.has(name)) unseenDepth++;
      if (unseenDepth === 0) reader.open?.(name, attributes);
    },
    ontext(text) {
      if (unseenDepth === 0) reader.text?.(text);
    },
    onclosetag(name) {
      if (unseenDepth === 0) reader.close?.(name);
      if (unseen.has(name)) unseenDepth--;
    },
  });
  // Postgres cannot store this character, and HTML does not allow it.
  parser.end(html.replaceAll("\0", ""));
}
