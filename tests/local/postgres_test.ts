import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import postgres from "postgres";
import { PgflowError } from "../../lib/errors.ts";
import { startPostgres } from "../../lib/local/postgres.ts";
import { openFolder } from "./open_folder.ts";
import { runProgram } from "./program.ts";

const program = new URL("./programs/start_postgres.ts", import.meta.url);

Deno.test("startPostgres() offers pgmq and pgTAP, listens on this machine only and takes settings", async () => {
  await using server = await startPostgres({ settings: { work_mem: "7MB" } });
  const sql = postgres(server.url, { max: 1 });

  const [row] = await sql`
    select
      current_setting('server_version_num')::int / 10000 as version,
      current_setting('listen_addresses') as addresses,
      current_setting('work_mem') as work_mem,
      current_setting('fsync') as fsync,
      array(
        select name || ' ' || default_version
        from pg_available_extensions
        where name in ('pgmq', 'pgtap')
        order by name
      ) as extensions
  `;
  await sql.end();

  assertEquals({ ...row }, {
    version: 17,
    addresses: "127.0.0.1",
    work_mem: "7MB",
    fsync: "off",
    extensions: ["pgmq 1.11.1", "pgtap 1.3.5"],
  });
});

Deno.test("startPostgres() with durable waits for the disk, as a power cut demands", async () => {
  await using server = await startPostgres({ durable: true });
  const sql = postgres(server.url, { max: 1 });

  const [row] = await sql`select current_setting('fsync') f, current_setting('full_page_writes') w`;
  await sql.end();

  assertEquals({ ...row }, { f: "on", w: "on" });
});

Deno.test("createDatabase() copies a template", async () => {
  await using server = await startPostgres();
  const template = postgres(await server.createDatabase("base"), { max: 1 });
  await template`create table t as select 42 as n`;
  await template.end();

  const copy = postgres(await server.createDatabase("copy", { template: "base" }), {
    max: 1,
  });
  const rows = await copy`select n from t`;
  await copy.end();

  assertEquals(rows.map(({ n }) => n), [42]);
});

Deno.test("two servers run at once, each with its own data", async () => {
  const [one, two] = await Promise.all([startPostgres(), startPostgres()]);
  await using _one = one;
  await using _two = two;

  await one.createDatabase("shared_name");
  await two.createDatabase("shared_name");
});

Deno.test("stop() leaves neither data nor a process", async () => {
  const server = await startPostgres();
  const sql = postgres(server.url, { max: 1 });
  const [row] = await sql<[{ folder: string }]>`select current_setting('data_directory') as folder`;
  await sql.end();

  await server.stop();

  await assertRejects(() => Deno.lstat(row.folder), Deno.errors.NotFound);
  await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port: server.port }));
});

for (const signal of ["SIGKILL", "SIGINT", "SIGTERM", "SIGHUP", "group"] as const) {
  Deno.test(`a server ends with its process, and so does its data: ${signal}`, async () => {
    await using folder = await openFolder();
    await using running = runProgram(program, { env: { TMPDIR: folder.path } });
    const port = Number((await running.line("port")).split(" ")[1]);
    using witness = await Deno.connect({ hostname: "127.0.0.1", port });

    if (signal === "group") await running.killGroup();
    else running.kill(signal);

    assertEquals((await running.ended).signal, signal === "group" ? "SIGKILL" : signal);
    assertEquals(await witness.read(new Uint8Array(1)), null);
    await folder.emptied();
    await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }));
  });
}

Deno.test("startPostgres() says what is wrong with a setting or a port", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(taken.addr.port);

  const badSetting = await errorOf(startPostgres({ settings: { work_mem: "lots" } }));
  const badPort = await errorOf(startPostgres({ settings: { port } }));

  assertEquals([badSetting.message, badPort.message], [
    'Cannot start Postgres: invalid value for parameter "work_mem": "lots"',
    'Cannot start Postgres: could not bind IPv4 address "127.0.0.1": Address already in use',
  ]);
});

Deno.test("startPostgres() names a folder it cannot write, and the remedy", async () => {
  await using folder = await openFolder();
  const env = { TMPDIR: `${folder.path}/missing` };

  const { lines } = await runProgram(program, { env }).ended;

  assertEquals(lines[0]?.startsWith("error Cannot start Postgres: mktemp:"), true, lines[0]!);
  assertEquals(lines[0]?.includes(env.TMPDIR), true);
  assertEquals(
    lines[1],
    "hint Set TMPDIR to a folder in which the server's user (as root: nobody) may create files",
  );
});

Deno.test("startPostgres() names a program it cannot find, and the remedy", async () => {
  const { lines } = await runProgram(program, { env: { PATH: "/nowhere" } }).ended;

  const isRoot = Deno.uid() === 0;
  assertEquals(
    lines[0]?.split(":")[0],
    [
      isRoot ? 'error Cannot find user "nobody"' : 'error Cannot run program "sh"',
    ][0],
  );
});

async function errorOf(promise: Promise<unknown>): Promise<PgflowError> {
  const error = await promise.then(() => undefined, (error) => error);
  assertInstanceOf(error, PgflowError);
  return error;
}

Deno.test("crash() ends the server, which comes back with what was committed", async () => {
  await using server = await startPostgres();
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  await sql`create table t as select 1 as n`;
  const [before] = await sql`select pg_postmaster_start_time() as at`;

  await server.crash();

  await sql.end();
  const again = postgres(server.url, { max: 1, onnotice: () => {} });
  const [after] = await again`
    select pg_postmaster_start_time() > ${before!.at} as restarted, array(select n from t) as rows`;
  await again.end();
  assertEquals({ ...after }, { restarted: true, rows: [1] });
});
