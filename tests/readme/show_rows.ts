import type postgres from "postgres";

const NUMBERS = [20, 21, 23, 700, 701, 1700];
const decoder = new TextDecoder();

/** Runs a statement and returns what psql would print, without spaces at the end of lines. */
export async function showRows(sql: postgres.Sql, statement: string): Promise<string> {
  const answer = await sql.unsafe(statement).raw();
  const { columns } = answer as unknown as { columns: { name: string; type: number }[] };
  const rows = answer.map((row) =>
    (row as unknown as (Uint8Array | null)[]).map((cell) =>
      cell === null ? "" : decoder.decode(cell)
    )
  );
  const widths = columns.map(({ name }, index) =>
    Math.max(name.length, ...rows.map((row) => row[index]!.length))
  );
  const line = (cells: string[]) => ` ${cells.join(" | ")}`.trimEnd();
  return [
    line(columns.map(({ name }, index) => center(name, widths[index]!))),
    widths.map((width) => "-".repeat(width + 2)).join("+"),
    ...rows.map((row) =>
      line(
        row.map((cell, index) =>
          NUMBERS.includes(columns[index]!.type)
            ? cell.padStart(widths[index]!)
            : cell.padEnd(widths[index]!)
        ),
      )
    ),
    `(${rows.length} row${rows.length === 1 ? "" : "s"})`,
    "",
  ].join("\n");
}

function center(text: string, width: number): string {
  return text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width);
}
