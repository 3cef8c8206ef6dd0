import type { EdgeFunction } from "./edge_function.ts";
import type { FunctionLog } from "./function_log.ts";
import type { HostMessage, IsolateMessage } from "./isolate_messages.ts";
import { type ProcessUsage, processUsage } from "./process_usage.ts";
import { runArguments } from "./run_arguments.ts";
import { spawnShell } from "./spawn_shell.ts";
import { textLines } from "./text_lines.ts";

/** What a process needs besides its function. */
export interface IsolateProcessOptions {
  /** The path of the Deno configuration that the function runs with. */
  config: string;
  env: Record<string, string>;
  /** Receives what the function writes. */
  onLog: (log: FunctionLog) => void;
  /** Receives what the process reports. */
  onMessage: (message: IsolateMessage) => void;
}

const script = Deno.readTextFileSync(new URL("./isolate.sh", import.meta.url));
const runner = import.meta.resolve("./isolate_runner.ts");

// Deno and npm need these; all others of this process are none of a function's business.
const INHERITED =
  /^(PATH|HOME|TMPDIR|LANG|DENO_.*|XDG_CACHE_HOME|NPM_CONFIG_.*|npm_config_.*|SSL_.*|HTTPS?_PROXY|NO_PROXY|NO_COLOR|PGFLOW_.*)$/i;

/** The process of one isolate, and the connection over which it and its host talk. */
export class IsolateProcess {
  /** Resolves when the process is gone and all it wrote was passed on. */
  readonly ended: Promise<void>;

  readonly #child: Deno.ChildProcess;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #token = crypto.randomUUID();
  readonly #onMessage: (message: IsolateMessage) => void;
  #connection: Deno.TcpConn | undefined;
  #usageBefore: ProcessUsage | undefined;

  constructor(definition: EdgeFunction, options: IsolateProcessOptions) {
    this.#onMessage = options.onMessage;
    const command = [Deno.execPath(), ...runArguments(runner, options.config)];
    this.#child = spawnShell(script, command, {
      clearEnv: true,
      env: { ...inheritedEnv(), ...options.env, ...this.#introduction(definition) },
    });
    const pump = async (stream: "stdout" | "stderr") => {
      for await (const text of textLines(this.#child[stream])) {
        options.onLog({ name: definition.name, stream, text });
      }
    };
    const talk = this.#talk();
    const pumps = [pump("stdout"), pump("stderr")];
    this.ended = this.#child.status.then(async () => {
      this.#close();
      await Promise.all([...pumps, talk]);
    });
  }

  /** Returns what the process has used since it began to load the function, if that is known. */
  usage(): ProcessUsage | undefined {
    const before = this.#usageBefore;
    const now = before && processUsage(this.#child.pid);
    return now && { cpu: now.cpu - before.cpu, memory: now.memory - before.memory };
  }

  /** Tells the process something, unless it is gone. */
  tell(message: HostMessage): void {
    const bytes = new TextEncoder().encode(JSON.stringify(message) + "\n");
    this.#connection?.write(bytes).catch(() => {});
  }

  /** Ends the process without asking. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
  }

  #introduction({ entrypoint }: EdgeFunction): Record<string, string> {
    const { port } = this.#listener.addr;
    return { PGFLOW_ISOLATE: JSON.stringify({ port, token: this.#token, entrypoint }) };
  }

  /** Listens to the first caller who knows the token; any local program can connect. */
  async #talk(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        const lines = textLines(connection.readable);
        const { value } = await lines.next();
        if (value === JSON.stringify({ type: "hello", token: this.#token })) {
          this.#connection = connection;
          this.#usageBefore = processUsage(this.#child.pid);
          this.#listener.close();
          for await (const line of lines) this.#onMessage(JSON.parse(line) as IsolateMessage);
          return;
        }
        connection.close();
      }
    } catch {
      // The process ended.
    }
  }

  #close(): void {
    for (const resource of [this.#listener, this.#connection]) {
      try {
        resource?.close();
      } catch {
        // Closed already.
      }
    }
    this.#child.stdin.close().catch(() => {});
  }
}

function inheritedEnv(): Record<string, string> {
  const all = Object.entries(Deno.env.toObject());
  return Object.fromEntries(all.filter(([name]) => INHERITED.test(name)));
}
