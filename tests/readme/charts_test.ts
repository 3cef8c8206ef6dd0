import { assertEquals } from "@std/assert";
import type postgres from "postgres";
import { testDatabase } from "../database.ts";
import { noteTransitions, type Stateful, takeEveryWay } from "./note_transitions.ts";
import { readChart } from "./read_chart.ts";
import { blockOf } from "./readme.ts";

const charts: { name: string; table: Stateful; text: string }[] = [
  { name: "the step on the first screen", table: "step_states", text: blockOf("", "mermaid").text },
  { name: "the run", table: "runs", text: blockOf("States", "mermaid", 0).text },
  { name: "the step", table: "step_states", text: blockOf("States", "mermaid", 1).text },
  { name: "the task", table: "step_tasks", text: blockOf("States", "mermaid", 2).text },
];

Deno.test("README.md: the charts have the states that the constraints know, and every way between them", async () => {
  await using database = await testDatabase();
  const noted = await noteTransitions(database.sql);
  await takeEveryWay(database.sql);

  for (const { name, table, text } of charts) {
    const drawn = readChart(text);
    const hasStart = drawn.some((way) => way.startsWith("[*]"));
    const seen = (await noted(table)).filter((way) => hasStart || !way.startsWith("[*]"));
    assertEquals({ [name]: drawn }, { [name]: seen });

    const states = new Set(drawn.flatMap((way) => way.split(" --> ")));
    states.delete("[*]");
    assertEquals({ [name]: [...states].sort() }, { [name]: await statuses(database.sql, table) });
  }
});

/** The values that the constraint allows. */
async function statuses(sql: postgres.Sql, table: Stateful): Promise<string[]> {
  const [row] = await sql`
    select pg_get_constraintdef(oid) as text from pg_constraint
    where conname = 'status_is_known' and conrelid = ${`pgflow.${table}`}::regclass`;
  return [...(row!.text as string).matchAll(/'(\w+)'/g)].map((match) => match[1]!).sort();
}
