import { assertEquals } from "@std/assert";
import { testDatabase } from "../database.ts";

Deno.test("testDatabase() gives each caller a migrated database of its own", async () => {
  await using one = await testDatabase();
  await using two = await testDatabase();

  await one.sql`create table only_here (n int)`;

  const tables = await two.sql`select from pg_tables where tablename = 'only_here'`;
  assertEquals(tables.length, 0);
  const roles = await two.sql`
    select rolname, rolcanlogin, rolbypassrls
    from pg_roles
    where rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
    order by rolname
  `;
  assertEquals(roles.map((role) => Object.values(role)), [
    ["anon", false, false],
    ["authenticated", false, false],
    ["authenticator", true, false],
    ["service_role", false, true],
  ]);
});

Deno.test("testDatabase() leaves no database behind", async () => {
  await using witness = await testDatabase();
  let url: string;
  {
    await using gone = await testDatabase();
    url = gone.url;
  }

  const name = new URL(url).pathname.slice(1);
  assertEquals((await witness.sql`select from pg_database where datname = ${name}`).length, 0);
});
