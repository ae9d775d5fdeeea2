/**
 * Timers that bodies set: classes of the host have the host's own, so they are asked for in a guest's stead, and what
 * comes of them is kept from it.
 *
 * @module
 */
import { frame, parseFrame } from "../../core/frame.ts";
import type { Plan } from "./plan.ts";
import type { Chance, World } from "./world.ts";

/** Those of one guest. */
export interface BodyTimers {
  /** What a guest adds to a turn that begins a body. */
  set(header: { readonly d?: string; readonly id?: number; readonly attempt?: number }): readonly string[];
  /** Whether a delivery is of one of them; holds it against what was asked for. */
  fired(header: { readonly d?: string; readonly id?: number; readonly attempt?: number; readonly ok?: boolean } | undefined): boolean;
  /** Looks whether a body came to its end before a timer that was due. */
  ended(out: readonly string[]): void;
}

/** No command of a guest has such a number. */
const FIRST = 800_000;
/** How late one may be where nothing goes wrong, ms. */
const LATE = 30;

/** Makes them. */
export function createTimers({ world, plan, chance }: { readonly world: World; readonly plan: Plan; readonly chance: Chance }): BodyTimers {
  const due = new Map<number, { readonly body: string; readonly at: number; over: number }>();
  let count = 0;
  return {
    set({ d, id, attempt }) {
      if (d !== "body" || id === undefined || !chance.chance(plan.calm ? 0.1 : plan.rates.timers)) return [];
      const ms = chance.pick([0, 1, 15, 100]);
      due.set(FIRST + ++count, { body: `${id} ${attempt}`, at: world.now() + ms, over: Infinity });
      return [frame({ c: "timer", id: FIRST + count, in: id, ms })];
    },
    fired(header) {
      if (header?.d === "abort") {
        // one that goes on all the same has none any more
        for (const timer of due.values()) if (timer.body === `${header.id} ${header.attempt}`) timer.over = Math.min(timer.over, world.now());
        return false;
      }
      if (header?.d !== "settle" || header.id === undefined || header.id < FIRST || header.id > FIRST + 99_999) return false;
      const timer = due.get(header.id);
      due.delete(header.id);
      if (timer === undefined) world.fail("I5", "a timer fires that was not set, or twice");
      else if (timer.over < timer.at) world.fail("I5", "a timer fires of a body that is over");
      else if (header.ok !== true) world.fail("I2", "a timer fails");
      else if (world.now() < timer.at) world.fail("I13", `a timer fires at ${world.now()}, before ${timer.at}`);
      return true;
    },
    ended(out) {
      if (due.size === 0) return;
      for (const text of out) {
        const header = parseFrame(text)?.header as { c?: string; id?: number; attempt?: number; ok?: unknown } | null | undefined;
        // what does not say how it ended is nobody's end
        if (header?.c !== "done" || typeof header.ok !== "boolean") continue;
        for (const timer of due.values()) {
          const { body, at, over } = timer;
          if (body !== `${header.id} ${header.attempt}` || over !== Infinity) continue;
          timer.over = world.now();
          if (plan.calm && world.now() - at > LATE) world.fail("I13", `a timer due at ${at} has not fired at ${world.now()}`);
        }
      }
    },
  };
}
