/** What a process has used so far, or more than at another time. */
export interface ProcessUsage {
  /** Milliseconds of CPU, of all its threads. */
  cpu: number;
  /** Bytes of memory that are its own: not of files, such as the program itself. */
  memory: number;
}

// Linux shows 100 ticks to programs, however many it counts.
const MS_PER_TICK = 10;

/** Returns what a process has used, or undefined where it is gone or the system has no /proc. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    // The name of the program, in parentheses, may contain anything.
    const [, fields] = /.*\) (.*)/s.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))!;
    const [user, system] = fields!.split(" ").slice(11, 13).map(Number);
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(
      Deno.readTextFileSync(`/proc/${pid}/status`),
    )!;
    return { cpu: (user! + system!) * MS_PER_TICK, memory: Number(kilobytes) * 1024 };
  } catch {
    return undefined;
  }
}
