import { type Block, readBlocks } from "./blocks.ts";

/** The project's folder. */
export const root = new URL("../../", import.meta.url);

/** README.md. */
export const readme: string = Deno.readTextFileSync(new URL("README.md", root));

/** Its fenced blocks. */
export const blocks: readonly Block[] = readBlocks(readme);

/** Returns the only block of a language under a heading, or one of several. */
export function blockOf(section: string, language: string, nth = 0): Block {
  const found = blocks.filter((block) => block.section === section && block.language === language);
  if (found[nth] === undefined) throw new Error(`There is no ${language} block under "${section}"`);
  return found[nth];
}

/** Returns the block that follows one, if it is in the language of outputs. */
export function outputOf(block: Block): Block | undefined {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.section === block.section && /^(text|json)$/.test(next.language) ? next : undefined;
}

/** Returns a text in which times, durations, ids, keys and ports, which are never the same, are. */
export function withoutChance(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replace(/\b\d\d:\d\d:\d\d\.\d{3}\b/g, "<time>")
    .replace(/\b\d+ ms\b/g, "<ms>")
    .replace(/("duration_ms": ?)\d+/g, "$1<ms>")
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, "<id>")
    .replace(/ [0-9a-f]{8}: /g, " <id>: ")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:<port>")
    .replace(/(sb_publishable_|sb_secret_|eyJ)[\w.…-]+/g, "$1<key>")
    .replace(/("worker_id": ?")[^"]+/g, "$1<id>");
}
