import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { type Gateway, startGateway } from "../../lib/local/gateway.ts";
import { createKeys, type ProjectKeys, signToken } from "../../lib/local/keys.ts";
import { type TestDatabase, testDatabase } from "../database.ts";
import { type HostedFunctions, hostFunctions } from "./hosted_functions.ts";

/** A gateway in front of a database of its own and of the functions in tests/local/functions. */
export interface ServedGateway extends AsyncDisposable {
  gateway: Gateway;
  database: TestDatabase;
  keys: ProjectKeys;
  functions: HostedFunctions;
  /** Returns a supabase-js client with this key and, if given, a user's token. */
  client(key: string, token?: string): SupabaseClient;
  /** Signs a token of this project. */
  token(claims: Record<string, unknown>): Promise<string>;
}

/** Starts a gateway over a database in which the given SQL ran. */
export async function serveGateway(sql = ""): Promise<ServedGateway> {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase());
  await database.sql.unsafe(sql);
  const functions = stack.use(hostFunctions());
  const keys = await createKeys();
  const gateway = stack.use(startGateway({
    databaseUrl: database.url.replace("//postgres:", "//authenticator:"),
    realtimeUrl: database.url,
    keys,
    host: functions.host,
    guardedFunctions: ["exported"],
  }));
  return {
    gateway,
    database,
    keys,
    functions,
    client: (key, token) =>
      createClient(gateway.url, key, {
        auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
        ...(token && { accessToken: () => Promise.resolve(token) }),
      }),
    token: (claims) => signToken(keys.jwtSecret, claims),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
