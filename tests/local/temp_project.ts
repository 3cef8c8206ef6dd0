import { fileURLToPath } from "node:url";
import { openFolder } from "./open_folder.ts";

/** A copy of this project that a test may change. */
export interface TempProject extends AsyncDisposable {
  root: URL;
  path: string;
  write(path: string, text: string): Promise<void>;
}

const files = ["deno.json", "deno.lock", "lib", "flows", "functions", "supabase"];

/** Copies what a user of this project has, without its tests. */
export async function tempProject(): Promise<TempProject> {
  const folder = await openFolder();
  const root = new URL("../../", import.meta.url);
  const present = files.map((name) => fileURLToPath(new URL(name, root))).filter(exists);
  await copy(["-R", ...present, folder.path]);
  return {
    path: folder.path,
    root: new URL(`file://${folder.path}/`),
    write: async (path, text) => {
      const file = `${folder.path}/${path}`;
      await Deno.mkdir(file.replace(/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(file, text);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Runs cp, which keeps what this process need not know about. */
export async function copy(args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
