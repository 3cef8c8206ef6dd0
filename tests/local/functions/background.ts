declare const EdgeRuntime: { waitUntil<T>(promise: Promise<T>): Promise<T> };

const release = Promise.withResolvers<void>();

addEventListener("beforeunload", (event) => {
  const { reason } = (event as CustomEvent<{ reason: string }>).detail;
  console.log(`beforeunload ${reason}`);
  if (reason === "termination") release.resolve();
});

Deno.serve((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/background/work") EdgeRuntime.waitUntil(release.promise);
  if (pathname === "/background/release") release.resolve();
  return new Response(String(Deno.pid));
});
