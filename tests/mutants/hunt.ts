/**
 * Looks whether the simulator notices that a source has been changed.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { execute } from "../_runner/execute.ts";
import { buildSimulator, type Changed } from "./build.ts";

/** One round: schedules from a seed on, run so many at a time. */
export interface Round {
  readonly from: number;
  readonly schedules: number;
  /** Schedules of one process: it is given an end of its own. */
  readonly each: number;
}

/** What came of it. */
export interface Catch {
  readonly found: boolean;
  /** How: the rule that was broken, or that it never ended. */
  readonly how: string;
  /** The seed of the schedule, where one is named. */
  readonly seed: number | undefined;
  /** The round, from 0. */
  readonly round: number;
  readonly milliseconds: number;
}

/** How long so many schedules may take, ms. */
export type Patience = (schedules: number) => number;

/** So many times longer than the original is no mere slowness. */
const SLOWER = 4;
/** What a process takes to start on a machine that has much to do, ms. */
const START = 8_000;

/** Measures the original. Throws when it has a failure of its own. */
export async function patience(folder: string): Promise<Patience> {
  const schedules = 200;
  const result = await hunt([], [{ from: 1, schedules, each: schedules }], folder, () => 300_000);
  if (result === undefined || result.found) throw new Error(`Cannot hunt: the original fails with ${result?.how} at seed ${result?.seed}`);
  return (n) => START + SLOWER * n * result.milliseconds / schedules;
}

/** Builds a simulator with the changes and runs it, one round after the other until one finds something. `undefined`: the change is no program. */
export async function hunt(
  changed: readonly Changed[],
  rounds: readonly Round[],
  folder: string,
  patience: Patience,
): Promise<Catch | undefined> {
  const file = join(folder, "simulator.mjs");
  try {
    await buildSimulator(file, changed);
  } catch {
    return undefined;
  }
  let milliseconds = 0;

  async function run(from: number, schedules: number, timeout: number): ReturnType<typeof execute> {
    // what keeps everything must not take the machine with it
    const args = ["--max-old-space-size=1500", file, "--from", String(from), "--schedules", String(schedules), "--jobs", "1"];
    const ended = await execute({ bin: process.execPath, args }, { timeout });
    // a runtime that is not there says nothing of a mutant
    if (ended.code === null && ended.output.startsWith("Cannot run ")) throw new Error(ended.output.trim());
    milliseconds += ended.milliseconds;
    return ended;
  }

  for (const [round, { from, schedules, each }] of rounds.entries()) {
    for (let at = from; at < from + schedules; at += each) {
      const n = Math.min(each, from + schedules - at);
      let ended = await run(at, n, patience(n));
      // a machine that has much else to do is slow, too
      if (ended.timedOut && round > 0) ended = await run(at, n, 2 * patience(n));
      // what spins or waits for ever is found by that
      if (ended.timedOut) return { found: true, how: "no end", seed: undefined, round, milliseconds };
      if (ended.code === 0) continue;
      const first = /seed (\d+): ([^:]+)/.exec(ended.output);
      const how = first?.[2] ?? ended.output.trim().split("\n").at(-1) ?? "";
      return { found: true, how, seed: first === null ? undefined : Number(first[1]), round, milliseconds };
    }
  }
  return { found: false, how: "", seed: undefined, round: rounds.length - 1, milliseconds };
}

/** A catch in words. */
export function whatOf({ how, seed, milliseconds }: Catch): string {
  return `${how}${seed === undefined ? "" : ` at seed ${seed}`}, ${(milliseconds / 1000).toFixed(1)} s`;
}
