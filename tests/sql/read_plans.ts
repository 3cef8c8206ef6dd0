import postgres from "postgres";

/** What one statement did to one table, as its plan says. */
export interface TableScan {
  /** The beginning of the statement. */
  statement: string;
  /** Such as "Seq Scan" or "Index Scan using runs_pkey (run_id = $1)". */
  scan: string;
  /** The table. */
  table: string;
  /** The rows that were read, those that did not fit included. */
  rows: number;
  /** The blocks of table and index that were read. */
  blocks: number;
}

interface PlanNode {
  "Node Type": string;
  Schema?: string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Index Cond"?: string;
  "Actual Rows"?: number;
  "Actual Loops"?: number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  Plans?: PlanNode[];
}

/** A connection whose statements, and those within functions, tell their plans. */
export interface PlanReader extends AsyncDisposable {
  sql: postgres.Sql;
  /** Runs a call and returns what all its statements did to tables. */
  scansOf(call: string): Promise<TableScan[]>;
}

/** Opens a connection that reads plans; it needs auto_explain, and so a superuser. */
export async function openPlanReader(url: string): Promise<PlanReader> {
  let scans: TableScan[] = [];
  const sql = postgres(url, {
    max: 1,
    onnotice: ({ message = "" }) => {
      if (/^duration: .* plan:/.test(message)) scans.push(...scansIn(message));
    },
  });
  await sql.unsafe("load 'auto_explain'");
  await sql.unsafe(`
    set auto_explain.log_level = 'notice';
    set auto_explain.log_format = 'json';
    set auto_explain.log_verbose = on;
    set auto_explain.log_analyze = on;
    set auto_explain.log_timing = off;
    set auto_explain.log_buffers = on;
    set auto_explain.log_nested_statements = on;
  `);
  return {
    sql,
    async scansOf(call) {
      scans = [];
      await sql.unsafe("set auto_explain.log_min_duration = 0");
      await sql.unsafe(call);
      await sql.unsafe("set auto_explain.log_min_duration = -1");
      return scans;
    },
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  };
}

function scansIn(message: string): TableScan[] {
  const explained = JSON.parse(message.slice(message.indexOf("{"))) as {
    "Query Text": string;
    Plan: PlanNode;
  };
  const statement = explained["Query Text"].replace(/\s+/g, " ").trim().slice(0, 100);
  return nodesOf(explained.Plan)
    .filter((node) => node["Relation Name"] !== undefined && node["Node Type"] !== "ModifyTable")
    .map((node) => ({
      statement,
      scan: [node["Node Type"], node["Index Name"], node["Index Cond"]].filter(Boolean).join(" "),
      table: `${node.Schema}.${node["Relation Name"]}`,
      rows: rowsRead(node),
      blocks: (node["Shared Hit Blocks"] ?? 0) + (node["Shared Read Blocks"] ?? 0),
    }));
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** Plans count for each loop. */
function rowsRead(node: PlanNode): number {
  const each = (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0);
  return each * (node["Actual Loops"] ?? 0);
}
