import { Flow } from "pgflow/dsl";

export const GreetUser = new Flow<{ first_name: string; last_name: string }>({
  slug: "greet_user",
})
  .step("full_name", ({ run }) => `${run.first_name} ${run.last_name}`)
  .step("greeting", ["full_name"], ({ full_name }) => `Hello, ${full_name}!`);
