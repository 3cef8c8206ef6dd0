/**
 * `deno task compile <file or slug>`: writes the migration that creates a flow in the database.
 *
 * - `--flow <slug>` chooses one of several flows in a file.
 * - `--stdout` prints the SQL instead.
 * - `--json` prints the flow's shape instead, as `pgflow.ensure_flow_compiled` takes it.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type AnyFlow, compileFlow, findLongSteps, flowShape, hostedFlows } from "../dsl/mod.ts";
import { PgflowError } from "../errors.ts";
import { loadFlow } from "./load_flow.ts";
import { runProgram } from "./run_program.ts";

const FOLDER = "supabase/migrations/";
const USAGE = "Usage: deno task compile <file or slug> [--flow <slug>] [--stdout | --json]";

/** What {@linkcode compile} needs to know besides its arguments. */
export interface CompileOptions {
  /** The project's folder; ends with a slash. */
  root: URL;
  /**
   * The time that the migration is named by.
   * @default {new Date()}
   */
  now?: Date;
}

/** Does what the arguments say and returns what there is to print. */
export async function compile(args: string[], options: CompileOptions): Promise<string> {
  const { root, now = new Date() } = options;
  const { target, flow: slug, stdout, json } = readArguments(args);
  const { flow, path } = await loadFlow(target, { root, flow: slug });
  if (json) return JSON.stringify({ slug: flow.slug, shape: flowShape(flow) }, null, 2);

  const text = migrationOf(flow, path);
  if (stdout) return text.trimEnd();

  const folder = new URL(FOLDER, root);
  const earlier = await findMigration(folder, flow.slug);
  if (earlier !== undefined) {
    if (earlier.text === text) return `${FOLDER}${earlier.name} is up to date`;
    throw new PgflowError(
      `Cannot compile flow "${flow.slug}": ${FOLDER}${earlier.name} compiles it otherwise`,
      {
        code: "PF003",
        hint:
          "Options are updated by the worker when it starts. For other steps, give the flow a " +
          `new slug such as ${flow.slug}_v2, or delete the file if it was never applied.`,
      },
    );
  }
  const name = `${timestamp(now)}_compile_${flow.slug}.sql`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(new URL(name, folder), text);
  return `Wrote ${FOLDER}${name}`;
}

interface Arguments {
  target: string;
  flow: string | undefined;
  stdout: boolean;
  json: boolean;
}

function readArguments(args: string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        flow: { type: "string" },
        stdout: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const [target, ...rest] = positionals;
    if (target === undefined) throw new TypeError("it is not said which");
    if (rest.length > 0) throw new TypeError(`"${rest[0]}" is one argument too many`);
    if (values.stdout && values.json) throw new TypeError("--stdout and --json exclude each other");
    return { target, flow: values.flow, stdout: values.stdout!, json: values.json! };
  } catch (cause) {
    const state = (cause as Error).message;
    throw new PgflowError(`Cannot compile a flow: ${state}`, { hint: USAGE, cause });
  }
}

function migrationOf(flow: AnyFlow, path: string): string {
  const warnings = hostedFlows(flow).flatMap(findLongSteps);
  return [
    `-- The flow ${flow.slug}, compiled from ${path} by \`deno task compile\`.`,
    ...warnings.map((warning) => `-- Warning: ${warning}.`),
    ...compileFlow(flow),
    "",
  ].join("\n");
}

/** Returns the migration that compiles the flow already, if there is one. */
async function findMigration(
  folder: URL,
  slug: string,
): Promise<{ name: string; text: string } | undefined> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.replace(/^\d+/, "") === `_compile_${slug}.sql`) {
        return { name, text: await Deno.readTextFile(new URL(name, folder)) };
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function timestamp(date: Date): string {
  return date.toISOString().slice(0, 19).replace(/\D/g, "");
}

if (import.meta.main) {
  const root = new URL(`${pathToFileURL(Deno.cwd()).href}/`);
  await runProgram(async () => console.log(await compile(Deno.args, { root })));
}
