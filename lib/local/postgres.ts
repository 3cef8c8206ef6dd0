import postgres from "postgres";
import { PgflowError } from "../errors.ts";
import { type PostgresFiles, postgresFiles } from "./postgres_files.ts";
import { spawnShell } from "./spawn_shell.ts";
import { unprivilegedUser } from "./unprivileged_user.ts";

// A port that was free a moment ago may be taken by the time Postgres wants it.
const MAX_ATTEMPTS = 5;

/** What to change about a Postgres started by {@linkcode startPostgres}. */
export interface PostgresOptions {
  /**
   * Whether a commit survives a power cut; without it writes do not wait for the disk.
   * @default {false}
   */
  durable?: boolean;
  /**
   * Lines for the server's configuration, e.g. `{ log_statement: "all" }`.
   * @default {{}}
   */
  settings?: Record<string, string>;
}

/** A Postgres of one's own that ends with this process, however this process ends. */
export interface LocalPostgres extends AsyncDisposable {
  /** The connection string of the superuser's database. */
  url: string;
  /** The port on 127.0.0.1. */
  port: number;
  /** Creates a database, as a copy of another one if asked, and returns its connection string. */
  createDatabase(name: string, options?: { template?: string }): Promise<string>;
  /** Ends the server as a crash would, and resolves when it has started again with its data. */
  crash(): Promise<void>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts an embedded Postgres 17 that has pgmq and pgTAP to offer, on a free port of 127.0.0.1 and
 * with a data folder of its own.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<LocalPostgres> {
  const user = await unprivilegedUser();
  const files = await postgresFiles(user);
  const script = await Deno.readTextFile(new URL("./postgres.sh", import.meta.url));
  for (let attempt = 1;; attempt++) {
    const port = freePort();
    const settings = configuration(port, files, options);
    const child = spawnShell(script, [files.bin, files.template, settings], {
      stderr: "null",
      cwd: "/",
      ...user,
    });
    const failure = await failureOf(child);
    if (failure === undefined) return new RunningPostgres(port, child);
    const isTaken = /could not bind|Address already in use/i.test(failure);
    if (!isTaken || attempt === MAX_ATTEMPTS) throw startError(failure);
  }
}

class RunningPostgres implements LocalPostgres {
  readonly url: string;
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  constructor(port: number, child: Deno.ChildProcess) {
    this.url = `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`;
    this.port = port;
    this.#child = child;
    child.unref();
  }

  async createDatabase(name: string, options: { template?: string } = {}): Promise<string> {
    const sql = postgres(this.url, { max: 1, onnotice: () => {} });
    try {
      const template = sql(options.template ?? "template1");
      await sql`create database ${sql(name)} template ${template}`;
    } finally {
      await sql.end();
    }
    return this.url.replace(/[^/]*$/, encodeURIComponent(name));
  }

  async crash(): Promise<void> {
    this.#child.ref();
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("crash\n"));
    writer.releaseLock();
    const failure = await failureOf(this.#child);
    this.#child.unref();
    if (failure !== undefined) throw startError(failure);
  }

  async stop(): Promise<void> {
    this.#child.ref();
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function configuration(port: number, files: PostgresFiles, options: PostgresOptions): string {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    max_connections: "200",
    ...(files.hasStatements ? { shared_preload_libraries: "pg_stat_statements" } : {}),
    timezone: "UTC",
    log_timezone: "UTC",
    ...(options.durable ? {} : { fsync: "off", full_page_writes: "off" }),
    ...options.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
    .join("\n");
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Waits for the script's word: nothing when the server is up, else what it said before ending. */
async function failureOf(child: Deno.ChildProcess): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of child.stdout.values({ preventCancel: true })) {
    said += decoder.decode(chunk, { stream: true });
    if (/^ready$/m.test(said)) return undefined;
  }
  await child.stdin.close().catch(() => {});
  await child.status;
  return said;
}

function startError(said: string): PgflowError {
  const lines = said.trim().split("\n");
  // pg_ctl says that it failed, the server's log says why.
  const telling = /^(?!pg_ctl).*(invalid|unrecognized|could not|denied|mktemp|FATAL)/;
  const reason = (lines.find((line) => telling.test(line)) ?? lines.at(-1) ?? "")
    .replace(/^.*?\b(LOG|FATAL|ERROR): +/, "");
  return new PgflowError(`Cannot start Postgres: ${reason || "it ended without a word"}`, {
    hint: said.includes("mktemp")
      ? "Set TMPDIR to a folder in which the server's user (as root: nobody) may create files"
      : lines.slice(-8).join("\n"),
  });
}
