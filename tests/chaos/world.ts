import postgres from "postgres";
import { applyMigrations } from "../../lib/local/migrate.ts";
import { type LocalPostgres, startPostgres } from "../../lib/local/postgres.ts";
import { hostedFlows } from "../../lib/dsl/mod.ts";
import { runWorker } from "../../lib/worker/mod.ts";
import { Random } from "../property/random.ts";
import { expectedOutput, served, type Start } from "./flows.ts";
import { createExecutionsFile, readExecutions } from "./executions.ts";
import { judge, type StartedRun, type Verdict } from "./verdict.ts";

/** The longest time in which all runs must have ended once nothing disturbs them any more. */
const SETTLE_MS = 180_000;

// The driver lets go of a connection that breaks at the wrong moment: its error is then nobody's. What
// was asked on it is asked again here, so that the error is of no importance.
addEventListener("unhandledrejection", (event) => {
  const { code } = (event.reason ?? {}) as { code?: string };
  if (/^(ECONNRESET|EPIPE|CONNECTION_\w+)$/.test(code ?? "")) event.preventDefault();
});

/** What to change about a world. */
export interface WorldOptions {
  /**
   * A database that has the migrations.
   * @default {one of an own server}
   */
  url?: string;
  /** Settings of the own server. */
  settings?: Record<string, string>;
  /** Where handlers write down that they ran; the world removes it at its end. */
  executionsFile?: string;
}

/** A database, the runs in it, and people who answer approvals, whatever happens to all of them. */
export class World implements AsyncDisposable {
  readonly runs: StartedRun[] = [];
  readonly random: Random;
  readonly #ended = new AbortController();
  readonly #answering: Promise<void>;

  private constructor(
    readonly server: Pick<LocalPostgres, "url" | "crash">,
    readonly sql: postgres.Sql,
    readonly seed: string,
    /** Where handlers write down that they ran. */
    readonly executionsFile: string,
    readonly dispose: () => Promise<void>,
  ) {
    this.random = new Random(seed);
    this.#answering = this.#repeat(100, () => this.#answerApprovals());
  }

  /** Starts a server and stores the flows in it, or takes one that has the migrations. */
  static async start(
    seed: string,
    { url, settings = {}, executionsFile = createExecutionsFile() }: WorldOptions = {},
  ): Promise<World> {
    const own = url === undefined ? await startPostgres({ settings }) : undefined;
    const server = own ?? { url: url!, crash: () => Promise.reject(new Error("not mine")) };
    if (own) await applyMigrations(own.url);
    const sql = postgres(server.url, { max: 3, onnotice: () => {}, connect_timeout: 5 });
    const world = new World(server, sql, seed, executionsFile, async () => {
      await sql.end({ timeout: 1 });
      await own?.stop();
    });
    await world.#storeFlows();
    return world;
  }

  /** Starts runs of every flow; some twice, as clients do that did not hear the answer. */
  async startRuns(count: number): Promise<void> {
    const flows = Object.values(served).flat().map(({ slug }) => slug);
    for (let i = 0; i < count; i++) {
      const n = this.runs.length;
      const input: Start = {
        n,
        items: Array.from({ length: this.random.int(5) }, () => this.random.int(100)),
        express: this.random.chance(0.5),
      };
      const flowSlug = flows[n % flows.length]!;
      const runId = this.random.uuid();
      const times = this.random.chance(0.2) ? 2 : 1;
      await this.untilDone(() =>
        Promise.all(
          Array.from({ length: times }, () =>
            this.sql`
              select from pgflow.start_flow(
                ${flowSlug}, ${JSON.stringify(input)}::text::jsonb, run_id => ${runId}
              )`),
        )
      );
      this.runs.push({ runId, flowSlug, expected: expectedOutput(flowSlug, input) });
    }
  }

  /** Returns how many runs are open, children not counted; undefined without the database. */
  async openRuns(): Promise<number | undefined> {
    try {
      const [row] = await answered(this.sql`
        select count(*)::int as open from pgflow.runs
        where status = 'started' and parent_run_id is null`);
      return row!.open;
    } catch {
      return undefined;
    }
  }

  /** Keeps so many runs open until the signal says that it is enough. */
  async feed(open: number, enough: AbortSignal): Promise<void> {
    while (!enough.aborted) {
      const now = await this.openRuns();
      if (now !== undefined && now < open) await this.startRuns(open - now);
      await pause(50);
    }
  }

  /** Does it again until the database lets it. */
  async untilDone<T>(work: () => PromiseLike<T>): Promise<T> {
    for (let failures = 0;; failures++) {
      try {
        return await answered(work());
      } catch (error) {
        if (failures === 600) throw error;
        await pause(100);
      }
    }
  }

  /** Resolves when all runs have ended; throws with what they wait for if they do not. */
  async settle(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (let open = await this.openRuns(); open !== 0; open = await this.openRuns()) {
      if (performance.now() > deadline) throw new Error(await this.#complaint());
      await pause(50);
    }
  }

  /** Resolves when no worker is connected any more, and throws if one stays. */
  async isDeserted(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      // A backend whose worker was killed in the midst of a wait hears of it at the end of the wait.
      const rows = await this.sql`
        select application_name, state, query from pg_stat_activity
        where application_name like 'pgflow:%' and datname = current_database()`;
      if (rows.length === 0) return;
      if (performance.now() > deadline) throw new Error(`Still connected: ${JSON.stringify(rows)}`);
      await pause(100);
    }
  }

  /** Compares what is with what should be. */
  async verdict(): Promise<Verdict> {
    return await judge(this.sql, this.runs, readExecutions(this.executionsFile));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#answering;
    await this.dispose();
    Deno.removeSync(this.executionsFile);
  }

  /** Every flow is stored before anything may go wrong, so that runs can start. */
  async #storeFlows(): Promise<void> {
    const quiet = () => {};
    const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const flows = hostedFlows(Object.values(served).flat());
    await runWorker(flows, { databaseUrl: this.server.url, idleSeconds: 0, logger }).done;
  }

  async #answerApprovals(): Promise<void> {
    await this.sql`
      select pgflow.complete_step(
        t.run_id, t.step_slug, jsonb_build_object('answer', 'answer ' || t.task_index), t.task_index
      )
      from pgflow.step_tasks t
      join pgflow.steps s using (flow_slug, step_slug)
      where t.status = 'waiting'
        and s.performed_by = 'approval'
      order by t.run_id`;
  }

  async #repeat(milliseconds: number, work: () => Promise<void>): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await answered(work()).catch(() => {});
      await pause(milliseconds);
    }
  }

  async #complaint(): Promise<string> {
    const rows = await this.sql`
      select r.run_id, r.flow_slug, w.*
      from pgflow.runs r, pgflow.why(r.run_id) w
      where r.status = 'started'
      limit 20`;
    const open = rows.map((row) => JSON.stringify(row)).join("\n");
    return `Runs are open after ${SETTLE_MS / 1000} s of peace (seed ${this.seed}):\n${open}`;
  }
}

/** Resolves with the answer, or rejects when it takes too long: the driver may forget a statement. */
async function answered<T>(work: PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const forgotten = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The database did not answer")), 20_000);
  });
  try {
    return await Promise.race([work, forgotten]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
