import { programMissing } from "./program_missing.ts";

/** What a shell is started with; its standard streams are piped unless said otherwise. */
export type SpawnShellOptions = Omit<Deno.CommandOptions, "args">;

/**
 * Starts a shell on the text of a script; `$1`, `$2`, … are the arguments. It is in a session of its
 * own: Ctrl-C, or a signal to all of this process's group, does not reach it.
 */
export function spawnShell(
  script: string,
  args: string[],
  options: SpawnShellOptions,
): Deno.ChildProcess {
  try {
    // The types of Deno 2.1, under which the tests of edge functions run, do not know `detached`.
    const command = {
      args: ["-c", script, "pgflow", ...args],
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...options,
    } as Deno.CommandOptions;
    return new Deno.Command("sh", command).spawn();
  } catch (cause) {
    throw programMissing("sh", cause);
  }
}
