import { readHtml } from "./read_html.ts";
import { singleSpaced } from "./single_spaced.ts";

/** Elements inside a line of text; all others begin and end one. */
const inline = new Set(
  "a abbr b bdi bdo cite code data del dfn em font i ins kbd mark q s samp small span strong sub sup time u var wbr"
    .split(" "),
);

/** Returns the text that a visitor of a page reads, a line per block. */
export function visibleText(html: string): string {
  const lines = [""];
  let inTitle = false;

  readHtml(html, {
    open(name) {
      if (name === "title") inTitle = true;
      if (!inline.has(name)) lines.push("");
    },
    text(piece) {
      if (!inTitle) lines[lines.length - 1] += piece;
    },
    close(name) {
      if (name === "title") inTitle = false;
      if (!inline.has(name)) lines.push("");
    },
  });

  return lines.map(singleSpaced).filter((line) => line !== "").join("\n");
}
