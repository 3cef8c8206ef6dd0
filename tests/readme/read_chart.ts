/**
 * Returns the transitions of a mermaid chart as sorted lines, `a --> b`: of a state diagram, or of a
 * flowchart, in which `a & b <--> c` stands for four.
 */
export function readChart(text: string): string[] {
  const statements = text.split(/[;\n]/).map((part) => part.replace(/:.*/, "").trim());
  const found = new Set<string>();
  for (const statement of statements) {
    const match = /^(.+?)\s*(<?-->)\s*(.+)$/.exec(statement);
    if (match === null) continue;
    const [from, to] = [match[1]!, match[3]!].map((names) => names.split("&").map((x) => x.trim()));
    for (const a of from!) {
      for (const b of to!) {
        found.add(`${a} --> ${b}`);
        if (match[2] === "<-->") found.add(`${b} --> ${a}`);
      }
    }
  }
  return [...found].sort();
}
