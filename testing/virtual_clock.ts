/**
 * Time for tests: it stands still until a test moves it, and a move is over when everything rests again.
 *
 * @module
 */
import { type Duration, parseDuration } from "../core/duration.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { TenureOptions } from "../core/tenure.ts";
import { createRandom } from "./store_cases/random.ts";
import { createStillness } from "./virtual_clock/stillness.ts";
import { createTimeline, type Timer } from "./virtual_clock/timeline.ts";
import { watchEnv, watchSandbox, watchStorage } from "./virtual_clock/watch.ts";

export type { Duration, DurationUnit } from "../core/duration.ts";

/** Options of {@linkcode virtualClock}. */
export interface VirtualClockOptions {
  /**
   * The time at which it begins.
   *
   * @default 2030-01-01T00:00:00Z
   */
  readonly start?: Date | number;
  /**
   * What its random ids are drawn from: the same seed gives the same ids. Engines on one store share one clock, else
   * their ids would be alike.
   *
   * @default {1}
   */
  readonly seed?: number;
  /**
   * How long real work that is held ({@linkcode VirtualClock.hold}, {@linkcode VirtualClock.watch}) may take without
   * anything else happening, real ms. Then it counts as work that hangs, and time goes on without it.
   *
   * @default {1000}
   */
  readonly patience?: number;
}

/** The clock as one process sees it. */
export interface VirtualProcess {
  /** To be given to the process's engine. */
  readonly clock: Clock;
  /** Stops it for good, as the death of the process does: nothing fires there any more. */
  stop(): void;
}

/** Options of {@linkcode VirtualClock.process}. */
export interface VirtualProcessOptions {
  /**
   * Whether all of its engine is watched ({@linkcode VirtualClock.watch}): then nobody has to make sure that nothing
   * goes on beside the event loop, which takes most of the time that a move takes.
   *
   * @default {false}
   */
  readonly watched?: boolean;
}

/** What {@linkcode VirtualClock.watch} looks at. */
export type Watchable = Pick<TenureOptions, "storage" | "sandbox" | "env">;

/**
 * A {@linkcode Clock} and its hands.
 *
 * Everything *rests* when no task is deferred, no job is left, and nothing that is held or watched is pending. What an
 * engine does on its own with `memory()` or `sqlite()` comes to rest without being watched. What goes on outside of
 * the process (a store over a network, a `fetch` in a binding) is known only when it is watched or held.
 */
export interface VirtualClock extends Clock {
  /**
   * Lets time pass: runs all that becomes due, each at its time and in this order, and resolves when everything rests.
   *
   * An engine's own rounds (renewing a lease, looking into an inbox) are few at a time and late, else a month would
   * have fifty million of them: a clock may be late, and they do nothing that has to be at a time.
   *
   * @throws {DurationError} when it is no duration
   */
  advance(duration: Duration): Promise<void>;
  /**
   * Moves on to the next time at which something happens, and lets it come to rest. Gives the ms that passed, or
   * `undefined` when nothing is left that could happen.
   */
  advanceToNext(): Promise<number | undefined>;
  /** Lets time leap, as for a machine that was asleep: what became due meanwhile runs late, at the end of it. */
  leap(duration: Duration): Promise<void>;
  /**
   * Moves on from one time to the next until a promise is settled, and gives what it came to.
   *
   * @throws when it is not settled and nothing is left that could happen
   */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Resolves when everything rests; no time passes. */
  rest(): Promise<void>;
  /** Lets no time pass while real work is pending; gives the same promise. */
  hold<T>(work: Promise<T>): Promise<T>;
  /**
   * Options for `createTenure` with this clock, which knows then of every call of the storage, the sandbox, `env` and
   * the bindings in it that has not been answered.
   */
  watch<O extends Watchable>(options: O): O & { readonly clock: Clock };
  /** The same time as one process sees it that may be killed. */
  process(options?: VirtualProcessOptions): VirtualProcess;
}

/** Engines look for work at least this often, ms; a timer that is longer is no round. */
const LONGEST_ROUND = 5_000;

