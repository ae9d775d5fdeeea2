/**
 * Runs a second with many in flight.
 *
 * @module
 */
import process from "node:process";
import type { Engine } from "../_engines/engine.ts";
import { type Profile, startProfile } from "../_lib/profile.ts";

/** How to keep it busy. */
export interface BusyOptions {
  /** Steps of a run. */
  readonly steps: number;
  readonly inFlight: number;
  /** For so long new runs are begun; those in flight are then waited for, and count. */
  readonly milliseconds: number;
  /** Samples, and keeps them in this file. */
  readonly profile?: string;
}

/** What came of it. */
export interface Busy {
  readonly runs: number;
  readonly runsPerSecond: number;
  /** CPU time of the main thread for each run, µs: says more than the clock where others use the machine, too. */
  readonly cpuMicroseconds: number;
  readonly profile?: Profile;
}

/** Measures for a while. */
export async function measureBusy(engine: Pick<Engine, "run">, options: BusyOptions): Promise<Busy> {
  const { steps, inFlight, milliseconds } = options;
  const stop = options.profile === undefined ? undefined : await startProfile(options.profile);
  let runs = 0;
  const cpu = process.threadCpuUsage();
  const begin = performance.now();
  const end = begin + milliseconds;
  // no timer ends it: an engine over a synchronous store may never let one fire
  await Promise.all(Array.from({ length: inFlight }, async () => {
    do {
      await engine.run(steps);
      runs++;
    } while (performance.now() < end);
  }));
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.threadCpuUsage(cpu);
  const profile = await stop?.();
  return {
    runs,
    runsPerSecond: runs / seconds,
    cpuMicroseconds: (user + system) / runs,
    ...(profile !== undefined && { profile }),
  };
}
