import { assertEquals, assertRejects } from "@std/assert";
import { startCronClock } from "../../lib/local/cron_clock.ts";
import { startHttpSender } from "../../lib/local/http_sender.ts";
import postgresClient from "postgres";
import { applyMigrations } from "../../lib/local/migrate.ts";
import { startPostgres } from "../../lib/local/postgres.ts";
import { testDatabase } from "../database.ts";

/** A server that answers with what it was sent, and says that it was. */
function mirror() {
  const heard: string[] = [];
  const listeners = new Set<() => void>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const key = request.headers.get("apikey");
      const text = `${request.method} ${pathname}${search} ${key} ${await request.text()}`;
      heard.push(text);
      listeners.forEach((listener) => listener());
      return new Response(text, { status: 201, headers: { "content-type": "text/plain" } });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    heard,
    /** Resolves when so many requests came. */
    hears: (count: number) =>
      new Promise<void>((resolve) => {
        const look = () => heard.length >= count && resolve();
        listeners.add(look);
        look();
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("net.http_post() sends once its transaction has committed, and keeps the answer", async () => {
  await using database = await testDatabase();
  const { sql, url } = database;
  await using server = mirror();
  await using _ = startHttpSender(url);

  const id = await sql.begin(async (transaction) => {
    await transaction`select net.http_post(${`${server.url}/first`})`;
    await sql`select net.http_post(${`${server.url}/second`}, '{"a": 1}')`;
    await server.hears(1);
    const [row] = await transaction`
      select net.http_post(
        url => ${`${server.url}/third`}, params => '{"b": 2}', headers => '{"apikey": "k"}'
      ) as id`;
    return row!.id;
  });
  await sql.begin(async (transaction) => {
    await transaction`select net.http_post(${`${server.url}/never`})`;
    throw new Error("rolled back");
  }).catch(() => {});
  await server.hears(3);

  assertEquals(server.heard[0], 'POST /second null {"a": 1}');
  assertEquals(server.heard.slice(1).sort(), ["POST /first null {}", "POST /third?b=2 k {}"]);
  let answers: Iterable<object> & { length: number } = [];
  while (answers.length === 0) {
    answers = await sql`
      select status_code, content_type, content, timed_out, error_msg
      from net._http_response where id = ${id}`;
  }
  assertEquals({ ...[...answers][0]! }, {
    status_code: 201,
    content_type: "text/plain",
    content: "POST /third?b=2 k {}",
    timed_out: false,
    error_msg: null,
  });
});

Deno.test("net.http_post() keeps why there was no answer", async () => {
  await using database = await testDatabase();
  const { sql, url } = database;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using _ = startHttpSender(url);

  await sql`select net.http_post(
    ${`http://127.0.0.1:${listener.addr.port}`}, timeout_milliseconds => 50
  )`;

  let answers: Iterable<object> & { length: number } = [];
  while (answers.length === 0) {
    answers = await sql`select status_code, timed_out, error_msg from net._http_response`;
  }
  assertEquals({ ...[...answers][0]! }, {
    status_code: null,
    timed_out: true,
    error_msg: "Timeout of 50 ms reached",
  });
});

Deno.test("cron.schedule() runs a command again and again until cron.unschedule()", async () => {
  await using database = await testDatabase();
  const { sql, url } = database;
  await sql`create table ticks (at timestamptz default clock_timestamp())`;
  await using _ = startCronClock(url);

  await sql`select cron.schedule('tick', '5 seconds', 'select 1 / 0')`;
  await sql`select cron.schedule('tick', '1 second', 'insert into ticks default values')`;
  await sql`select cron.schedule('broken', '1 second', 'select 1 / 0')`;

  const done = async () => {
    const [row] = await sql`
      select (select count(*)::int from ticks) as ticks,
        (select count(*)::int from cron.job_run_details where status = 'failed') as failed`;
    return row!.ticks >= 2 && row!.failed >= 1;
  };
  while (!await done());
  const [failure] = await sql`
    select distinct return_message from cron.job_run_details where status = 'failed'`;
  assertEquals(failure!.return_message, "ERROR:  division by zero");
  await sql`select cron.unschedule('tick')`;
  assertEquals([...await sql`select jobname, schedule from cron.job`], [
    { jobname: "broken", schedule: "1 second" },
  ]);
  await assertRejects(
    () => sql`select cron.unschedule('tick')`.execute(),
    Error,
    "could not find valid entry for job 'tick'",
  );
});

Deno.test("the workers of pg_net and pg_cron go on after the database has crashed", async () => {
  await using postgres = await startPostgres();
  await applyMigrations(postgres.url);
  await using server = mirror();
  await using _sender = startHttpSender(postgres.url);
  await using _clock = startCronClock(postgres.url);
  const schedule = async (path: string) => {
    await using database = connect(postgres.url);
    const command = `select net.http_post('${server.url}${path}')`;
    await database.sql`select cron.schedule('call', '1 second', ${command})`;
  };
  await schedule("/before");
  await server.hears(1);

  await postgres.crash();
  await schedule("/after");

  while (!server.heard.at(-1)!.includes("/after")) await server.hears(server.heard.length + 1);
});

Deno.test("cron.schedule() refuses what is no schedule", async () => {
  await using database = await testDatabase();
  const accepted: string[] = [];
  const schedules = [
    "60 seconds",
    "0 seconds",
    "every day",
    "* * * *",
    "* * * * * *",
    "1 second",
    "*/5 1-3,7 * * 0",
    "59 seconds",
  ];
  for (const schedule of schedules) {
    await database.sql`select cron.schedule('job', ${schedule}, 'select')`
      .then(() => accepted.push(schedule), () => {});
  }

  assertEquals(accepted, ["1 second", "*/5 1-3,7 * * 0", "59 seconds"]);
});

Deno.test("vault.create_secret() and update_secret() keep a secret by its name", async () => {
  await using database = await testDatabase();
  const { sql } = database;

  const [row] = await sql`select vault.create_secret('old', 'key', 'of a test') as id`;
  await sql`select vault.update_secret(${row!.id}, 'new')`;

  assertEquals([
    ...await sql`select name, description, decrypted_secret from vault.decrypted_secrets`,
  ], [{ name: "key", description: "of a test", decrypted_secret: "new" }]);
  await assertRejects(
    () => sql`select vault.create_secret('another', 'key')`.execute(),
    Error,
    "duplicate key",
  );
});

Deno.test("clients may not see secrets, or schedule commands", async () => {
  await using database = await testDatabase();
  const { sql } = database;
  const allowed = await sql`
    select r.role || ' ' || p.oid::regprocedure as name
    from pg_proc p
    cross join unnest(array['anon', 'authenticated', 'service_role']) r (role)
    where p.pronamespace in ('vault'::regnamespace, 'cron'::regnamespace)
      and has_function_privilege(r.role, p.oid, 'execute')
    union all
    select r.role || ' ' || c.oid::regclass
    from pg_class c
    cross join unnest(array['anon', 'authenticated', 'service_role']) r (role)
    where c.relnamespace in ('vault'::regnamespace, 'cron'::regnamespace, 'net'::regnamespace)
      and c.relkind in ('r', 'v')
      and has_table_privilege(r.role, c.oid, 'select')`;

  assertEquals([...allowed], []);
});

function connect(url: string) {
  const sql = postgresClient(url, { max: 1, onnotice: () => {} });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
