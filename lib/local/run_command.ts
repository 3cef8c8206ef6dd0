import { PgflowError } from "../errors.ts";
import { programMissing } from "./program_missing.ts";

/**
 * Runs a program to its end and returns what it printed; fails with its last lines when it fails,
 * and with the program's name when the system does not have it.
 */
export async function runCommand(
  program: string,
  args: string[],
  user?: { uid: number; gid: number },
): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args, stdin: "null", cwd: "/", ...user }).output();
  } catch (cause) {
    throw programMissing(program, cause);
  }
  const decoder = new TextDecoder();
  if (!output.success) {
    const said = decoder.decode(output.stderr).trim() || decoder.decode(output.stdout).trim();
    throw new PgflowError(`Cannot run program "${program}": it ended with ${output.code}`, {
      hint: said.split("\n").slice(-8).join("\n"),
    });
  }
  return decoder.decode(output.stdout);
}
