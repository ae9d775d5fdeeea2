/**
 * Mutants that the simulator may let pass, each with the reason: nothing that counts changes, or another test holds it.
 *
 * @module
 */
import type { Made } from "./operators.ts";

/** One, or several of one kind: what is not said may be anything. No numbers of lines, which change with every edit. */
export interface Survivor extends Partial<Pick<Made, "within" | "from" | "to">> {
  readonly file: string;
  /** A part of the line that it is in. */
  readonly at?: string;
  /** `true`: what comes to happen is the same, whoever looks, or differs in how fast. */
  readonly equivalent: boolean;
  readonly reason: string;
}

/** All that were looked at. */
export const SURVIVORS: readonly Survivor[] = [];

/** The entry for a mutant. */
export function survivorOf(made: Made): Survivor | undefined {
  return SURVIVORS.find((each) =>
    each.file === made.file && made.text.includes(each.at ?? "") &&
    (["within", "from", "to"] as const).every((part) => each[part] === undefined || each[part] === made[part])
  );
}
