/**
 * The simulator's world on a virtual clock: for workflows that sleep for months, and guests that do real work.
 *
 * @module
 */
import { createWorld, type World } from "../simulator/world.ts";
import type { Clock } from "../../core/ports/clock.ts";

/** A world whose time is the clock's; its turns are not counted, because the clock takes them. */
export function worldOn(clock: Clock, seed: number): World {
  const world = createWorld(seed, true);
  let noted = clock.now();
  return {
    ...world,
    now: clock.monotonic,
    pass: () => {},
    at: clock.setTimer,
    task: clock.defer,
    note(hashed, text) {
      const now = clock.now();
      world.pass(now - noted);
      noted = now;
      world.note(hashed, text);
    },
  };
}
