// What is pinned here is pinned by the type checker: each test compiles only as long as it holds.
import { type SupabaseClient } from "@supabase/supabase-js";
import { createClient, type PgflowClient, type Run, type SupabaseLike } from "pgflow/client";
import { Flow, type } from "pgflow/dsl";
import type { GreetUser } from "../../flows/greet_user.ts";
import { holds, type Same } from "../dsl/same.ts";

const Ship = new Flow({ slug: "ship", input: type<{ id: number; express?: boolean }>() })
  .step("label", ({ run }) => `parcel ${run.id}`)
  .approval("review", ["label"], { output: type<{ approved: boolean }>() })
  .step("words", ["label"], ({ label }) => label.split(" "))
  .mapApproval("votes", "words", { output: type<"yes" | "no">() })
  .step("sent", ["review", "votes"], () => ({ at: "noon" }), { whenExhausted: "skip" });

declare const pgflow: PgflowClient;
declare const run: Run<typeof Ship>;

Deno.test("createClient() takes a client of supabase-js, whatever its types", () => {
  interface Database {
    public: {
      Tables: Record<never, never>;
      Views: Record<never, never>;
      Functions: { add: { Args: { a: number }; Returns: number } };
    };
  }
  const check = (plain: SupabaseClient, typed: SupabaseClient<Database>) => {
    const likes: SupabaseLike[] = [plain, typed];
    return [createClient(plain), createClient(typed), likes];
  };
  void check;
});

Deno.test("startFlow() checks slug and input by the flow's type", () => {
  const check = async () => {
    const run = await pgflow.startFlow<typeof Ship>("ship", { id: 1 });
    holds<Same<typeof run, Run<typeof Ship>>>();
    const same = await pgflow.startFlow(Ship, { id: 1, express: true });
    holds<Same<typeof same, Run<typeof Ship>>>();
    // @ts-expect-error The slug is another one.
    await pgflow.startFlow<typeof Ship>("shop", { id: 1 });
    // @ts-expect-error The id is a number.
    await pgflow.startFlow<typeof Ship>("ship", { id: "1" });
    // @ts-expect-error The id is missing.
    await pgflow.startFlow(Ship, {});
    // Without its input a flow's slug is not part of its type.
    await pgflow.startFlow<typeof GreetUser>("any", { first_name: "", last_name: "" });
    // @ts-expect-error It has a last name, too.
    await pgflow.startFlow<typeof GreetUser>("greet_user", { first_name: "" });
    // Without a type all goes.
    const untyped = await pgflow.startFlow("any", 1);
    await untyped.step("any").complete(1);
  };
  void check;
});

Deno.test("Run knows the outputs of its flow and of its steps", () => {
  const check = async () => {
    holds<Same<Awaited<ReturnType<typeof run.completed>>, { sent?: { at: string } }>>();
    const label = await run.stepCompleted("label");
    holds<Same<typeof label, string>>();
    const votes = await run.step("votes").completed();
    holds<Same<typeof votes, ("yes" | "no")[]>>();
    // @ts-expect-error There is no such step.
    await run.stepCompleted("lable");
    for await (const event of run.events()) {
      if (event.type !== "step:completed") continue;
      if (event.step === "review") holds<Same<typeof event.output, { approved: boolean }>>();
      // @ts-expect-error There is no such step.
      if (event.step === "revue") return;
    }
  };
  void check;
});

Deno.test("only approvals can be answered, and only with what they ask for", () => {
  const check = async () => {
    await run.step("review").complete({ approved: true });
    await run.step("votes").complete("yes", { taskIndex: 1 });
    await run.step("votes").fail("nobody is in");
    // @ts-expect-error It is a yes or a no.
    await run.step("votes").complete("perhaps");
    // @ts-expect-error It says whether it is approved.
    await run.step("review").complete({});
    // @ts-expect-error A handler does it.
    await run.step("label").complete("x");
    // @ts-expect-error A handler does it.
    await run.step("label").fail("x");
  };
  void check;
});
