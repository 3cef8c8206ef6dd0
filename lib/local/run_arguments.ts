import { fileURLToPath } from "node:url";

/**
 * Returns the arguments with which Deno runs a module under a project's configuration: held to its
 * deno.lock where there is one, and without making one where there is none.
 */
export function runArguments(module: string, config: string): string[] {
  const options = ["-A", "--quiet", "--no-prompt", `--config=${config}`];
  if (!isFile(config.replace(/[^/]*$/, "deno.lock"))) options.push("--no-lock");
  return ["run", ...options, fileURLToPath(module)];
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
