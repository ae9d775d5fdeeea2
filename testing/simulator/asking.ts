/**
 * Clients that ask until they know what came of it: of any process that takes requests, again when one does not answer.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { Server } from "./clients.ts";
import type { Slots } from "./slots.ts";
import type { Chance, World } from "./world.ts";

/** What they are made of. */
export interface AskingParts {
  /** Who asks: for the trace. */
  readonly who: string;
  readonly world: World;
  readonly chance: Chance;
  /** Who takes requests now. */
  readonly slots: Slots;
  /** What may be refused, by code: something else came first. */
  readonly refused: RegExp;
}

/** Those who ask. */
export interface Asking {
  /** Asks until the outcome is known. */
  ask(what: string, run: (server: Server) => Promise<unknown>): void;
  /** Of how many it is not. */
  pending(): number;
}

/** Before somebody asks again, ms. */
const PAUSE = 40;
/** How long an answer is waited for, ms. */
const PATIENCE = 60_000;
/** Codes that leave it open what came of a request. */
export const UNKNOWN: readonly string[] = ["outcome_unknown", "storage_unavailable", "closed"];

/** Makes them. */
export function createAsking({ who, world, chance, slots, refused }: AskingParts): Asking {
  let pending = 0;

  function ask(what: string, run: (server: Server) => Promise<unknown>): void {
    pending++;
    const attempt = (): void => {
      const all = slots.servers();
      if (all.length === 0) return slots.awaited(attempt);
      const server = chance.pick(all);
      world.note(`${who}: ${what} at ${server.process.name}`);
      let over = false;
      const once = (known: boolean): void => {
        if (over) return;
        over = true;
        cancel();
        if (known) pending--;
        else world.at(PAUSE, attempt);
      };
      const cancel = world.at(PATIENCE, () => once(false));
      void server.process.gone.then(() => once(false));
      run(server).then(() => once(true), (error) => {
        const unknown = !TenureError.is(error) || UNKNOWN.includes(error.code);
        if (!unknown && !refused.test(error.code)) world.fail("api", `${what}: ${error.message}`);
        once(!unknown);
      });
    };
    attempt();
  }

  return { ask, pending: () => pending };
}
