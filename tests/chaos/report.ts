import type { Verdict } from "./verdict.ts";

/** What one scenario did and what became of it. */
export interface Row {
  scenario: string;
  kills: number;
  /** How often Postgres crashed and started again. */
  restarts: number;
  verdict: Verdict;
}

const HEADS = ["what", "runs", "kills", "restarts", "re-executions", "lost", "doubled"];

/** Returns a table, in the form of Markdown, of scenarios and their sum. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ scenario, kills, restarts, verdict }) => [
    scenario,
    verdict.runs,
    kills,
    restarts,
    verdict.reExecutions,
    verdict.lost.length,
    verdict.doubled.length,
  ]);
  const sums = HEADS.slice(1).map((_, index) =>
    cells.reduce((sum, row) => sum + (row[index + 1] as number), 0)
  );
  const lines = [HEADS, ...cells, ["together", ...sums]].map((row) => row.map(String));
  const widths = HEADS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const draw = (line: string[]) =>
    `| ${
      line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(
        " | ",
      )
    } |`;
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":");
  return [draw(lines[0]!), draw(rule), ...lines.slice(1).map(draw)].join("\n");
}
