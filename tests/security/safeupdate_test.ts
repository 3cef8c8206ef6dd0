import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";

/**
 * The platform's API refuses an UPDATE or DELETE without a WHERE clause, in functions too, by a
 * module (safeupdate) that is not to be had here; so the functions' texts are read instead.
 */
Deno.test("each UPDATE and DELETE of pgflow's functions has a WHERE clause", async () => {
  await using database = await testDatabase();
  const functions = await database.sql`
    select p.oid::regproc::text as name, p.prosrc as text
    from pg_proc p
    where p.pronamespace in ('pgflow'::regnamespace, 'public'::regnamespace)
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  `;

  const statements = functions.flatMap(({ name, text }) =>
    changes(text).map((statement) => ({ name, statement }))
  );
  const unsafe = statements.filter(({ statement }) => !/\bwhere\b/.test(ownText(statement)));

  assertEquals(unsafe, []);
  assertEquals(statements.length > 40, true, `${statements.length} statements`);
});

Deno.test("changes() and ownText() find the statements without a WHERE clause of their own", () => {
  const text = `
    update a set b = 1; -- where
    delete from a;
    with x as (update a set b = (select 1 from c where true) returning b)
    select 1 from x where true;
    insert into a values (1) on conflict (b) do update set b = 1;
    select from a for update;
    select from a where c for no key update skip locked;
    execute format($query$ update pgmq.%I as m set vt = 1 $query$, 'a');
    update a set b = 'where' where c;
    perform 'update a set b';
  `;

  assertEquals(
    changes(text).map((statement) => [
      statement.replaceAll(/\s+/g, " ").trim(),
      /\bwhere\b/.test(ownText(statement)),
    ]),
    [
      ["update a set b = 1", false],
      ["delete from a", false],
      ["update a set b = (select 1 from c where true) returning b", false],
      ["update pgmq.%I as m set vt = 1", false],
      ["update a set b = '' where c", true],
    ],
  );
});

/** Returns each UPDATE and DELETE, up to the end of the statement or of the parentheses it is in. */
function changes(text: string): string[] {
  const code = text
    .replaceAll(/--.*$/gm, "")
    .replaceAll("$query$", ";")
    .replaceAll(/'(?:[^']|'')*'/g, "''");
  const starts = code.matchAll(
    /(?<!\bfor\s|\bfor no key\s|\bdo\s)\b(?:update\s+(?!skip|set)[\w."%$]+(?:\s+as)?(?:\s+\w+)?\s+set\b|delete\s+from\b)/g,
  );
  return Array.from(starts, ({ index }) => {
    let depth = 0;
    for (let end = index; end < code.length; end++) {
      if (code[end] === "(") depth++;
      if (code[end] === ")") depth--;
      if (depth < 0 || code[end] === ";" && depth === 0) return code.slice(index, end);
    }
    return code.slice(index);
  });
}

/** Returns a statement without what is in parentheses: the conditions there are of others. */
function ownText(statement: string): string {
  let text = statement;
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replaceAll(/\([^()]*\)/g, "");
  }
  return text;
}