/**
 * Makes a clock that stands still until it is moved.
 *
 * @example
 * ```ts
 * import { createTenure, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "tenure";
 * import { memory } from "tenure/storage/memory";
 * import { virtualClock } from "tenure/testing";
 *
 * class Trial extends WorkflowEntrypoint {
 *   async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
 *     await step.sleep("trial", "30 days");
 *     return await step.do("end the trial", async () => "ended");
 *   }
 * }
 *
 * const clock = virtualClock();
 * const tenure = await createTenure({ storage: memory(), clock });
 * tenure.register("Trial", Trial, { version: "1" });
 * const trial = await tenure.tenant("acme").workflow(Trial).create();
 *
 * await clock.advance("29 days");
 * console.log((await trial.status()).status); // → waiting
 * await clock.advance("1 day");
 * console.log(await trial.result()); // → ended
 * await tenure.close();
 * ```
 */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const start = Number(options.start ?? Date.UTC(2030, 0, 1));
  const timeline = createTimeline(start);
  const stillness = createStillness(options.patience ?? 1_000);
  const random = createRandom(options.seed ?? 1);
  let moving: Promise<unknown> = Promise.resolve();
  /** Since the last timer ran: timers that were set, and whatever else was asked for. */
  let set: Timer[] = [];
  let acts = 0;

  function uuid(): string {
    const digits = Array.from({ length: 4 }, () => random.int(2 ** 32).toString(16).padStart(8, "0")).join("");
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20)}`;
  }

  function process({ watched = false }: VirtualProcessOptions = {}): VirtualProcess {
    const timers = new Set<Timer>();
    let alive = true;

    function act(): void {
      acts++;
      stillness.touch(!watched);
    }

    return {
      clock: {
        now() {
          stillness.touch();
          return timeline.now();
        },
        monotonic() {
          act();
          return timeline.now() - start;
        },
        setTimer(ms, run) {
          stillness.touch();
          if (!alive) return () => {};
          const timer = timeline.set(ms, () => {
            timers.delete(timer);
            run();
          });
          timers.add(timer);
          set.push(timer);
          return () => {
            if (timer.run === undefined) return;
            timer.run = undefined;
            timers.delete(timer);
            act();
          };
        },
        defer(run) {
          act();
          stillness.defer(() => alive && run());
        },
        uuid() {
          act();
          return uuid();
        },
      },
      stop() {
        alive = false;
        for (const timer of timers) timer.run = undefined;
        timers.clear();
      },
    };
  }

  /** Runs one timer and lets everything come to rest. False when it was a round that found nothing to do. */
  async function fire(timer: Timer): Promise<boolean> {
    const { run } = timer;
    if (run === undefined) return false;
    timer.run = undefined;
    set = [];
    acts = 0;
    timeline.move(timer.due);
    run();
    await stillness.rest();
    const [again] = set;
    if (acts > 0 || set.length !== 1 || again?.run === undefined || again.ms !== timer.ms || again.ms > LONGEST_ROUND) return true;
    timeline.round(again);
    return false;
  }

  /** Runs what comes next by `target`: rounds once each, then one timer. "end": there was none, and it is `target` now. */
  async function hop(target: number): Promise<"happened" | "nothing" | "end"> {
    await stillness.rest();
    const until = Math.min(timeline.next()?.due ?? Infinity, target);
    for (const round of timeline.rounds(until)) if (await fire(round)) return "happened";
    const timer = timeline.next();
    if (timer !== undefined && timer.due <= target) return await fire(timer) ? "happened" : "nothing";
    if (target !== Infinity) timeline.move(target);
    return "end";
  }

  /** One move at a time. */
  function alone<T>(move: () => Promise<T>): Promise<T> {
    const moved = moving.then(move);
    moving = moved.catch(() => {});
    return moved;
  }

  async function advanceToNext(): Promise<number | undefined> {
    const before = timeline.now();
    for (;;) {
      const came = await alone(() => hop(Infinity));
      if (came !== "nothing") return came === "end" ? undefined : timeline.now() - before;
    }
  }

  const { clock } = process();
  return {
    ...clock,
    async advance(duration) {
      const target = timeline.now() + parseDuration(duration);
      while (await alone(() => hop(target)) !== "end");
      await stillness.rest();
    },
    advanceToNext,
    async leap(duration) {
      const target = timeline.now() + parseDuration(duration);
      await stillness.rest();
      await alone(async () => {
        timeline.move(target);
        for (const round of timeline.rounds(target)) await fire(round);
        for (let timer = timeline.next(); timer !== undefined && timer.due <= target; timer = timeline.next()) await fire(timer);
      });
    },
    async until(promise) {
      let settled = false;
      const over = (): void => void (settled = true);
      promise.then(over, over);
      await stillness.rest();
      while (!settled) {
        if (await advanceToNext() !== undefined || settled) continue;
        // what is waited for may hang on real work of which nobody knows
        stillness.hold(promise).catch(() => {});
        await stillness.rest();
        if (!settled) throw new Error(`Cannot go on at ${new Date(timeline.now()).toISOString()}: nothing is left that could happen`);
      }
      return promise;
    },
    rest: stillness.rest,
    hold: stillness.hold,
    watch(options) {
      const { storage, sandbox, env } = options;
      const arrivals = new Map<string, () => void>();
      return {
        ...options,
        storage: watchStorage(storage, { hold: stillness.hold, arrivals }),
        ...(sandbox !== undefined && { sandbox: watchSandbox(sandbox, { hold: stillness.hold, arrivals }) }),
        ...(env !== undefined && { env: watchEnv(env, stillness.hold) }),
        clock: process({ watched: true }).clock,
      };
    },
    process,
  };
}
