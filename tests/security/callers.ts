import type { ServedGateway } from "../local/served_gateway.ts";

/** Who calls: with which key, and what the token says. */
export interface Caller {
  role: "anon" | "authenticated" | "service_role";
  /** The claims beside the role; none for the project's keys alone. */
  claims?: Record<string, unknown>;
}

export const OWNER = "a0000000-0000-4000-8000-00000000000a";
export const OTHER = "b0000000-0000-4000-8000-00000000000b";
export const MANAGER = "c0000000-0000-4000-8000-00000000000c";
export const BOSS = "d0000000-0000-4000-8000-00000000000d";

/** Everybody who tries each operation. */
export const callers = {
  /** The publishable key alone. */
  anon: { role: "anon" },
  /** The user whose run it is. */
  owner: { role: "authenticated", claims: { sub: OWNER } },
  /** A user who has nothing to do with it, whatever they write into their own metadata. */
  other: {
    role: "authenticated",
    claims: { sub: OTHER, user_metadata: { role: "manager", roles: ["manager"] } },
  },
  /** A user with the role that an approval is assigned to. */
  manager: { role: "authenticated", claims: { sub: MANAGER, app_metadata: { role: "manager" } } },
  /** The user whose id stands in the input of an approval. */
  boss: { role: "authenticated", claims: { sub: BOSS, app_metadata: { role: ["manager"] } } },
  /** A token of another issuer, whose users' ids are no uuids. */
  foreign: {
    role: "authenticated",
    claims: { sub: "user_2abc", app_metadata: { role: "manager" } },
  },
  /** The secret key. */
  server: { role: "service_role" },
} satisfies Record<string, Caller>;

export type CallerName = keyof typeof callers;
export const callerNames = Object.keys(callers) as CallerName[];

/** Returns the claims that the API would set for a caller. */
export function claimsOf(name: CallerName): string {
  const { role, claims } = callers[name] as Caller;
  return JSON.stringify({ role, ...claims });
}

/** Returns a supabase-js client of this caller. */
export async function clientOf(stack: ServedGateway, name: CallerName) {
  const { role, claims } = callers[name] as Caller;
  if (role === "service_role") return stack.client(stack.keys.secret);
  const token = claims && await stack.token({ role, ...claims });
  return stack.client(stack.keys.publishable, token);
}
