import { createClient as createSupabase, type SupabaseClient } from "@supabase/supabase-js";
import { createClient, type PgflowClient } from "pgflow/client";
import type { AnyFlow } from "pgflow/dsl";
import type postgres from "postgres";
import { type GatewayOptions, startGateway } from "../../lib/local/gateway.ts";
import { createKeys, type ProjectKeys, signToken } from "../../lib/local/keys.ts";
import { runWorker } from "../../lib/worker/mod.ts";
import { testDatabase } from "../database.ts";
import { hostFunctions } from "./hosted_functions.ts";

const logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A database, a worker and the API, with the client of a server. */
export interface ServedClient extends AsyncDisposable, ConnectedClient {
  /** The gateway's address. */
  url: string;
  sql: postgres.Sql;
  /** Returns the client of a signed-in user. */
  as(userId: string): Promise<ConnectedClient>;
}

/** A client, and the connections of its Realtime. */
export interface ConnectedClient {
  pgflow: PgflowClient;
  supabase: SupabaseClient;
  sockets: WebSocket[];
}

/** Serves flows with a worker that works until the end of the test. */
export async function serveClient(
  flows: AnyFlow[],
  routes: (keys: ProjectKeys) => NonNullable<GatewayOptions["routes"]> = () => ({}),
): Promise<ServedClient> {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase());
  const keys = await createKeys();
  const { host } = stack.use(hostFunctions());
  const gateway = stack.use(startGateway({
    databaseUrl: database.url.replace("//postgres:", "//authenticator:"),
    keys,
    host,
    realtimeUrl: database.url,
    routes: routes(keys),
  }));
  const worker = runWorker(flows, { databaseUrl: database.url, idleSeconds: Infinity, logger });
  stack.defer(() => worker.stop());
  await worker.started;

  const connect = (key: string, token?: string): ConnectedClient => {
    const sockets: WebSocket[] = [];
    const transport = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    };
    const supabase = createSupabase(gateway.url, key, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      realtime: { transport },
      ...(token && { accessToken: () => Promise.resolve(token) }),
    });
    stack.defer(async () => {
      await supabase.removeAllChannels();
    });
    return {
      sockets,
      supabase,
      pgflow: stack.use(createClient(supabase, { pollMs: 50, maxPollMs: 200 })),
    };
  };
  return {
    url: gateway.url,
    sql: database.sql,
    ...connect(keys.secret),
    async as(userId) {
      const claims = { role: "authenticated", sub: userId };
      return connect(keys.publishable, await signToken(keys.jwtSecret, claims));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
