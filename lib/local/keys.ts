import { SignJWT } from "jose";

/** The keys of one project, in both generations. */
export interface ProjectKeys {
  /** For clients: acts as role anon until a user's token says otherwise. */
  publishable: string;
  /** For servers: acts as service_role. */
  secret: string;
  /** The older form of the publishable key, a token. */
  anon: string;
  /** The older form of the secret key, a token. */
  serviceRole: string;
  /** What tokens are signed with. */
  jwtSecret: string;
}

/** Makes the keys of a new project. */
export async function createKeys(): Promise<ProjectKeys> {
  const jwtSecret = randomText(32);
  return {
    publishable: `sb_publishable_${randomText(16)}`,
    secret: `sb_secret_${randomText(24)}`,
    anon: await signToken(jwtSecret, { role: "anon" }),
    serviceRole: await signToken(jwtSecret, { role: "service_role" }),
    jwtSecret,
  };
}

/** Signs a token of this project, valid for ten years or until its `exp`. */
export function signToken(jwtSecret: string, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ iss: "supabase", ...claims })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt()
    .setExpirationTime(claims["exp"] as number | undefined ?? "10 years")
    .sign(new TextEncoder().encode(jwtSecret));
}

function randomText(bytes: number): string {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes))));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
