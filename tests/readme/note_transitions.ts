import type postgres from "postgres";

/** The tables whose rows have a status. */
export type Stateful = "runs" | "step_states" | "step_tasks";

/** Makes the database note every change of a status from now on; returns what it has noted. */
export async function noteTransitions(
  sql: postgres.Sql,
): Promise<(table: Stateful) => Promise<string[]>> {
  await sql.unsafe(`
    create table public.noted (entity text, transition text, primary key (entity, transition));
    create function public.note() returns trigger language plpgsql as $$
    begin
      insert into public.noted
      select
        tg_table_name,
        case when tg_op = 'INSERT' then '[*]' else old.status end || ' --> ' || new.status
      where tg_op = 'INSERT' or old.status <> new.status
      on conflict do nothing;
      return null;
    end;
    $$;
  `);
  for (const table of ["runs", "step_states", "step_tasks"]) {
    await sql.unsafe(`
      create trigger note after insert or update on pgflow.${table}
      for each row execute function public.note()
    `);
  }
  return async (table) => {
    const rows = await sql`select transition from public.noted where entity = ${table}`;
    return rows.map((row) => row.transition as string).sort();
  };
}

/** Brings runs, steps and tasks into every state by every way there is. */
export async function takeEveryWay(sql: postgres.Sql): Promise<void> {
  await defineFlows(sql);
  const step = stepper(sql);

  // Through to the end, with a retry, an approval and a task given back.
  let run = await step.start("work");
  await step.poll("work");
  await step.giveBack(run, "list");
  await step.complete(run, "list", [1, 2]);
  await step.poll("work");
  await step.fail(run, "each");
  await step.complete(run, "each", 1, 0);
  await step.complete(run, "each", 1, 1);
  await step.call("complete_step", run, "review", "1");
  await step.complete(run, "last", 1);

  // Failed by a task, cancelled, and each time retried.
  run = await step.start("work");
  await step.fail(run, "list", true);
  await step.call("retry_run", run);
  await step.poll("work");
  await step.fail(run, "list", true);
  await step.call("retry_run", run);
  await step.call("cancel_run", run);
  await step.call("retry_run", run);
  await step.poll("work");
  await step.complete(run, "list", [1]);
  await step.call("fail_step", run, "review", "no");
  await step.call("retry_run", run);
  await step.poll("work");
  await step.call("cancel_run", run);
  await step.call("retry_run", run);

  // Over nothing, over no array, without steps.
  run = await step.start("work");
  await step.complete(run, "list", []);
  run = await step.start("work");
  await step.complete(run, "list", "no array");
  await step.call("retry_run", run);
  await step.start("nothing");

  // Skipped by a condition, failed by one, skipped when attempts are spent.
  await step.start("may_skip");
  run = await step.start("must");
  await step.complete(run, "first", 1);
  await step.call("retry_run", run);
  run = await step.start("forgives");
  await step.fail(run, "first", true);

  // With child runs that complete, fail and are cancelled.
  for (const outcome of ["completed", "failed", "cancelled", "unpolled"]) {
    run = await step.start("parent");
    if (outcome !== "unpolled") await step.poll("parent");
    await step.complete(run, "child", {});
    if (outcome === "completed") await step.complete(await step.childOf(run), "only", 1);
    if (outcome === "cancelled") await step.call("cancel_run", run);
    if (outcome !== "failed") continue;
    await step.fail(await step.childOf(run), "only", true);
    await step.complete(run, "child", {});
    await step.fail(await step.childOf(run), "only", true);
  }
}

async function defineFlows(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    select pgflow.create_flow('work', base_delay => 0, max_attempts => 2);
    select pgflow.add_step('work', 'list');
    select pgflow.add_step('work', 'each', '{list}', step_type => 'map');
    select pgflow.add_step('work', 'review', '{list}', performed_by => 'approval');
    select pgflow.add_step('work', 'last', '{each,review}');
    select pgflow.create_flow('nothing');
    select pgflow.create_flow('may_skip');
    select pgflow.add_step('may_skip', 'first', required_input_pattern => '{"go": true}');
    select pgflow.create_flow('must');
    select pgflow.add_step('must', 'first');
    select pgflow.add_step('must', 'second', '{first}', required_input_pattern => '{"first": 2}',
      when_unmet => 'fail');
    select pgflow.create_flow('forgives');
    select pgflow.add_step('forgives', 'first', when_exhausted => 'skip');
    select pgflow.create_flow('kid');
    select pgflow.add_step('kid', 'only');
    select pgflow.create_flow('parent', base_delay => 0, max_attempts => 2);
    select pgflow.add_step('parent', 'child', performed_by => 'subflow', subflow_slug => 'kid');
  `);
}

function stepper(sql: postgres.Sql) {
  const worker = crypto.randomUUID();
  return {
    async start(flow: string): Promise<string> {
      const [run] = await sql`select run_id from pgflow.start_flow(${flow}, '{}')`;
      return run!.run_id;
    },
    poll: (queue: string) =>
      sql`select from pgflow.poll_for_tasks(${queue}, 2, 10, 0, worker_id => ${worker})`,
    complete: (run: string, step: string, output: unknown, index = 0) =>
      sql`select from pgflow.complete_task(${run}, ${step}, ${index}, ${
        JSON.stringify(output)
      }::text::jsonb)`,
    fail: (run: string, step: string, permanent = false) =>
      sql`select from pgflow.fail_task(${run}, ${step}, 0, 'no', permanent => ${permanent})`,
    giveBack: (run: string, step: string) =>
      sql`select from pgflow.settle_tasks(jsonb_build_array(jsonb_build_object(
        'run_id', ${run}::text, 'step_slug', ${step}::text,
        'task_index', 0, 'attempt', 1, 'release', true
      )))`,
    call: (name: string, ...args: string[]) =>
      sql.unsafe(
        `select from pgflow.${name}(${args.map((_, index) => `$${index + 1}`).join(", ")})`,
        args,
      ),
    async childOf(run: string): Promise<string> {
      const [task] = await sql`select child_run_id from pgflow.step_tasks where run_id = ${run}`;
      return task!.child_run_id;
    },
  };
}
