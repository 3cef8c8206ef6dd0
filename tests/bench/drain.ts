import postgres from "postgres";

/** What draining a queue or a set of runs took. */
export interface Drain {
  /** Tasks per second, from the first read to the last archive or settlement. */
  perSecond: number;
  /** Bytes of WAL for each run, from its start to its end. */
  walPerRun: number;
  /** How many events were sent. */
  events: number;
}

/** A flow of the benchmark: its shape, and how many tasks one run of it has. */
export interface BenchFlow {
  slug: string;
  tasksPerRun: number;
  shape: { steps: { step_slug: string; deps_slugs?: string[] }[] };
}

/** One step, a chain of three, and a diamond. */
export const flows: Record<"single" | "chain" | "diamond", BenchFlow> = {
  single: { slug: "bench_single", tasksPerRun: 1, shape: { steps: [{ step_slug: "a" }] } },
  chain: {
    slug: "bench_chain",
    tasksPerRun: 3,
    shape: {
      steps: [
        { step_slug: "a" },
        { step_slug: "b", deps_slugs: ["a"] },
        { step_slug: "c", deps_slugs: ["b"] },
      ],
    },
  },
  diamond: {
    slug: "bench_diamond",
    tasksPerRun: 4,
    shape: {
      steps: [
        { step_slug: "a" },
        { step_slug: "b", deps_slugs: ["a"] },
        { step_slug: "c", deps_slugs: ["a"] },
        { step_slug: "d", deps_slugs: ["b", "c"] },
      ],
    },
  },
};

/** Opens one connection of a benchmark's worker. */
export function openConnection(url: string): postgres.Sql {
  return postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
}

/**
 * Drains a bare pgmq queue: read a batch, archive it in one call.
 *
 * This is the floor: what any engine on pgmq pays at least.
 */
export async function drainFloor(
  url: string,
  options: { tasks: number; batch: number; workers: number },
): Promise<Drain> {
  const { tasks, batch, workers } = options;
  const sql = openConnection(url);
  await sql`select pgmq.create('bench_floor')`;
  await sql`
    select count(*) from pgmq.send_batch('bench_floor', (
      select array_agg(jsonb_build_object(
        'flow_slug', 'bench_floor', 'run_id', gen_random_uuid(), 'step_slug', 'a', 'task_index', 0
      )) from generate_series(1, ${tasks})
    ))`;
  await sql`vacuum analyze`;
  const perSecond = await drain(url, workers, async (connection) => {
    const rows = await connection`select msg_id from pgmq.read('bench_floor', 60, ${batch})`;
    if (rows.length === 0) return undefined;
    const ids = `{${rows.map((row) => row.msg_id).join(",")}}`;
    await connection`select pgmq.archive('bench_floor', ${ids}::text::bigint[])`;
    return rows.length;
  }, tasks);
  await sql`select pgmq.drop_queue('bench_floor')`;
  await sql.end();
  return { perSecond, walPerRun: 0, events: 0 };
}

/** Drains runs of a flow: settle a batch and poll for the next, pipelined, as a worker does. */
export async function drainFlow(
  url: string,
  flow: BenchFlow,
  options: { tasks: number; batch: number; workers: number; watched?: boolean },
): Promise<Drain> {
  const runs = Math.round(options.tasks / flow.tasksPerRun);
  const sql = openConnection(url);
  await compileBenchFlow(sql, flow, options.watched);
  // Other runs of the flow may be there: those that ended long ago, or start later.
  const [clock] = await sql<{ now: string }[]>`select clock_timestamp()::text as now`;
  const own = sql`flow_slug = ${flow.slug} and started_at >= ${clock!.now}::timestamptz`;
  await sql`checkpoint`;
  const before = await walPosition(sql);
  await startRuns(sql, flow.slug, runs);
  const started = await walPosition(sql);
  await sql`vacuum analyze`;
  const vacuumed = await walPosition(sql);
  const perSecond = await drain(
    url,
    options.workers,
    claimAndSettle(flow.slug, options.batch),
    runs * flow.tasksPerRun,
  );
  const wal = started - before + (await walPosition(sql)) - vacuumed;
  const open = await sql`select from pgflow.runs where ${own} and status <> 'completed'`;
  if (open.length > 0) throw new Error(`${open.length} runs of ${flow.slug} did not complete`);
  await sql`delete from pgflow.runs where ${own}`;
  const events = await sql`select from realtime.messages`;
  await sql`truncate realtime.messages`;
  await sql.end();
  return { perSecond, walPerRun: wal / runs, events: events.length };
}

