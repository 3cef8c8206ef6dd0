import { assertEquals } from "@std/assert";
import { askCatalogue, type Questions } from "./ask_catalogue.ts";

/** What other programs rely on: columns, parameters, keys, and what must not be there. */
const questions: Questions = {};

const contract: Record<string, string> = {
  flows: "flow_slug opt_max_attempts opt_base_delay opt_timeout created_at",
  steps: "flow_slug step_slug step_type performed_by step_index deps_count opt_max_attempts " +
    "opt_base_delay opt_timeout opt_start_delay required_input_pattern forbidden_input_pattern " +
    "when_unmet when_exhausted subflow_slug created_at",
  deps: "flow_slug dep_slug step_slug created_at",
  runs: "run_id flow_slug status input output error_message remaining_steps root_run_id " +
    "parent_run_id parent_step_slug parent_task_index idempotency_key owner broadcast start_at " +
    "started_at completed_at failed_at cancelled_at",
  step_states: "flow_slug run_id step_slug status initial_tasks remaining_tasks remaining_deps " +
    "output error_message skip_reason created_at started_at completed_at failed_at skipped_at " +
    "cancelled_at",
  step_tasks: "flow_slug run_id step_slug task_index message_id status attempts_count " +
    "attempts_forgiven input output error_message queued_at started_at completed_at failed_at " +
    "cancelled_at last_worker_id child_run_id",
  task_failures: "run_id step_slug task_index attempt error_message failed_at worker_id",
  workers: "worker_id queue_name function_name started_at deprecated_at stopped_at " +
    "last_heartbeat_at",
};

for (const [table, columns] of Object.entries(contract)) {
  questions[`table ${table} has the columns of the contract`] = async (sql) => {
    const rows = await sql`
      select column_name from information_schema.columns
      where table_schema = 'pgflow' and table_name = ${table}
    `;
    const present = new Set(rows.map((row) => row.column_name));
    assertEquals(columns.split(" ").filter((column) => !present.has(column)), []);
  };
}

// The array is functions.queue_names.
questions["columns have plain types: slugs and statuses text, counters int, payloads jsonb"] =
  async (sql) => {
    const rows = await sql`
    select distinct c.data_type as type
    from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'pgflow' and t.table_type = 'BASE TABLE'
    order by 1
  `;
    assertEquals(rows.map((row) => row.type), [
      "ARRAY",
      "bigint",
      "boolean",
      "double precision",
      "integer",
      "jsonb",
      "text",
      "timestamp with time zone",
      "uuid",
    ]);
    const others = await sql`
    select table_name, column_name from information_schema.columns
    where table_schema = 'pgflow'
      and (domain_name is not null
        or data_type in ('bigint', 'jsonb', 'double precision') and column_name not in (
        'message_id', 'input', 'output', 'required_input_pattern', 'forbidden_input_pattern',
        'elements', 'request_id', 'opt_retry_jitter'
      ))
  `;
    assertEquals([...others], []);
    const arrays = await sql`
    select table_name || '.' || column_name || ' ' || udt_name as name
    from information_schema.columns
    join information_schema.tables t using (table_schema, table_name)
    where table_schema = 'pgflow' and data_type = 'ARRAY' and t.table_type = 'BASE TABLE'
    order by 1
  `;
    assertEquals(arrays.map((row) => row.name), [
      "flows.startable_by _text",
      "functions.queue_names _text",
      "owner_counts.open_run_ids _uuid",
    ]);
  };

