import { errors, type JWTPayload, jwtVerify } from "jose";
import type { ProjectKeys } from "./keys.ts";
import { RestError } from "./rest_error.ts";
import { sameSecret } from "./same_secret.ts";

/** Who a request comes from. */
export interface Caller {
  role: string;
  claims: JWTPayload;
}

const ROLES = ["anon", "authenticated", "service_role"];

/**
 * Tells a request's role: a user's token decides, else the project key it carries. A request
 * without a key of this project is refused.
 */
export async function authenticate(request: Request, keys: ProjectKeys): Promise<Caller> {
  const key = request.headers.get("apikey") ?? new URL(request.url).searchParams.get("apikey");
  if (!key) {
    throw new RestError(401, {
      code: "401",
      message: "No API key found in request",
      hint: "No `apikey` request header or url param was found.",
    });
  }
  const keyRole = roleOfKey(key, keys);
  if (keyRole === undefined) {
    throw new RestError(401, {
      code: "401",
      message: "Invalid API key",
      hint: "Double check your Supabase `anon` or `service_role` API key.",
    });
  }
  const token = bearerToken(request);
  if (token === undefined || roleOfKey(token, keys) === keyRole) {
    return { role: keyRole, claims: { role: keyRole } };
  }
  return await callerOf(token, keys);
}

/** Returns the caller that a token or project key names, and refuses all others. */
export async function callerOf(token: string, keys: ProjectKeys): Promise<Caller> {
  const keyRole = roleOfKey(token, keys);
  if (keyRole !== undefined) return { role: keyRole, claims: { role: keyRole } };
  const claims = await verifiedClaims(token, keys.jwtSecret);
  const role = String(claims["role"] ?? "anon");
  if (!ROLES.includes(role)) {
    throw new RestError(403, { code: "42501", message: `permission denied to set role "${role}"` });
  }
  return { role, claims };
}

/** Returns the bearer token of a request. */
export function bearerToken(request: Request): string | undefined {
  return /^bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

function roleOfKey(key: string, keys: ProjectKeys): string | undefined {
  const roles = [
    [keys.publishable, "anon"],
    [keys.anon, "anon"],
    [keys.secret, "service_role"],
    [keys.serviceRole, "service_role"],
  ] as const;
  return roles.find(([known]) => sameSecret(known, key))?.[1];
}

async function verifiedClaims(token: string, secret: string): Promise<JWTPayload> {
  try {
    const key = new TextEncoder().encode(secret);
    return (await jwtVerify(token, key, { algorithms: ["HS256"] })).payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw new RestError(401, { code: "PGRST303", message: "JWT expired" });
    }
    throw new RestError(401, {
      code: "PGRST301",
      message: "JWT cannot be verified with the key of this project",
      details: (error as Error).message,
    });
  }
}
