/**
 * Whether everything rests: no task is deferred, no job is left, nothing that is known to go on outside of the clock
 * is on its way.
 *
 * @module
 */
import { systemClock } from "../../core/system_clock.ts";

/** What knows of rest. */
export interface Stillness {
  /** Something happened; with `works` it may have begun what goes on beside the event loop. */
  touch(works?: boolean): void;
  /** Runs something as a task of its own. */
  defer(run: () => void): void;
  /** Nothing rests while this is pending, but for work that hangs. */
  hold<T>(work: Promise<T>): Promise<T>;
  /** Resolves when everything rests. */
  rest(): Promise<void>;
}

/** Turns of the event loop without anything happening; of what is watched one is enough. */
const QUIET = 3;
/** So long it spins, real ms, before it lets the processor go while it waits for real work. */
const SPIN = 2;

/**
 * Makes one.
 *
 * @param patience so long work that is held may take without anything happening, real ms; then it hangs, and counts no more
 */
export function createStillness(patience: number): Stillness {
  const system = systemClock();
  const held = new Set<object>();
  let happened = 0;
  let works = false;
  let deferred = 0;
  let since = system.monotonic();

  const turn = (): Promise<void> => new Promise<void>(system.defer);

  function touch(work: boolean = false): void {
    happened++;
    works ||= work;
  }

  /** Lets real work go on; what takes too long is given up. */
  async function wait(): Promise<void> {
    const waited = system.monotonic() - since;
    if (waited > patience) return held.clear();
    if (waited > SPIN) await new Promise<void>((done) => void system.setTimer(1, done));
  }

  async function quiet(): Promise<void> {
    for (let turns = 0; turns < (works ? QUIET : 1); turns++) {
      const before = happened;
      await turn();
      const busy = deferred > 0 || happened !== before;
      if (busy) since = system.monotonic();
      else if (held.size > 0) await wait();
      if (busy || held.size > 0) turns = -1;
    }
  }

  return {
    touch,
    defer(run) {
      touch();
      deferred++;
      system.defer(() => {
        deferred--;
        run();
      });
    },
    hold(work) {
      const one = {};
      held.add(one);
      since = system.monotonic();
      const over = (): void => {
        // who waits for it goes on
        if (held.delete(one)) touch();
      };
      work.then(over, over);
      return work;
    },
    async rest() {
      let before: number;
      do {
        await quiet();
        before = happened;
        if (!works) continue;
        works = false;
        // a hash that an engine wants is computed where it cannot be seen: what is asked for later is done later
        await crypto.subtle.digest("SHA-256", new Uint8Array(1));
        await turn();
      } while (happened !== before || deferred > 0 || held.size > 0);
    },
  };
}
