import { BOSS, type CallerName, OTHER, OWNER } from "./callers.ts";

/** Made anew before each case. */
export interface Runs {
  /** A run of the owner's that waits for four approvals and a handler. */
  open: string;
  /** A run of the owner's that was cancelled. */
  cancelled: string;
  /** A run of the server's, for nobody. */
  nobodys: string;
  /** An id that no run has. */
  unknown: string;
}

/** One thing that a caller may try. */
export interface Operation {
  name: string;
  args: (runs: Runs) => Record<string, unknown>;
  /** What comes of it: "ok" or the error's code, in the order of the callers. */
  expected: Record<CallerName, string>;
}

/** The flows of the project, in SQL. */
export const flows = `
  select pgflow.create_flow('closed');
  select pgflow.add_step('closed', 'only');
  select pgflow.create_flow('members', startable_by => array['authenticated']);
  select pgflow.add_step('members', 'only');
  select pgflow.create_flow('everybody', startable_by => array['anon', 'authenticated']);
  select pgflow.add_step('everybody', 'only');
  select pgflow.create_flow('visitors', startable_by => array['anon']);
  select pgflow.add_step('visitors', 'only');
  select pgflow.create_flow('expense', startable_by => array['authenticated']);
  select pgflow.add_step('expense', 'by_owner', performed_by => 'approval', assignee => 'owner');
  select pgflow.add_step('expense', 'by_role', performed_by => 'approval', assignee => 'role:manager');
  select pgflow.add_step('expense', 'by_user', performed_by => 'approval', assignee => 'user:run.boss');
  select pgflow.add_step('expense', 'by_server', performed_by => 'approval');
  select pgflow.add_step('expense', 'by_worker');
`;

/** What a run's input has in it that nobody else may ever see. */
export const SECRET = "salary-90000";
export const input = { boss: BOSS, secret: SECRET };

const ORDER: CallerName[] = ["anon", "owner", "other", "manager", "boss", "foreign", "server"];

/** A row of the table: an operation, and the outcomes in the order of the callers. */
function row(name: string, args: Operation["args"], outcomes: string): Operation {
  const cells = outcomes.split(/\s+/);
  if (cells.length !== ORDER.length) throw new Error(`${name}: ${cells.length} outcomes`);
  const expected = Object.fromEntries(ORDER.map((caller, i) => [caller, cells[i]!]));
  return { name, args, expected: expected as Operation["expected"] };
}

const start = (flow_slug: string, more: Record<string, unknown> = {}) => () => ({
  flow_slug,
  input: 1,
  ...more,
});
const answer = (run: keyof Runs, step_slug: string, more: Record<string, unknown> = {}) =>
(
  runs: Runs,
) => ({ run_id: runs[run], step_slug, ...more });
const of = (run: keyof Runs) => (runs: Runs) => ({ run_id: runs[run] });

/** The table. */
export const operations: Operation[] = [
  //                                                anon  owner other mngr  boss  forgn server
  row(
    "start_flow",
    start("closed"),
    "               PF011 PF011 PF011 PF011 PF011 PF011 ok".trim(),
  ),
  row(
    "start_flow",
    start("members"),
    "              PF011 ok    ok    ok    ok    ok    ok".trim(),
  ),
  row(
    "start_flow",
    start("everybody"),
    "            ok    ok    ok    ok    ok    ok    ok".trim(),
  ),
  row(
    "start_flow",
    start("visitors"),
    "             ok    PF011 PF011 PF011 PF011 PF011 ok".trim(),
  ),
  row(
    "start_flow",
    start("nothing"),
    "              PF011 PF011 PF011 PF011 PF011 PF011 PF001".trim(),
  ),
  row(
    "start_flow",
    start("expense", { input }),
    "   PF011 ok    ok    ok    ok    ok    ok".trim(),
  ),
  row(
    "start_flow",
    start("members", { owner: OTHER }),
    "PF011 42501 ok 42501 42501 42501 ok",
  ),
  row(
    "start_flow",
    start("everybody", { owner: OWNER }),
    "42501 ok 42501 42501 42501 42501 ok",
  ),
  // The same start again, by whoever did not start it.
  row(
    "start_flow",
    (runs) => ({ flow_slug: "expense", input, run_id: runs.open }),
    "PF011 ok PF004 PF004 PF004 PF004 PF004",
  ),
  row(
    "start_flow",
    (runs) => ({ flow_slug: "expense", input, idempotency_key: runs.open }),
    "PF011 ok PF004 PF004 PF004 PF004 PF004",
  ),
  row(
    "start_flow",
    (runs) => ({ flow_slug: "everybody", input, idempotency_key: runs.nobodys }),
    "PF004 PF004 PF004 PF004 PF004 PF004 ok",
  ),
  row("get_run", of("open"), "      42501 ok    PF005 PF005 PF005 PF005 ok".trim()),
  row("get_run", of("cancelled"), " 42501 ok    PF005 PF005 PF005 PF005 ok".trim()),
  row("get_run", of("nobodys"), "   42501 PF005 PF005 PF005 PF005 PF005 ok".trim()),
  row("get_run", of("unknown"), "   42501 PF005 PF005 PF005 PF005 PF005 PF005".trim()),
  row("list_runs", () => ({}), "    42501 ok    ok    ok    ok    ok    ok".trim()),
  row("cancel_run", of("open"), "   42501 ok    PF005 PF005 PF005 PF005 ok".trim()),
  row("cancel_run", of("nobodys"), "42501 PF005 PF005 PF005 PF005 PF005 ok".trim()),
  row("cancel_run", of("unknown"), "42501 PF005 PF005 PF005 PF005 PF005 PF005".trim()),
  row("retry_run", of("cancelled"), "42501 ok   PF005 PF005 PF005 PF005 ok".trim()),
  row("retry_run", of("open"), "    42501 ok    PF005 PF005 PF005 PF005 ok".trim()),
  row("retry_run", of("nobodys"), " 42501 PF005 PF005 PF005 PF005 PF005 ok".trim()),
  row("retry_run", of("unknown"), " 42501 PF005 PF005 PF005 PF005 PF005 PF005".trim()),
  ...["complete_step", "fail_step"].flatMap((name) => [
    row(name, answer("open", "by_owner"), " 42501 ok    PF005 PF005 PF005 PF005 ok".trim()),
    row(name, answer("open", "by_role"), "  42501 PF014 PF005 ok    PF005 PF005 ok".trim()),
    row(name, answer("open", "by_user"), "  42501 PF014 PF005 PF005 ok    PF005 ok".trim()),
    row(name, answer("open", "by_server"), "42501 PF014 PF005 PF005 PF005 PF005 ok".trim()),
    row(name, answer("open", "by_worker"), "42501 PF009 PF005 PF005 PF005 PF005 PF009".trim()),
    row(name, answer("open", "nothing"), "  42501 PF009 PF005 PF005 PF005 PF005 PF009".trim()),
    row(
      name,
      answer("open", "by_owner", { task_index: 1 }),
      "42501 PF009 PF005 PF005 PF005 PF005 PF009",
    ),
    row(name, answer("cancelled", "by_owner"), "42501 PF009 PF005 PF005 PF005 PF005 PF009".trim()),
    row(name, answer("unknown", "by_owner"), "  42501 PF005 PF005 PF005 PF005 PF005 PF005".trim()),
  ]),
  row("list_approvals", () => ({}), "42501 ok ok ok ok ok ok"),
];
