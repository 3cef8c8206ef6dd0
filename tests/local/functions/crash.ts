Deno.serve((request) => {
  if (new URL(request.url).pathname === "/crash/now") {
    return new Promise(() => {
      queueMicrotask(() => {
        throw new Error("out of the blue");
      });
    });
  }
  return new Response("alive");
});
