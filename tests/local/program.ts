import { fileURLToPath } from "node:url";

/** A Deno program that a test runs in a process of its own. */
export interface Program extends AsyncDisposable {
  /** Resolves with the first line on either stream that includes the text; rejects at the end. */
  line(text: string): Promise<string>;
  /** Resolves with all lines of both streams and the exit code, or the signal that ended it. */
  ended: Promise<{ lines: string[]; code: number; signal: Deno.Signal | null }>;
  kill(signal: Deno.Signal): void;
  /** Kills all processes of the program's group. */
  killGroup(): Promise<void>;
}

/** What {@linkcode runProgram} needs to know. */
export interface ProgramOptions {
  args?: string[];
  env?: Record<string, string>;
  /** The user to run as; this one by default. */
  user?: { uid: number; gid: number } | undefined;
  /** Whether the environment of this process is left out. */
  clearEnv?: boolean;
  /** The Deno that runs it. */
  deno?: string;
  /** The project whose configuration it runs with; this one by default. */
  root?: URL;
}

/** Runs a module as a program. */
export function runProgram(module: URL | string, options: ProgramOptions = {}): Program {
  const root = options.root ?? new URL("../../", import.meta.url);
  const config = fileURLToPath(new URL("deno.json", root));
  const child = new Deno.Command(options.deno ?? Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--config", config, String(module), ...options.args ?? []],
    env: { NO_COLOR: "1", ...options.env },
    clearEnv: options.clearEnv ?? false,
    // Another user may not be allowed into this process's folder.
    cwd: fileURLToPath(root),
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options.user,
  }).spawn();
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
      listeners.forEach((listener) => listener());
    }
    if (rest !== "") lines.push(rest);
    listeners.forEach((listener) => listener());
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]);
  const ended = (async () => {
    const { code, signal } = await child.status;
    await reading;
    return { lines, code, signal };
  })();
  const find = (text: string) => lines.find((line) => line.includes(text));
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It ended by itself.
    }
  };
  return {
    ended,
    kill,
    async killGroup() {
      await new Deno.Command("sh", { args: ["-c", `kill -KILL -${child.pid}`] }).output();
    },
    line: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = find(text);
          if (found !== undefined) resolve(found);
        };
        listeners.add(look);
        look();
        ended.then(() =>
          find(text) ?? reject(new Error(`"${text}" was never said:\n${lines.join("\n")}`))
        );
      }),
    async [Symbol.asyncDispose]() {
      kill("SIGKILL");
      await ended;
    },
  };
}
