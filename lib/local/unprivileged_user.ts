import { PgflowError } from "../errors.ts";

/** The user and group that a server runs as when this process is root. */
export interface UnprivilegedUser {
  uid: number;
  gid: number;
}

/**
 * Returns the unprivileged user for servers that refuse to run as root, or nothing when this
 * process is an ordinary user already.
 */
export async function unprivilegedUser(): Promise<UnprivilegedUser | undefined> {
  if (Deno.uid() !== 0) return undefined;
  return { uid: await idOf("-u"), gid: await idOf("-g") };
}

async function idOf(flag: "-u" | "-g"): Promise<number> {
  const { success, stdout } = await new Deno.Command("id", { args: [flag, "nobody"] }).output();
  if (!success) {
    throw new PgflowError('Cannot find user "nobody": the system does not list it', {
      hint: "Postgres does not run as root: add a user nobody, or run the command as another user",
    });
  }
  return Number(new TextDecoder().decode(stdout));
}
