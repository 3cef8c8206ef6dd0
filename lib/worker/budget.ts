/** Seconds of wall clock that the platform gives to an isolate, on its two plans. */
const PLANS = [150, 400] as const;

/** The part of its wall clock after which the runtime announces an isolate's end. */
const ANNOUNCED_AT = 0.9;

/** The part of its wall clock after which an isolate gets no requests, so that a successor can start. */
const RETIRED_AT = 0.5;

/** What a {@linkcode Budget} is made of. */
export interface BudgetParts {
  /** Seconds from the isolate's start to its end, if that was said. */
  wallClockSeconds: number | undefined;
  /** Whether the isolate ends by itself at all. */
  isEdge: boolean;
  /** Returns the isolate's age in seconds. */
  age(): number;
  /** Returns the age at which it got its last request. */
  lastRequestAge(): number;
}

/**
 * What is left of an isolate's life, as far as that can be known.
 *
 * That is its wall clock: no API tells how much CPU it has used, so that the runtime's announcement
 * is all there is of that.
 */
export class Budget {
  readonly #parts: BudgetParts;

  /** Creates a budget. */
  constructor(parts: BudgetParts) {
    this.#parts = parts;
  }

  /** Seconds from the isolate's start to its end: the shortest that is possible, if nobody said. */
  get wallClockSeconds(): number {
    const { wallClockSeconds, isEdge, age, lastRequestAge } = this.#parts;
    if (wallClockSeconds !== undefined) return wallClockSeconds;
    if (!isEdge) return Infinity;
    // An end that was not announced when it should have been is that of another plan, and so is an
    // isolate that gets requests when it should be retired.
    const isPossible = (seconds: number) =>
      age() < seconds * (ANNOUNCED_AT + 0.02) && lastRequestAge() < seconds * RETIRED_AT;
    return PLANS.find(isPossible) ?? PLANS[1];
  }

  /** Seconds until the isolate's end. */
  get secondsLeft(): number {
    return this.wallClockSeconds - this.#parts.age();
  }

  /** Seconds until the isolate's end, when the runtime has just announced it. */
  get secondsLeftWhenAnnounced(): number {
    const { wallClockSeconds, age } = this.#parts;
    const left = (wallClockSeconds ?? 0) - age();
    return left > 0 ? left : age() * (1 / ANNOUNCED_AT - 1);
  }

  /** Whether a successor could start, because requests go to this isolate no more. */
  get isRetired(): boolean {
    return this.#parts.age() >= this.wallClockSeconds * RETIRED_AT;
  }

  /**
   * Whether a task of so many seconds should begin in this isolate rather than in its successor.
   *
   * In the first half of its life all do: the next isolate would have no more time for them.
   */
  allows(seconds: number): boolean {
    return !this.isRetired || this.secondsLeft >= seconds;
  }
}
