import { assertEquals } from "@std/assert";
import { connect } from "../../lib/db/mod.ts";
import { testDatabase } from "../database.ts";
import { wireProxy } from "./wire_proxy.ts";

for (const when of ["before", "after"] as const) {
  for (const prepare of [true, false]) {
    const name = `${when} the second start, ${prepare ? "prepared" : "unprepared"}`;
    Deno.test(`wireProxy() stops all that comes ${name}`, async () => {
      await using database = await testDatabase({ direct: true });
      const hit = Promise.withResolvers<void>();
      const seen: string[] = [];
      await using proxy = wireProxy(database.url, {
        point: { statement: "start_flow", when, nth: 2 },
        onPoint: () => hit.resolve(),
        onStatement: (statement) => seen.push(statement),
      });
      const db = connect(proxy.url, { max: 1, prepare });
      const shape = { steps: [{ step_slug: "only", deps_slugs: [] }] };
      await db.ensureFlowCompiled("flow", shape);
      await db.startFlow({ flowSlug: "flow", input: 1 });

      const second = db.startFlow({ flowSlug: "flow", input: 2 })
        .then(() => "answered", () => "cut");
      await hit.promise;
      db.cut();

      assertEquals(await second, "cut");
      const runs = await database.sql`select input from pgflow.runs order by started_at`;
      assertEquals(runs.map((run) => run.input), when === "before" ? [1] : [1, 2]);
      assertEquals(seen, ["ensure_flow_compiled", "start_flow", "start_flow"]);
      await db.close();
    });
  }
}
