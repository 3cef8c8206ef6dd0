import { join } from "node:path";
import { PgflowError } from "../errors.ts";

/**
 * Returns the folder for what the local stack keeps between runs, and creates it. As root it is one
 * that an unprivileged user can reach, which a home folder is not.
 */
export async function cacheFolder(): Promise<string> {
  const folder = join(parentFolder(), "pgflow");
  try {
    await Deno.mkdir(folder, { recursive: true });
    if (Deno.uid() === 0) await Deno.chmod(folder, 0o755);
  } catch (cause) {
    throw new PgflowError(`Cannot create folder "${folder}": ${(cause as Error).message}`, {
      hint: "Let this user write there, or set XDG_CACHE_HOME to a folder where it may",
      cause,
    });
  }
  return folder;
}

function parentFolder(): string {
  if (Deno.uid() === 0) return Deno.build.os === "darwin" ? "/Library/Caches" : "/var/cache";
  const set = Deno.env.get("XDG_CACHE_HOME");
  if (set) return set;
  const home = Deno.env.get("HOME");
  if (home) return join(home, ".cache");
  throw new PgflowError("Cannot choose a cache folder: neither XDG_CACHE_HOME nor HOME is set", {
    hint: "Set XDG_CACHE_HOME to a folder that this user may write",
  });
}
