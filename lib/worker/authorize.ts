import { secretKeys } from "./secret_keys.ts";

/** Headers that may carry a key; both are looked at, since gateways set one of them themselves. */
const BEARER = /^Bearer +(\S+)$/i;

/**
 * Returns whether a request carries one of the project's secret keys, or undefined if there is none
 * to compare with.
 *
 * The keys are the values of `SUPABASE_SECRET_KEYS`, a JSON object, and `SUPABASE_SERVICE_ROLE_KEY`.
 */
export async function authorize(
  request: Request,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean | undefined> {
  const keys = await Promise.all(secretKeys(env).map(digest));
  if (keys.length === 0) return undefined;
  const given = [
    request.headers.get("apikey"),
    BEARER.exec(request.headers.get("authorization") ?? "")?.[1],
  ];
  let authorized = false;
  for (const candidate of given) {
    const candidateDigest = await digest(candidate ?? "");
    for (const key of keys) {
      // Not `||=`: every comparison is made, so that time tells nothing.
      authorized = equals(key, candidateDigest) || authorized;
    }
  }
  return authorized;
}

/** Digests have one length, so that comparing them does not tell a key's. */
async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!;
  return difference === 0;
}