const parameters: Record<string, [string, string]> = {
  is_valid_slug: ["slug text", "boolean"],
  create_flow: [
    "flow_slug text, max_attempts integer DEFAULT 3, base_delay integer DEFAULT 5, " +
    "timeout integer DEFAULT 60",
    "pgflow.flows",
  ],
  add_step: [
    "flow_slug text, step_slug text, deps_slugs text[] DEFAULT '{}'::text[], " +
    "max_attempts integer DEFAULT NULL::integer, base_delay integer DEFAULT NULL::integer, " +
    "timeout integer DEFAULT NULL::integer, start_delay integer DEFAULT NULL::integer",
    "pgflow.steps",
  ],
  start_flow: [
    "flow_slug text, input jsonb, run_id uuid DEFAULT NULL::uuid, " +
    "idempotency_key text DEFAULT NULL::text, " +
    "start_at timestamp with time zone DEFAULT NULL::timestamp with time zone",
    "SETOF pgflow.runs",
  ],
  start_flows: ["flow_slug text, inputs jsonb", "SETOF pgflow.runs"],
  poll_for_tasks: [
    "queue_name text, vt integer, qty integer, max_poll_seconds integer DEFAULT 5, " +
    "poll_interval_ms integer DEFAULT 100, worker_id uuid DEFAULT NULL::uuid",
    "SETOF pgflow.step_task_record",
  ],
  wait_for_tasks: [
    "IN queue_names text[], IN max_seconds integer DEFAULT 5, " +
    "IN poll_interval_ms integer DEFAULT 100",
    "",
  ],
  start_tasks: [
    "flow_slug text, msg_ids bigint[], worker_id uuid",
    "SETOF pgflow.step_task_record",
  ],
  complete_task: [
    "run_id uuid, step_slug text, task_index integer, output jsonb, " +
    "attempt integer DEFAULT NULL::integer",
    "SETOF pgflow.step_tasks",
  ],
  fail_task: [
    "run_id uuid, step_slug text, task_index integer, error_message text, " +
    "attempt integer DEFAULT NULL::integer, permanent boolean DEFAULT false",
    "SETOF pgflow.step_tasks",
  ],
  settle_tasks: ["results jsonb", "SETOF pgflow.step_tasks"],
  calculate_retry_delay: ["base_delay numeric, attempts_count integer", "integer"],
  start_ready_steps: ["run_id uuid", "void"],
  maybe_complete_run: ["run_id uuid", "void"],
  get_run_with_states: ["run_id uuid", "jsonb"],
  start_flow_with_states: [
    "flow_slug text, input jsonb, run_id uuid DEFAULT NULL::uuid",
    "jsonb",
  ],
  complete_step: [
    "run_id uuid, step_slug text, output jsonb, task_index integer DEFAULT 0",
    "SETOF pgflow.step_tasks",
  ],
  fail_step: [
    "run_id uuid, step_slug text, error_message text, task_index integer DEFAULT 0",
    "SETOF pgflow.step_tasks",
  ],
  cancel_run: ["run_id uuid", "SETOF pgflow.runs"],
  retry_run: ["run_id uuid", "SETOF pgflow.runs"],
  ensure_flow_compiled: ["flow_slug text, shape jsonb", "jsonb"],
};

for (const [name, [args, result]] of Object.entries(parameters)) {
  questions[`function ${name} has the parameters and result of the contract`] = async (sql) => {
    const rows = await sql`
      select pg_get_function_arguments(p.oid) as args, coalesce(pg_get_function_result(p.oid), '')
        as result
      from pg_proc p
      where p.pronamespace = 'pgflow'::regnamespace and p.proname = ${name}
    `;
    // More optional parameters may follow.
    const found = rows.map((row) => [row.args.slice(0, args.length), row.result]);
    assertEquals(found, [[args, result]]);
  };
}

const api: Record<string, [string, string]> = {
  start_flow: [
    "flow_slug text, input jsonb DEFAULT 'null'::jsonb, run_id uuid DEFAULT NULL::uuid, " +
    "idempotency_key text DEFAULT NULL::text, " +
    "start_at timestamp with time zone DEFAULT NULL::timestamp with time zone, " +
    "owner uuid DEFAULT NULL::uuid",
    "jsonb",
  ],
  get_run: ["run_id uuid", "jsonb"],
  list_runs: [
    "flow_slug text DEFAULT NULL::text, status text DEFAULT NULL::text, " +
    "page_size integer DEFAULT 50, before jsonb DEFAULT NULL::jsonb",
    "SETOF pgflow.listed_run",
  ],
  cancel_run: ["run_id uuid", "jsonb"],
  retry_run: ["run_id uuid", "jsonb"],
  complete_step: [
    "run_id uuid, step_slug text, output jsonb DEFAULT 'null'::jsonb, " +
    "task_index integer DEFAULT 0",
    "jsonb",
  ],
  fail_step: [
    "run_id uuid, step_slug text, error_message text DEFAULT NULL::text, " +
    "task_index integer DEFAULT 0",
    "jsonb",
  ],
  list_approvals: [
    "page_size integer DEFAULT 50, after jsonb DEFAULT NULL::jsonb",
    "SETOF pgflow.listed_approval",
  ],
};

