import { type ClientOptions, resolveOptions } from "./client_options.ts";
import { PgflowClient } from "./pgflow_client.ts";
import type { SupabaseLike } from "./supabase_like.ts";

/**
 * Creates a client of pgflow on one of supabase-js, in the name of the user who is signed in there.
 *
 * @param supabase What `createClient` of supabase-js returned.
 */
export function createClient(supabase: SupabaseLike, options: ClientOptions = {}): PgflowClient {
  return new PgflowClient(supabase, resolveOptions(options));
}
