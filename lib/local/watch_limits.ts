import type { IsolateLimits } from "./isolate_limits.ts";
import type { UnloadReason } from "./isolate_messages.ts";
import type { ProcessUsage } from "./process_usage.ts";

/** What limits do to an isolate. */
export interface Limited {
  /** Returns what it has used, if that is known. */
  usage(): ProcessUsage | undefined;
  /** Ends it as soon as it has nothing to do. */
  dropWhenIdle(): void;
  /** Gives it no new requests, and ends it as soon as it has nothing to do. */
  retire(): void;
  /** Tells the function that its end is near. */
  warn(reason: UnloadReason): void;
  /** Ends it because of a limit. */
  exceed(): void;
}

const LOOK_MS = 50;
const WARNING = 0.9;

/** Holds an isolate to its limits; returns what calls that off. */
export function watchLimits(isolate: Limited, limits: IsolateLimits): () => void {
  const { wallClock } = limits;
  const timers = [
    setTimeout(() => isolate.retire(), wallClock * 0.5),
    setTimeout(() => isolate.warn("wall_clock"), wallClock * WARNING),
    setTimeout(() => isolate.exceed(), wallClock),
    setInterval(watchUsage(isolate, limits), LOOK_MS),
  ];
  return () => timers.forEach(clearTimeout);
}

/** Returns what looks at an isolate's usage; each mark that it passes counts once. */
function watchUsage(isolate: Limited, { cpuSoft, cpuHard, memory }: IsolateLimits): () => void {
  const marks = [
    mark("cpu", cpuSoft, () => isolate.retire()),
    mark("cpu", cpuHard * WARNING, () => isolate.warn("cpu")),
    mark("cpu", cpuHard, () => isolate.exceed()),
    mark("memory", memory * 0.5, () => isolate.dropWhenIdle()),
    mark("memory", memory * WARNING, () => isolate.warn("memory")),
    mark("memory", memory, () => isolate.exceed()),
  ];
  return () => {
    const usage = isolate.usage();
    if (usage !== undefined) { for (const look of marks) look(usage); }
  };
}

function mark(
  kind: keyof ProcessUsage,
  least: number,
  pass: () => void,
): (usage: ProcessUsage) => void {
  let isPassed = false;
  return (usage) => {
    if (isPassed || usage[kind] < least) return;
    isPassed = true;
    pass();
  };
}