questions["public holds the functions of the API and nothing else of pgflow's"] = async (sql) => {
  const rows = await sql`
    select proname as name, pg_get_function_arguments(p.oid) as args,
      pg_get_function_result(p.oid) as result
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by 1
  `;
  assertEquals(
    rows.map((row) => [row.name, row.args, row.result]),
    Object.entries(api).map(([name, [args, result]]) => [name, args, result]).sort(),
  );
};

questions["no function is overloaded"] = async (sql) => {
  const rows = await sql`
    select proname from pg_proc where pronamespace = 'pgflow'::regnamespace
    group by 1 having count(*) > 1
  `;
  assertEquals([...rows], []);
};

questions["foreign keys are those of the contract, at once and with their rows"] = async (sql) => {
  const rows = await sql`
    select k.conrelid::regclass || ' -> ' || k.confrelid::regclass as name,
      k.condeferrable as deferrable, k.confdeltype as on_delete
    from pg_constraint k
    where k.contype = 'f' and k.connamespace = 'pgflow'::regnamespace
    order by 1
  `;
  const cascading = (name: string) => ({ name, deferrable: false, on_delete: "c" });
  assertEquals([...rows], [
    cascading("pgflow.deps -> pgflow.steps"),
    cascading("pgflow.deps -> pgflow.steps"),
    cascading("pgflow.owner_counts -> pgflow.flows"),
    cascading("pgflow.runs -> pgflow.flows"),
    cascading("pgflow.step_states -> pgflow.runs"),
    cascading("pgflow.step_tasks -> pgflow.step_states"),
    cascading("pgflow.steps -> pgflow.flows"),
    cascading("pgflow.task_failures -> pgflow.step_tasks"),
  ]);
};

questions["the constraints that callers see have their names"] = async (sql) => {
  const rows = await sql`
    select conrelid::regclass || ' ' || conname as name from pg_constraint
    where conname in ('slug_is_valid', 'steps_step_slug_check', 'steps_flow_slug_fkey',
      'deps_check', 'deps_flow_slug_dep_slug_fkey', 'step_tasks_pkey')
    order by 1
  `;
  assertEquals(rows.map((row) => row.name), [
    "pgflow.deps deps_check",
    "pgflow.deps deps_flow_slug_dep_slug_fkey",
    "pgflow.flows slug_is_valid",
    "pgflow.step_tasks step_tasks_pkey",
    "pgflow.steps steps_flow_slug_fkey",
    "pgflow.steps steps_step_slug_check",
  ]);
};

questions["no trigger is on any table, and there is no queue without a flow"] = async (sql) => {
  const triggers = await sql`
    select tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace = 'pgflow'::regnamespace and not t.tgisinternal
  `;
  const queues = await sql`select queue_name from pgmq.meta`;
  assertEquals([[...triggers], [...queues]], [[], []]);
};

questions["every table and public function says what it is"] = async (sql) => {
  const silent = await sql`
    select c.oid::regclass::text as name
    from pg_class c
    where c.relnamespace = 'pgflow'::regnamespace
      and c.relkind in ('r', 'v')
      and obj_description(c.oid, 'pg_class') is null
    union all
    select p.oid::regproc::text
    from pg_proc p
    where p.pronamespace in ('pgflow'::regnamespace, 'public'::regnamespace)
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      and p.proname not like '\\_%'
      and obj_description(p.oid, 'pg_proc') is null
    order by 1
  `;
  assertEquals(silent.map((row) => row.name), []);
};

askCatalogue("pgflow has the tables and functions of the contract", questions);
