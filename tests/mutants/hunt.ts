/**
 * Looks whether the simulator notices that a source has been changed.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { execute } from "../_runner/execute.ts";
import { buildSimulator, type Changed } from "./build.ts";

/** One round: how many schedules, from which seed, and how long that may take, ms. */
export interface Round {
  readonly from: number;
  readonly schedules: number;
  readonly patience: number;
}

/** What came of it. */
export interface Catch {
  readonly found: boolean;
  /** How: the rule that was broken, or that it never ended. */
  readonly how: string;
  /** The seed of the schedule, where one is named. */
  readonly seed: number | undefined;
  readonly milliseconds: number;
}

/** Builds a simulator with the change and runs it, one round after the other until one finds something. `undefined`: the change is no program. */
export async function hunt(changed: Changed | undefined, rounds: readonly Round[], folder: string): Promise<Catch | undefined> {
  const file = join(folder, "simulator.mjs");
  try {
    await buildSimulator(file, changed);
  } catch {
    return undefined;
  }
  let milliseconds = 0;
  for (const { from, schedules, patience } of rounds) {
    const args = [file, "--from", String(from), "--schedules", String(schedules), "--jobs", "1"];
    const { code, output, timedOut, ...took } = await execute({ bin: process.execPath, args }, { timeout: patience });
    milliseconds += took.milliseconds;
    // what spins or waits for ever is found by that
    if (timedOut) return { found: true, how: "no end", seed: undefined, milliseconds };
    if (code === 0) continue;
    const first = /seed (\d+): ([^:]+)/.exec(output);
    const how = first?.[2] ?? output.trim().split("\n").at(-1) ?? "";
    return { found: true, how, seed: first === null ? undefined : Number(first[1]), milliseconds };
  }
  return { found: false, how: "", seed: undefined, milliseconds };
}
