import { isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type AnyFlow, isFlow } from "../dsl/mod.ts";
import { PgflowError } from "../errors.ts";

/** Where to look for a flow. */
export interface LoadFlowOptions {
  /** The folder that paths are relative to, and in which `flows/` is. */
  root: URL;
  /**
   * Which flow of the file, by its slug.
   * @default {the only one}
   */
  flow?: string | undefined;
}

/** What was found. */
export interface LoadedFlow {
  /** The flow. */
  flow: AnyFlow;
  /** Its file, relative to the root when it is inside. */
  path: string;
}

/** Imports a file, named by its path or as the slug of `flows/<slug>.ts`, and returns its flow. */
export async function loadFlow(target: string, options: LoadFlowOptions): Promise<LoadedFlow> {
  const { root, flow: slug } = options;
  const isSlug = /^\w+$/.test(target);
  const folder = fileURLToPath(root);
  const file = resolve(folder, isSlug ? `flows/${target}.ts` : target);
  const inside = relative(folder, file);
  const path = inside.startsWith("..") || isAbsolute(inside) ? file : inside;

  if (!await isFile(file)) {
    throw new PgflowError(`Cannot compile flow "${target}": there is no file "${path}"`, {
      code: "PF104",
      hint: "Name a file such as flows/greet_user.ts, or the slug of a flow in flows/.",
    });
  }
  const found = await importFlows(file, path);
  const matching = slug === undefined ? found : found.filter((flow) => flow.slug === slug);
  if (matching.length === 1) return { flow: matching[0]!, path };

  const slugs = found.map((flow) => `"${flow.slug}"`).join(", ");
  if (found.length === 0) {
    throw new PgflowError(`Cannot compile file "${path}": it exports no flow`, {
      code: "PF104",
      hint: "Export one: export const GreetUser = new Flow<Input>({ … }).step(…).",
    });
  }
  throw slug === undefined
    ? new PgflowError(`Cannot compile file "${path}": it exports several flows, ${slugs}`, {
      code: "PF104",
      hint: "Choose one with --flow <slug>, or give each flow a file of its own.",
    })
    : new PgflowError(`Cannot compile flow "${slug}": file "${path}" exports ${slugs}`, {
      code: "PF104",
      hint: "Choose one of those with --flow <slug>.",
    });
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await Deno.stat(file)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

async function importFlows(file: string, path: string): Promise<AnyFlow[]> {
  let exports: Record<string, unknown>;
  try {
    exports = await import(pathToFileURL(file).href);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PgflowError(`Cannot compile file "${path}": it does not load: ${reason}`, {
      code: "PF104",
      cause,
    });
  }
  return [...new Set(Object.values(exports))].filter(isFlow);
}
