import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";
import { readTable } from "./blocks.ts";
import { readme } from "./readme.ts";

Deno.test("README.md: the API's functions and who may call them are those of the database", async () => {
  await using database = await testDatabase();
  const rows = readTable(readme, "Security");
  const said = rows.flatMap(([functions, anon, authenticated, server]) =>
    functions!.split(", ").map((name) => ({
      name: name.replaceAll("`", ""),
      anon: anon !== "–",
      authenticated: authenticated !== "–",
      service_role: server !== "–",
    }))
  );

  const granted = await database.sql`
    select
      p.proname as name,
      has_function_privilege('anon', p.oid, 'execute') as anon,
      has_function_privilege('authenticated', p.oid, 'execute') as authenticated,
      has_function_privilege('service_role', p.oid, 'execute') as service_role
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  `;

  const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
  assertEquals(said.toSorted(byName), granted.map((row) => ({ ...row })).sort(byName as never));
});
