import { fileURLToPath } from "node:url";

/** Where the files of a project's functions are, and what to do about their changes. */
export interface WatchOptions {
  root: URL;
  /** The functions' names. */
  names: string[];
  /** Called with the functions that a change touches, once for changes at about the same time. */
  onChange: (names: string[]) => void;
  signal: AbortSignal;
}

// Editors write a file in several steps.
const SETTLE_MS = 100;

/** Watches the folders that functions are made of, until the signal is aborted. */
export async function watchFunctions(options: WatchOptions): Promise<void> {
  const { root, names, onChange, signal } = options;
  const folders = ["functions/", "flows/", "lib/"].map((folder) => new URL(folder, root));
  const watcher = Deno.watchFs(folders.map((folder) => fileURLToPath(folder)));
  signal.addEventListener("abort", () => watcher.close(), { once: true });
  const touched = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const { kind, paths } of watcher) {
    if (kind === "access") continue;
    for (const path of paths) {
      for (const name of functionsTouchedBy(path, names)) touched.add(name);
    }
    if (touched.size === 0) continue;
    clearTimeout(timer);
    timer = setTimeout(() => {
      onChange([...touched]);
      touched.clear();
    }, SETTLE_MS);
  }
  clearTimeout(timer);
}

/** A file of one function is that function's; any other source file may be everybody's. */
export function functionsTouchedBy(path: string, names: string[]): string[] {
  if (!/\.(ts|tsx|js|mjs|json)$/.test(path)) return [];
  const own = /\/functions\/([^/]+)\//.exec(path.replaceAll("\\", "/"))?.[1];
  if (own === undefined) return names;
  return names.includes(own) ? [own] : [];
}
