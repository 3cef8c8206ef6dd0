import process from "node:process";

declare const EdgeRuntime: { waitUntil<T>(promise: Promise<T>): Promise<T> };

const release = Promise.withResolvers<void>();
const eaten: Uint8Array[] = [];

addEventListener("beforeunload", (event) => {
  const { reason } = (event as CustomEvent<{ reason: string }>).detail;
  console.log(`beforeunload ${reason}`);
});

// Uses CPU or memory as it is told, and answers with its process and what it has used of both.
Deno.serve((request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/hungry/work") EdgeRuntime.waitUntil(release.promise);
  if (pathname === "/hungry/release") release.resolve();
  const { user, system } = process.cpuUsage();
  const end = user + system + Number(searchParams.get("ms")) * 1000;
  while (used() < end);
  const mb = Number(searchParams.get("mb"));
  if (mb > 0) eaten.push(new Uint8Array(mb * 1024 * 1024).fill(1));
  return new Response(`${Deno.pid} ${eaten.length}`);
});

function used(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
