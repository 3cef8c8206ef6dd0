import { fileURLToPath } from "node:url";
import { runArguments } from "../../lib/local/run_arguments.ts";
import { spawnShell } from "../../lib/local/spawn_shell.ts";
import { EXECUTIONS_FILE } from "./executions.ts";

const script = Deno.readTextFileSync(new URL("../../lib/local/isolate.sh", import.meta.url));
const program = import.meta.resolve("./worker_program.ts");
const config = fileURLToPath(import.meta.resolve("../../deno.json"));

/** A worker in a process of its own that can be killed; it ends with this process, too. */
export class Victim {
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  /** Whether it was killed. */
  isKilled = false;
  readonly #child: Deno.ChildProcess;

  constructor(databaseUrl: string, functionName: string, executionsFile: string) {
    const command = [Deno.execPath(), ...runArguments(program, config), databaseUrl, functionName];
    this.#child = spawnShell(script, command, {
      env: { [EXECUTIONS_FILE]: executionsFile },
      stdout: "null",
      stderr: "inherit",
    });
    this.ended = this.#child.status.then(async () => {
      await this.#child.stdin.close().catch(() => {});
    });
  }

  /** Ends it without a word. */
  kill(): void {
    if (this.#signal("SIGKILL")) this.isKilled = true;
  }

  /** Asks it to stop. */
  stop(): void {
    this.#signal("SIGTERM");
  }

  /** Stands still until it is resumed, as a machine that sleeps. */
  pause(): void {
    this.#signal("SIGSTOP");
  }

  /** Goes on as if no time had passed. */
  resume(): void {
    this.#signal("SIGCONT");
  }

  #signal(signal: Deno.Signal): boolean {
    try {
      this.#child.kill(signal);
      return true;
    } catch {
      // It has ended by itself.
      return false;
    }
  }
}
