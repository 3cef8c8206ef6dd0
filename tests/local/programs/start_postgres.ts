import { startPostgres } from "../../../lib/local/postgres.ts";

try {
  const server = await startPostgres();
  console.log(`port ${server.port}`);
  // Nothing else keeps this process alive.
  setInterval(() => {}, 1_000_000);
} catch (error) {
  const { message, hint } = error as { message: string; hint?: string };
  console.log(`error ${message}`);
  console.log(`hint ${hint}`);
}
