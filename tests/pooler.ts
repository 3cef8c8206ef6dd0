import postgres from "postgres";
import { spawnShell } from "../lib/local/spawn_shell.ts";
import { unprivilegedUser } from "../lib/local/unprivileged_user.ts";

/** A pgbouncer in transaction mode. */
export interface Pooler extends AsyncDisposable {
  /** The server's URL through the pooler. */
  url: string;
}

const script = Deno.readTextFileSync(new URL("../lib/local/isolate.sh", import.meta.url));

/** Starts a pooler in front of a server, all of whose databases it serves; undefined without one. */
export async function startPooler(serverUrl: string): Promise<Pooler | undefined> {
  const program = await installed();
  if (program === undefined) return undefined;
  const url = new URL(serverUrl);
  const { port, password, username, hostname } = url;
  url.port = String(freePort());
  url.searchParams.set("pgbouncer", "true");
  const file = Deno.makeTempFileSync({ prefix: "pgflow-pooler-" });
  // A value without quotes ends at a blank; those of a test's server have none.
  Deno.writeTextFileSync(
    file,
    `[databases]
* = host=${hostname} port=${port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${url.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
`,
  );
  Deno.chmodSync(file, 0o644);
  const child = spawnShell(script, [program, "-q", file], {
    ...await unprivilegedUser(),
    cwd: "/",
    stdout: "null",
    stderr: "null",
  });
  child.unref();
  const pooler = {
    url: url.href,
    async [Symbol.asyncDispose]() {
      child.ref();
      await child.stdin.close().catch(() => {});
      await child.status;
      Deno.removeSync(file);
    },
  };
  await isServing(url);
  return pooler;
}

async function installed(): Promise<string | undefined> {
  const command = new Deno.Command("sh", {
    args: ["-c", "PATH=$PATH:/usr/sbin:/usr/local/sbin command -v pgbouncer"],
  });
  return new TextDecoder().decode((await command.output()).stdout).trim() || undefined;
}

async function isServing(pooled: URL): Promise<void> {
  const url = new URL(pooled);
  url.searchParams.delete("pgbouncer");
  for (let failures = 0;; failures++) {
    const sql = postgres(url.href, { max: 1, prepare: false, connect_timeout: 2, onnotice() {} });
    try {
      await sql`select`;
      return;
    } catch (error) {
      if (failures === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
