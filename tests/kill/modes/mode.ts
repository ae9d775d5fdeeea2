/**
 * What a mode is: a way to disturb processes at work, and what has to come of it.
 *
 * @module
 */
import type { Need } from "../tools.ts";
import type { Verdict } from "../verdict.ts";
import type { World } from "../world.ts";

/** How much of it. */
export interface Extent {
  /** How often the process is disturbed; what that means is the mode's to say. */
  readonly times: number;
  /** Told after each time. */
  readonly progress: (times: number) => void;
}

/** What goes on when a mode is over. */
export interface Running {
  /** Resolves when all instances have ended. */
  readonly clients: Promise<void>;
  /** What it has measured, when it is over: sentences, and of them what is not as it has to be. */
  readonly figures?: () => { readonly said: readonly string[]; readonly missed: readonly string[] };
}

/** One mode. */
export interface Mode {
  readonly name: string;
  /** What it does, in a sentence. */
  readonly about: string;
  /** What it needs of the machine. */
  readonly needs: readonly Need[];
  /** How often, when nobody says. */
  readonly times: number;
  /** How long the first effect of an interrupted instance may take after a restart, ms. */
  readonly within?: number;
  /** Starts processes and clients and disturbs them; resolves when that is over, with the clients, who may not be done. */
  run(world: World, extent: Extent): Promise<Running>;
  /** What the run has not shown, each in a sentence: a test that did nothing has shown nothing. */
  lacks(verdict: Verdict, extent: Pick<Extent, "times">): string[];
}
