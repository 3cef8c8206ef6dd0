import { fileURLToPath } from "node:url";
import type { EdgeFunction } from "./edge_function.ts";
import type { FunctionLog } from "./function_log.ts";
import { FunctionsHost } from "./functions_host.ts";
import { type GatewayOptions, startGateway } from "./gateway.ts";
import type { IsolateLimits } from "./isolate_limits.ts";
import { createKeys, type ProjectKeys } from "./keys.ts";
import { applyMigrations } from "./migrate.ts";
import { type PostgresOptions, startPostgres } from "./postgres.ts";
import { readConfig } from "./read_config.ts";
import { wakeWorker } from "./wake_worker.ts";
import { startWatchdog } from "./watchdog.ts";

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
  /** How Postgres is started. */
  postgres?: PostgresOptions;
  /**
   * Receives every line that a function writes.
   * @default {nobody}
   */
  onLog?: (log: FunctionLog) => void;
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
  const postgres = started.use(await startPostgres(options.postgres));
  await applyMigrations(postgres.url, { flows: true });
  const env = { ...platformEnv(postgres.url, keys), ...options.env };
  const host = started.use(
    new FunctionsHost(functions, {
      config: fileURLToPath(new URL("deno.json", root)),
      env,
      limits: options.limits ?? {},
      onLog: options.onLog ?? (() => {}),
    }),
  );
  const gateway = startGateway({
    databaseUrl: postgres.url.replace("//postgres:", "//authenticator:"),
    keys,
    host,
    guardedFunctions: functions.filter(({ verifyJwt }) => verifyJwt).map(({ name }) => name),
    schemas: config.schemas,
    port: options.port ?? 0,
    routes: options.routes ?? {},
  });
  env.SUPABASE_URL = gateway.url;
  const watchdog = startWatchdog(
    postgres.url,
    (name) => wakeWorker({ url: gateway.url, keys }, name, AbortSignal.timeout(30_000)),
  );
  const running = started.move();
  let stopped: Promise<void> | undefined;
  const stop = () =>
    stopped ??= (async () => {
      // Functions call the gateway while they end.
      await host.stop();
      await watchdog[Symbol.asyncDispose]();
      await gateway.stop();
      await running.disposeAsync();
    })();
  return {
    url: gateway.url,
    databaseUrl: postgres.url,
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
