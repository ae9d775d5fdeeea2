/**
 * The two places in which a schedule has processes: who stands there, who leaves, and who waits for somebody to come.
 *
 * @module
 */
import type { Server } from "./clients.ts";
import type { Plan } from "./plan.ts";
import type { Process } from "./process.ts";
import type { Chance, World } from "./world.ts";

/** The places of one schedule. */
export interface Slots {
  /** Somebody stands in one, or nobody does any more. */
  put(slot: number, server: Server | undefined): void;
  /** Who has a slot and is not about to leave it. */
  standing(slot: number): Server | undefined;
  /** Who has a slot. */
  all(): readonly Server[];
  /** Whom a client finds: seldom one that is about to leave. */
  servers(): readonly Server[];
  /** Calls `run` soon after somebody has come. */
  awaited(run: () => void): void;
  /** Ends a process in good order. */
  close(server: Server, timeout: number): void;
}

/** Makes them. */
export function createSlots(world: World, plan: Plan, chance: Chance): Slots {
  const slots: (Server | undefined)[] = [undefined, undefined];
  const leaving = new Set<Process>();
  let waiting: (() => void)[] = [];

  function standing(slot: number): Server | undefined {
    const server = slots[slot];
    return server !== undefined && !leaving.has(server.process) ? server : undefined;
  }

  function all(): readonly Server[] {
    return slots.filter((server) => server !== undefined);
  }

  return {
    put(slot, server) {
      slots[slot] = server;
      if (server === undefined) return;
      for (const run of waiting) world.at(chance.int(20), run);
      waiting = [];
    },
    standing,
    all,
    servers: () => leaving.size > 0 && !chance.once(4) ? all().filter(({ process }) => !leaving.has(process)) : all(),
    awaited: (run) => void waiting.push(run),
    close({ process, tenure }, timeout) {
      if (!process.alive() || leaving.has(process)) return;
      leaving.add(process);
      world.fault(`${process.name} is closed`);
      // the process may live on, and hear late answers
      void tenure.close({ timeout }).then(({ released }) => {
        if (released > 0 && timeout >= 20_000 && plan.prompt && process.alive()) world.fail("I28", `${process.name} cut off ${released} attempts after ${timeout} ms`);
      }).then(() => world.at(timeout > 50 ? 0 : 400, () => process.stop()));
    },
  };
}
