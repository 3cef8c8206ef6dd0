import { Flow } from "pgflow/dsl";

/** Counts the words of each paragraph at the same time, and adds up. */
export const WordCount = new Flow<{ text: string }>({ slug: "word_count" })
  .step("paragraphs", ({ run }) => run.text.split(/\n{2,}/).filter((text) => text.trim() !== ""))
  .map("counts", "paragraphs", (paragraph) => paragraph.match(/[\p{L}\p{N}'’]+/gu)?.length ?? 0)
  .step("total", ["counts"], ({ counts }) => ({
    paragraphs: counts.length,
    words: counts.reduce((sum, count) => sum + count, 0),
    longest: Math.max(0, ...counts),
  }));
