import type postgres from "postgres";
import { testDatabase } from "../database.ts";

/** Questions to one migrated database that change nothing in it. */
export type Questions = Record<string, (sql: postgres.Sql) => Promise<void>>;

/** Defines a test with a step per question. */
export function askCatalogue(name: string, questions: Questions): void {
  Deno.test(name, async (test) => {
    await using database = await testDatabase();
    for (const [question, ask] of Object.entries(questions)) {
      await test.step(question, () => ask(database.sql));
    }
  });
}
