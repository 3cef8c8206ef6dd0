import { fileURLToPath } from "node:url";
import type { ChaosOptions } from "../../lib/local/chaos.ts";
import type { FunctionLog } from "../../lib/local/function_log.ts";
import { FunctionsHost } from "../../lib/local/functions_host.ts";
import type { IsolateLimits } from "../../lib/local/isolate_limits.ts";

/** A host of the functions in tests/local/functions, and what they write. */
export interface HostedFunctions extends AsyncDisposable {
  /** Sends a request to the function that is the path's first part. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves with the first line that a function wrote and that includes the text. */
  wrote(text: string): Promise<FunctionLog>;
  /** What the functions wrote so far. */
  lines: FunctionLog[];
  host: FunctionsHost;
}

/** Hosts the functions in tests/local/functions. */
export function hostFunctions(
  limits: Partial<IsolateLimits> = {},
  chaos?: ChaosOptions,
): HostedFunctions {
  const lines: FunctionLog[] = [];
  const listeners = new Set<() => void>();
  const names = ["echo", "exported", "background", "hungry"].concat(
    ["broken", "silent", "crash", "busy", "never"],
  );
  const host = new FunctionsHost(
    names.map((name) => ({
      name,
      entrypoint: import.meta.resolve(`./functions/${name}.ts`),
      env: { OWN: name },
    })),
    {
      config: fileURLToPath(import.meta.resolve("../../deno.json")),
      env: { SUPABASE_URL: "http://gateway.test" },
      limits,
      ...(chaos && { chaos }),
      onLog: (line) => {
        lines.push(line);
        listeners.forEach((listener) => listener());
      },
    },
  );
  return {
    host,
    lines,
    fetch: (path, init) => {
      const name = path.split("/")[1]!;
      return host.fetch(name, new Request(`http://gateway.test${path}`, init), { path });
    },
    wrote: (text) =>
      new Promise((resolve) => {
        const look = () => {
          const found = lines.find((line) => line.text.includes(text));
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    [Symbol.asyncDispose]: () => host.stop(),
  };
}
