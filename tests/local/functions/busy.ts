Deno.serve(() => {
  console.log(`busy ${Deno.pid}`);
  while (true);
});
