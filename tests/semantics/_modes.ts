/**
 * Ways to run the semantics that make what is rare happen always, chosen by TENURE_MODE:
 *
 * - `suspend`: a guest is taken back before it hears of each new settlement, whenever none of its bodies runs. So
 *   whatever a run does after an `await` it does in a guest that was replayed.
 * - `tiny`: two VMs, no warm images, two instances that run, and commits of one instance each.
 */
import process from "node:process";
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { trusted } from "../../adapters/sandbox/trusted.ts";
import { parseFrame } from "../../core/frame.ts";
import type { Command, Delivery, Guest, SandboxAdapter, Turn } from "../../core/ports/guest.ts";
import type { StorageAdapter, Store } from "../../core/ports/store.ts";
import type { TenureOptions } from "../../mod.ts";
import { LEFT_OUT, MODES } from "./_left_out.ts";

/** How the semantics are run. */
export interface Mode {
  readonly sandboxes: readonly SandboxAdapter[];
  /** Options of an engine that a test does not set itself. */
  readonly options: Partial<TenureOptions>;
  /** The store as engines see it. */
  storage(adapter: StorageAdapter): StorageAdapter;
  /** Tests that cannot hold, and why. */
  readonly leftOut: { readonly [sentence: string]: string };
}

const USUAL: Mode = { sandboxes: [trusted(), quickjs()], options: {}, storage: (adapter) => adapter, leftOut: {} };

function modeOf(name: string): Mode {
  const leftOut = LEFT_OUT[name] ?? {};
  switch (name) {
    case "":
      return USUAL;
    case "suspend":
      return { ...USUAL, leftOut, sandboxes: USUAL.sandboxes.map(suspending) };
    case "tiny":
      return {
        leftOut,
        sandboxes: [trusted(), quickjs({ memoryBudgetBytes: 2 * 2 ** 24, imageBudgetBytes: 0 })],
        options: { maxRunning: 2 },
        storage: (adapter) => ({ name: adapter.name, open: async () => withCaps(await adapter.open()) }),
      };
    default:
      throw new Error(`Cannot run the mode "${name}": there are ${MODES.join(", ")}`);
  }
}

/** The mode of this run. */
export const MODE: Mode = modeOf(process.env.TENURE_MODE ?? "");

/** A store that takes one instance at a time. */
function withCaps(store: Store): Store {
  return new Proxy(store, { get: (of, name) => name === "caps" ? { ...of.caps, maxOps: 2 } : Reflect.get(of, name) });
}

const EVICTED: Turn = { out: [], state: "dead", fuel: 0, incarnation: 0, death: { code: "evicted", message: "The guest was taken back" } };

function suspending(inner: SandboxAdapter): SandboxAdapter {
  /** By life: how many settlements some guest of it was to hear of. */
  const told = new Map<string, number>();
  return {
    name: inner.name,
    caps: inner.caps,
    prepare: (...args) => inner.prepare(...args),
    open(init, signal) {
      const opened = inner.open(init, signal);
      return opened instanceof Promise ? opened.then((guest) => suspendingGuest(guest, told)) : suspendingGuest(opened, told);
    },
    close: () => inner.close(),
  };
}

function suspendingGuest(inner: Guest, told: Map<string, number>): Guest {
  let life = "";
  let settled = 0;
  /** Steps, and calls of the run, whose outcome it has not heard: an attempt at them may run. */
  const open = new Set<number>();

  function evicts({ id }: { readonly id: number }): boolean {
    settled++;
    open.delete(id);
    if (open.size > 0 || settled <= (told.get(life) ?? 0)) return false;
    told.set(life, settled);
    return true;
  }

  function turned(turn: Turn): Turn {
    for (const text of turn.out) {
      const command = parseFrame(text)?.header as Command | undefined;
      if (command?.c === "do" || (command?.c === "call" && command.in === 0)) open.add(command.id);
    }
    return turn;
  }

  return {
    turn(frame, time) {
      const delivery = frame === "" ? undefined : parseFrame(frame)?.header as Delivery | undefined;
      if (delivery?.d === "start") life = delivery.seed;
      if (delivery?.d === "settle" && time !== null && evicts(delivery)) return EVICTED;
      const turn = inner.turn(frame, time);
      return turn instanceof Promise ? turn.then(turned) : turned(turn);
    },
    drop: () => inner.drop(),
  };
}
