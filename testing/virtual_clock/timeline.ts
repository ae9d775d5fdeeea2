/**
 * Timers of a time that stands still until it is moved.
 *
 * @module
 */

/** A timer that is set. */
export interface Timer {
  /** When it was meant to run, ms of the timeline. */
  readonly due: number;
  /** What it was set for, ms. */
  readonly ms: number;
  /** What it runs; `undefined` once it has run or was cancelled. */
  run: (() => void) | undefined;
}

/** The time, and what is to happen in it. */
export interface Timeline {
  /** The time, ms. */
  now(): number;
  /** Moves the time; never back. */
  move(to: number): void;
  /** Sets a timer. */
  set(ms: number, run: () => void): Timer;
  /** The next timer that somebody waits for. */
  next(): Timer | undefined;
  /** Takes a timer for a round: it only looks whether there is something to do, and nothing needs it at its time. */
  round(timer: Timer): void;
  /** The rounds that are due by then, oldest first. */
  rounds(until: number): Timer[];
}

/** Makes one that begins at `start`, ms. */
export function createTimeline(start: number): Timeline {
  const waited: Timer[] = [];
  const rounds: Timer[] = [];
  let now = start;

  return {
    now: () => now,
    move: (to) => void (now = Math.max(now, to)),
    set(ms, run) {
      const timer: Timer = { due: now + Math.max(0, ms), ms, run };
      insert(waited, timer);
      return timer;
    },
    next() {
      while (waited.length > 0 && (waited[0] as Timer).run === undefined) waited.shift();
      return waited[0];
    },
    round(timer) {
      waited.splice(waited.indexOf(timer), 1);
      insert(rounds, timer);
    },
    rounds(until) {
      sweep(rounds);
      return rounds.filter(({ due }) => due <= until);
    },
  };
}

/** Behind all that are due no later: timers of one moment run in the order in which they were set. */
function insert(timers: Timer[], timer: Timer): void {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timers[middle] as Timer).due <= timer.due) low = middle + 1;
    else high = middle;
  }
  timers.splice(low, 0, timer);
}

function sweep(timers: Timer[]): void {
  let kept = 0;
  for (const timer of timers) if (timer.run !== undefined) timers[kept++] = timer;
  timers.length = kept;
}
