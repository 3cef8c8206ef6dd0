import { PgflowError } from "../errors.ts";
import { runCommand } from "./run_command.ts";

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
  try {
    return {
      uid: Number(await runCommand("id", ["-u", "nobody"])),
      gid: Number(await runCommand("id", ["-g", "nobody"])),
    };
  } catch (cause) {
    throw new PgflowError('Cannot find user "nobody": the system does not list it', {
      hint: "Postgres does not run as root: add that user, or run the command as another one",
      cause,
    });
  }
}
