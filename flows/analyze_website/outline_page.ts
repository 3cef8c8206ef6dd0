import { readHtml } from "./read_html.ts";
import { singleSpaced } from "./single_spaced.ts";

/** The headings of a page as a table of contents. */
export interface Outline {
  /** The page's title, or its first heading. */
  title: string | null;
  /** The language that the page says it is in. */
  language: string | null;
  /** The headings that are below no other. */
  headings: Heading[];
}

/** A heading and those below it. */
export interface Heading {
  /** 1 to 6. */
  level: number;
  /** Its text. */
  text: string;
  /** The headings of higher levels until the next one of this level. */
  headings: Heading[];
}

/** Returns the outline of a page. */
export function outlinePage(html: string): Outline {
  const outline: Outline = { title: null, language: null, headings: [] };
  const above: Heading[] = [];
  let reading: string | undefined;
  let text = "";

  readHtml(html, {
    open(name, attributes) {
      if (name === "html") outline.language = attributes["lang"] || null;
      if (reading === undefined && (name === "title" || levelOf(name) !== undefined)) {
        reading = name;
        text = "";
      }
    },
    text(piece) {
      if (reading !== undefined) text += piece;
    },
    close(name) {
      if (name !== reading) return;
      reading = undefined;
      text = singleSpaced(text);
      if (text === "") return;
      const level = levelOf(name);
      if (level === undefined) outline.title ??= text;
      else addHeading({ level, text, headings: [] });
    },
  });

  outline.title ??= outline.headings[0]?.text ?? null;
  return outline;

  function addHeading(heading: Heading): void {
    while (above.length > 0 && above.at(-1)!.level >= heading.level) above.pop();
    (above.at(-1) ?? outline).headings.push(heading);
    above.push(heading);
  }
}

function levelOf(name: string): number | undefined {
  return /^h[1-6]$/.test(name) ? Number(name[1]) : undefined;
}
