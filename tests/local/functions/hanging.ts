const port = Number(Deno.env.get("WITNESS_PORT"));
const witness = await Deno.connect({ hostname: "127.0.0.1", port });

Deno.serve(async () => {
  await witness.write(new TextEncoder().encode("hanging"));
  while (true);
});
