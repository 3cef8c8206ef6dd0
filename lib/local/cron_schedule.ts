/** Minutes, hours, days of the month, months and days of the week, and where each begins. */
const RANGES = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 7]] as const;

/** Returns whether a job is due now, given when it was looked at and when it started last. */
export function isDue(schedule: string, now: Date, since: Date): boolean {
  const seconds = /^(\d+) seconds?$/.exec(schedule)?.[1];
  if (seconds !== undefined) return now.getTime() - since.getTime() >= Number(seconds) * 1000;
  const minute = Math.floor(now.getTime() / 60_000);
  return minute > Math.floor(since.getTime() / 60_000) && matches(schedule, now);
}

/** Times are UTC, as on the platform. */
function matches(schedule: string, now: Date): boolean {
  const fields = schedule.split(" ");
  const [minute, hour, day, month, weekday] = fields.map((field, index) =>
    valuesOf(field, RANGES[index]!)
  );
  const isDay = day!.has(now.getUTCDate());
  const isWeekday = weekday!.has(now.getUTCDay()) || (now.getUTCDay() === 0 && weekday!.has(7));
  // When both are restricted, one is enough.
  const isBoth = fields[2]!.startsWith("*") || fields[4]!.startsWith("*");
  return minute!.has(now.getUTCMinutes()) && hour!.has(now.getUTCHours()) &&
    month!.has(now.getUTCMonth() + 1) && (isBoth ? isDay && isWeekday : isDay || isWeekday);
}

/** `*`, `5`, `1-5`, each perhaps with a step as in `0-30/10`, and lists of them. */
function valuesOf(field: string, [first, last]: readonly [number, number]): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(",")) {
    const [range, step] = part.split("/");
    const [from, to] = range === "*" ? [first, last] : range!.split("-").map(Number);
    const end = to ?? (step === undefined ? from! : last);
    for (let value = from!; value <= end; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}