/** Drains one run of a map over so many elements, from its start to the end of its join. */
export async function drainMap(
  url: string,
  options: { elements: number; batch: number; workers: number },
): Promise<Drain & { seconds: number }> {
  const slug = "bench_map";
  const steps = [
    { step_slug: "each", step_type: "map" },
    { step_slug: "join", deps_slugs: ["each"] },
  ];
  const sql = openConnection(url);
  await sql`select pgflow.ensure_flow_compiled(${slug}, ${JSON.stringify({ steps })}::text::jsonb)`;
  await sql`vacuum analyze`;
  const startedAt = performance.now();
  await sql`
    select from pgflow.start_flow(${slug}, (
      select jsonb_agg(i) from generate_series(1, ${options.elements}) i
    ))`;
  const perSecond = await drain(
    url,
    options.workers,
    claimAndSettle(slug, options.batch),
    options.elements + 1,
  );
  const seconds = (performance.now() - startedAt) / 1000;
  await sql`select pgflow.delete_flow_and_data(${slug})`;
  await sql.end();
  return { perSecond, walPerRun: 0, events: 0, seconds };
}

/** Makes a flow of the benchmark known to a database, with runs that are watched or not. */
export async function compileBenchFlow(
  sql: postgres.Sql,
  { slug, shape }: BenchFlow,
  watched = false,
): Promise<void> {
  const given = JSON.stringify({ ...shape, broadcast: watched });
  await sql`select pgflow.ensure_flow_compiled(${slug}, ${given}::text::jsonb)`;
}

/** Starts runs in one call, the way a producer would. */
export async function startRuns(sql: postgres.Sql, slug: string, runs: number): Promise<void> {
  await sql`
    select count(*) from pgflow.start_flows(${slug}, (
      select jsonb_agg(jsonb_build_object('i', i)) from generate_series(1, ${runs}) i
    ))`;
}

/** Reads how much WAL has been written. */
export async function walPosition(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes`;
  return row!.bytes;
}

/** Returns one worker's turn: settle what the last poll claimed, poll for more, in one round trip. */
function claimAndSettle(slug: string, batch: number) {
  const claimed = new WeakMap<postgres.Sql, postgres.RowList<postgres.Row[]>>();
  const workerId = crypto.randomUUID();
  return async (sql: postgres.Sql) => {
    const tasks = claimed.get(sql) ?? [];
    const results = tasks.map(({ run_id, step_slug, task_index, attempt }) => ({
      run_id,
      step_slug,
      task_index,
      attempt,
      output: { ok: true },
    }));
    const settled = results.length === 0 ? undefined : sql`
      select count(*) from pgflow.settle_tasks(${JSON.stringify(results)}::text::jsonb)`.execute();
    claimed.set(
      sql,
      await sql`
        select run_id, step_slug, task_index, attempt, input
        from pgflow.poll_for_tasks(
          queue_name => ${slug}, vt => 2, qty => ${batch}, max_poll_seconds => 0,
          worker_id => ${workerId}
        )`,
    );
    await settled;
    return results.length;
  };
}

/**
 * Lets workers take turns until all tasks are done; the time after the last one does not count, nor
 * does the first turn of each connection, in which it plans its statements.
 */
async function drain(
  url: string,
  workers: number,
  turn: (sql: postgres.Sql) => Promise<number | undefined>,
  tasks: number,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: workers }, async () => {
    const connection = openConnection(url);
    await connection`select 1`;
    return connection;
  }));
  // What the first turns claim is settled, and counted, by those that follow.
  const warm = await Promise.all(connections.map(warmUp));
  let done = warm.reduce((sum, count) => sum + count, 0);
  const before = done;
  const startedAt = performance.now();
  let endedAt = startedAt;
  await Promise.all(connections.map(async (connection) => {
    while (done < tasks) {
      const count = await turn(connection);
      if (count === undefined) break;
      if (count > 0) endedAt = performance.now();
      done += count;
    }
  }));
  await Promise.all(connections.map((connection) => connection.end()));
  if (done !== tasks) throw new Error(`${done} of ${tasks} tasks were done`);
  return (done - before) / (endedAt - startedAt) * 1000;

  /** Until a result has been recorded, or there is nothing to do for this connection. */
  async function warmUp(connection: postgres.Sql): Promise<number> {
    const first = await turn(connection) ?? 0;
    return first > 0 ? first : await turn(connection) ?? 0;
  }
}
