/** A new folder that any user may write to. */
export interface OpenFolder extends AsyncDisposable {
  path: string;
  /** Resolves when the folder is empty. */
  emptied(): Promise<void>;
}

/** Makes a folder for the temporary files of a program under test. */
export async function openFolder(): Promise<OpenFolder> {
  const path = await Deno.makeTempDir({ prefix: "t" });
  await Deno.chmod(path, 0o777);
  const isEmpty = () => Array.from(Deno.readDirSync(path)).length === 0;
  return {
    path,
    async emptied() {
      const watcher = Deno.watchFs(path, { recursive: false });
      if (!isEmpty()) {
        for await (const { kind } of watcher) {
          if (kind === "remove" && isEmpty()) break;
        }
      }
      try {
        watcher.close();
      } catch {
        // Leaving the loop closes it.
      }
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
