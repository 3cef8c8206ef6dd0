import { parse } from "smol-toml";
import { PgflowError } from "../errors.ts";
import type { EdgeFunction } from "./edge_function.ts";

/** What supabase/config.toml and the tree say about a project. */
export interface ProjectConfig {
  functions: EdgeFunction[];
  /** The schemas that the API shows. */
  schemas: string[];
}

interface ConfigFile {
  api?: { schemas?: string[] };
  functions?: Record<string, FunctionEntry>;
}

interface FunctionEntry {
  enabled?: boolean;
  entrypoint?: string;
  verify_jwt?: boolean;
  env?: Record<string, string>;
}

/**
 * Reads a project's functions and the schemas of its API: what supabase/config.toml names, and each
 * functions/<name>/index.ts besides.
 */
export function readConfig(root: URL): ProjectConfig {
  const folder = new URL("supabase/", root);
  const config = parseConfig(new URL("config.toml", folder));
  const found = new Map<string, EdgeFunction>();
  for (const name of functionFolders(new URL("functions/", root))) {
    const entrypoint = new URL(`functions/${name}/index.ts`, root).href;
    found.set(name, { name, entrypoint, verifyJwt: true });
  }
  for (const [name, entry] of Object.entries(config.functions ?? {})) {
    const path = entry.entrypoint ?? `functions/${name}/index.ts`;
    found.set(name, {
      name,
      entrypoint: new URL(path, folder).href,
      verifyJwt: entry.verify_jwt ?? true,
      env: { ...entry.env },
    });
    if (entry.enabled === false) found.delete(name);
  }
  return { functions: [...found.values()], schemas: config.api?.schemas ?? ["public"] };
}

function parseConfig(file: URL): ConfigFile {
  const text = readIfThere(file);
  if (text === undefined) return {};
  try {
    return parse(text) as ConfigFile;
  } catch (cause) {
    throw new PgflowError(`Cannot read "supabase/config.toml": ${(cause as Error).message}`, {
      hint: "Compare it with the file that supabase init writes",
      cause,
    });
  }
}

function functionFolders(folder: URL): string[] {
  try {
    return Array.from(Deno.readDirSync(folder))
      .filter(({ isDirectory, name }) => isDirectory && !name.startsWith("_"))
      .map(({ name }) => name)
      .filter((name) => readIfThere(new URL(`${name}/index.ts`, folder)) !== undefined)
      .sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function readIfThere(file: URL): string | undefined {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
