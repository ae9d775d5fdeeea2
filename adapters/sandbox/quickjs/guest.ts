/**
 * A live run in a VM of its own, as the core drives it.
 *
 * @module
 */
import type { Limits } from "../../../core/limits.ts";
import type { Death, Guest, Turn } from "../../../core/ports/guest.ts";
import { entryOf } from "./entry.ts";
import type { Layout } from "./layout.ts";
import type { VmPool } from "./pool.ts";
import type { Vm } from "./vm.ts";

/** A guest in a VM that stands at the warm image of its version. The VM goes back to the pool, or is lost. */
export function vmGuest(
  vm: Vm,
  { limits, layout, pool }: { readonly limits: Limits; readonly layout: Layout; readonly pool: VmPool },
): Guest {
  let live: Vm | undefined = vm;
  let death: Death | undefined;
  return {
    turn(frame, time) {
      if (live === undefined) return deadTurn(death, []);
      pool.runs(vm, layout);
      const { out, death: cause } = live.enter(entryOf(limits, time), () => {
        if (frame !== "") vm.callWithText(vm.handles.deliver, frame);
        vm.pump();
      });
      pool.measure(vm);
      if (cause === undefined) return { out, state: "rest", fuel: 0, incarnation: 1 };
      live = undefined;
      death = cause;
      pool.discard(vm);
      return deadTurn(death, out);
    },
    drop() {
      const given = live;
      live = undefined;
      if (given !== undefined) pool.give(given);
    },
  };
}

/** A guest whose code could not be loaded: it dies of that in its first turn. */
export function stillborn(death: Death): Guest {
  return { turn: () => deadTurn(death, []), drop: () => undefined };
}

function deadTurn(death: Death | undefined, out: readonly string[]): Turn {
  const cause: Death = death ?? { code: "guest_failed", message: "The guest was let go" };
  return { out, state: "dead", fuel: 0, incarnation: 1, death: cause };
}
