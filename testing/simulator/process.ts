/**
 * A process as the world treats it: it has a clock of its own, it can die, stop for a while, and be slow.
 *
 * @module
 */
import type { Clock } from "../../core/ports/clock.ts";
import type { Plan } from "./plan.ts";
import type { Chance, World } from "./world.ts";

/** One process, from its start to its death. */
export interface Process {
  readonly name: string;
  readonly clock: Clock;
  /** False when it has died, or was closed. */
  alive(): boolean;
  /** Calls `run` in it: never when it is dead, later when it is stopped. */
  enter(run: () => void): void;
  /** Dies at once. What it has sent may still arrive. */
  kill(why: string): void;
  /** Ends in good order. */
  stop(): void;
  /** Stops for a while (a debugger, a page fault, SIGSTOP) and goes on as if nothing had been. */
  freeze(ms: number): void;
  thaw(): void;
  /** Its wall clock jumps. */
  jump(ms: number): void;
  /** Waits in it; for ever when it dies. */
  sleep(ms: number): Promise<void>;
  /** Resolves when it has died. */
  readonly gone: Promise<void>;
}

/** Wall time at the beginning of the world. */
export const EPOCH = 1_700_000_000_000;

/** Starts one. */
export function createProcess(world: World, plan: Plan, of: { readonly name: string; readonly chance: Chance }): Process {
  const { name, chance } = of;
  let alive = true;
  let thawed: (() => void) | undefined;
  let skew = 0;
  let held: (() => void)[] | undefined;
  let died = (): void => {};
  const gone = new Promise<void>((done) => died = done);

  const living = (): boolean => alive;

  function end(): void {
    alive = false;
    died();
  }

  function enter(run: () => void): void {
    if (!alive) return;
    if (held !== undefined) held.push(run);
    else run();
  }

  function thaw(): void {
    thawed?.();
    thawed = undefined;
    const waiting = held ?? [];
    held = undefined;
    // in the order in which it would have met them, each a task of its own
    for (const run of waiting) world.task(() => enter(run));
  }

  const clock: Clock = {
    now: () => EPOCH + world.now() + skew,
    monotonic() {
      if (chance.chance(plan.rates.busy)) world.pass(chance.once(5) ? 60 : chance.between(1, 10));
      return world.now();
    },
    setTimer: (ms, run) => world.at(ms + chance.int(plan.lateness + 1), () => enter(run), living),
    defer: (run) => world.task(() => enter(run)),
    uuid() {
      const tail = (0x100000000 + chance.int(0x100000000)).toString(16);
      return `${(0x100000000 + chance.int(0x100000000)).toString(16).slice(1)}-0000-4000-8000-0000${tail.slice(1)}`;
    },
  };

  return {
    name,
    clock,
    alive: living,
    enter,
    kill(why) {
      if (!alive) return;
      world.fault(`${name} dies: ${why}`);
      end();
    },
    stop: end,
    freeze(ms) {
      if (!alive || held !== undefined) return;
      world.fault(`${name} stops for ${ms} ms`);
      held = [];
      thawed = world.at(ms, thaw);
    },
    thaw,
    jump(ms) {
      skew += ms;
      world.fault(`${name} wall clock jumps by ${ms} ms`);
    },
    sleep: (ms) => new Promise<void>((done) => void world.at(ms, () => enter(done), living)),
    gone,
  };
}
