/** One line of the benchmark's table. */
export interface Figure {
  /** What was measured. */
  name: string;
  /** What it came to. */
  value: number;
  /** What the value counts. */
  unit: string;
  /** What the project promises: at least or at most. */
  target?: { atLeast: number } | { atMost: number };
  /** What to say instead of a target. */
  note?: string;
}

/** Prints figures as a table of Markdown. */
export function printTable(figures: Figure[]): void {
  console.log("| what | measured | unit | to reach |");
  console.log("| --- | ---: | --- | --- |");
  for (const { name, value, unit, target, note } of figures) {
    const digits = unit === "ratio" ? 2 : unit === "kB" || unit === "ms" || unit === "s" ? 1 : 0;
    const text = value.toLocaleString("en", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    console.log(`| ${name} | ${text} | ${unit} | ${note ?? describe(target, value)} |`);
  }
}

function describe(target: Figure["target"], value: number): string {
  if (target === undefined) return "";
  if ("atLeast" in target) {
    return `≥ ${target.atLeast}${value < target.atLeast ? ": missed" : ""}`;
  }
  return `≤ ${target.atMost}${value > target.atMost ? ": missed" : ""}`;
}
