import { fileURLToPath } from "node:url";
import postgres from "postgres";
import type { ChaosOptions } from "./chaos.ts";
import { startCronClock } from "./cron_clock.ts";
import { appRoutes } from "./app_routes.ts";
import type { EdgeFunction } from "./edge_function.ts";
import type { FunctionLog } from "./function_log.ts";
import { FunctionsHost } from "./functions_host.ts";
import { type GatewayOptions, startGateway } from "./gateway.ts";
import { startHttpSender } from "./http_sender.ts";
import type { IsolateLimits } from "./isolate_limits.ts";
import { createKeys, type ProjectKeys } from "./keys.ts";
import { applyMigrations } from "./migrate.ts";
import { type PostgresOptions, startPostgres } from "./postgres.ts";
import { readConfig } from "./read_config.ts";

/** What to change about a stack started by {@linkcode startStack}. */
export interface StackOptions {
  /**
   * The functions to serve.
   * @default {those of supabase/config.toml and functions/<name>/index.ts}
   */
  functions?: EdgeFunction[];
  /**
   * The gateway's port; 0 takes a free one.
   * @default {0}
   */
  port?: number;
  /**
   * What an isolate may use; what is left out is as on the platform.
   * @default {platformLimits}
   */
  limits?: Partial<IsolateLimits>;
  /**
   * Further environment variables of all functions.
   * @default {{}}
   */
  env?: Record<string, string>;
  /**
   * Further answers of the gateway, by path.
   * @default {{}}
   */
  routes?: NonNullable<GatewayOptions["routes"]>;
  /**
   * The folder of a page to serve under `/app`.
   * @default {none}
   */
  app?: URL;
  /**
   * Returns what functions are told as the database's URL: that of a pooler, for instance.
   * @default {the server's own}
   */
  functionsUrl?: (databaseUrl: string) => Promise<string>;
  /** How Postgres is started. */
  postgres?: PostgresOptions;
  /**
   * Receives every line that a function writes.
   * @default {nobody}
   */
  onLog?: (log: FunctionLog) => void;
  /**
   * Whether isolates are killed at random.
   * @default {they are not}
   */
  chaos?: ChaosOptions;
}

/** A project on this machine: its database, its functions and the address of both. */
export interface Stack extends AsyncDisposable {
  /** What supabase-js is given as the project's URL. */
  url: string;
  databaseUrl: string;
  keys: ProjectKeys;
  host: FunctionsHost;
  functions: EdgeFunction[];
  /** Stops everything and removes the data. */
  stop(): Promise<void>;
}

const root = new URL("../../", import.meta.url);

/** Starts Postgres, applies the migrations and serves functions and API on one address. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using started = new AsyncDisposableStack();
  const config = readConfig(root);
  const functions = options.functions ?? config.functions;
  const keys = await createKeys();
  const { url: databaseUrl } = started.use(await startPostgres(options.postgres));
  await applyMigrations(databaseUrl, { flows: true });
  const functionsUrl = await options.functionsUrl?.(databaseUrl) ?? databaseUrl;
  const env = { ...platformEnv(functionsUrl, keys), ...options.env };
  const host = started.use(
    new FunctionsHost(functions, {
      config: fileURLToPath(new URL("deno.json", root)),
      env,
      limits: options.limits ?? {},
      onLog: options.onLog ?? (() => {}),
      ...(options.chaos && { chaos: options.chaos }),
    }),
  );
  const gateway = started.use(startGateway({
    databaseUrl: databaseUrl.replace("//postgres:", "//authenticator:"),
    realtimeUrl: databaseUrl,
    keys,
    host,
    guardedFunctions: functions.filter(({ verifyJwt }) => verifyJwt).map(({ name }) => name),
    schemas: config.schemas,
    port: options.port ?? 0,
    routes: {
      ...(options.app && appRoutes(options.app, new URL("deno.json", root), keys)),
      ...options.routes,
    },
  }));
  env.SUPABASE_URL = gateway.url;
  await installWatchdog(databaseUrl, gateway.url, keys.secret);
  started.use(startHttpSender(databaseUrl));
  started.use(startCronClock(databaseUrl));
  const running = started.move();
  let stopped: Promise<void> | undefined;
  const stop = () =>
    stopped ??= (async () => {
      // Functions call the gateway while they end.
      await host.stop();
      await running.disposeAsync();
    })();
  return {
    url: gateway.url,
    databaseUrl,
    keys,
    host,
    functions,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function platformEnv(databaseUrl: string, keys: ProjectKeys): Record<string, string> {
  return {
    SUPABASE_DB_URL: databaseUrl,
    SUPABASE_ANON_KEY: keys.anon,
    SUPABASE_SERVICE_ROLE_KEY: keys.serviceRole,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishable }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys.secret }),
  };
}

/** Lets the database call the project's functions, and look often for what it missed. */
async function installWatchdog(databaseUrl: string, url: string, key: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    await sql`
      select from pgflow.install_watchdog(
        project_url => ${url}, secret_key => ${key}, schedule => '2 seconds'
      )`;
  } finally {
    await sql.end();
  }
}
