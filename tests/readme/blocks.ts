/** A fenced block of README.md. */
export interface Block {
  /** What stands behind the fence: `ts`, `sql`, `sh`, …; `sh supabase` needs Docker or a project. */
  language: string;
  text: string;
  /** The heading it stands under; none on the first screen. */
  section: string;
  /** The line of its opening fence, counted from 1. */
  line: number;
}

/** Returns the blocks in order. */
export function readBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let section = "";
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (open !== undefined) {
      if (fence === null) open.text += `${line}\n`;
      else open = undefined;
    } else if (fence !== null) {
      open = { language: fence[1]!, text: "", section, line: index + 1 };
      blocks.push(open);
    } else {
      section = /^## (.*)$/.exec(line)?.[1] ?? section;
    }
  }
  return blocks;
}

/** Returns the cells of the table under a heading, without its first row; the n-th if there are more. */
export function readTable(markdown: string, section: string, nth = 0): string[][] {
  const text = markdown.split(`\n## ${section}\n`)[1]?.split("\n## ")[0] ?? "";
  const tables = text.split("\n\n").map((part) => part.trim())
    .filter((part) => part.startsWith("|"));
  const rows = (tables[nth] ?? "").split("\n").slice(2);
  return rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

/** Returns what stands between backticks in a text, blocks left out. */
export function codeSpans(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "");
  return [...prose.matchAll(/`([^`]+)`/g)].map((match) => match[1]!.replace(/\s+/g, " "));
}
