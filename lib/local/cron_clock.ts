import postgres from "postgres";
import { isDue } from "./cron_schedule.ts";
import { pause } from "./pause.ts";

/** A row of cron.job. */
interface Job {
  jobid: string;
  schedule: string;
  command: string;
}

const LOOK_MS = 250;

/**
 * Runs the jobs that cron.schedule() has left in a database when they are due, each one at a time, as
 * pg_cron does; until it is disposed.
 */
export function startCronClock(databaseUrl: string): AsyncDisposable {
  const sql = postgres(databaseUrl, { max: 4, onnotice: () => {} });
  const stopped = new AbortController();
  const running = new Map<string, Promise<void>>();
  const lastStarts = new Map<string, Date>();

  const startDueJobs = async () => {
    const jobs = await sql<Job[]>`select jobid, schedule, command from cron.job where active`;
    const now = new Date();
    for (const job of jobs) {
      if (!lastStarts.has(job.jobid)) lastStarts.set(job.jobid, now);
      if (running.has(job.jobid) || !isDue(job.schedule, now, lastStarts.get(job.jobid)!)) continue;
      lastStarts.set(job.jobid, now);
      const run = runJob(sql, job).catch(() => {}).finally(() => running.delete(job.jobid));
      running.set(job.jobid, run);
    }
  };
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      // Without the database there is the next look.
      await startDueJobs().catch(() => {});
      await pause(LOOK_MS, stopped.signal);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await loop;
      // A command that takes long ends with its connection.
      await sql.end({ timeout: 1 });
      await Promise.all(running.values());
    },
  };
}

async function runJob(sql: postgres.Sql, { jobid, command }: Job): Promise<void> {
  const start_time = new Date();
  const { status, return_message } = await sql.unsafe(command).simple().then(
    () => ({ status: "succeeded", return_message: "" }),
    (error: Error) => ({ status: "failed", return_message: `ERROR:  ${error.message}` }),
  );
  const details = { jobid, command, status, return_message, start_time, end_time: new Date() };
  await sql`insert into cron.job_run_details ${sql(details)}`;
}
