/**
 * CPU time of a step on a store that does not sync: all threads of the process, collector and compiler included.
 *
 * @module
 */
import process from "node:process";
import { type GuestKind, openTenure } from "../_engines/tenure.ts";

/** What to measure. */
export interface CpuTask {
  readonly task: "cpu";
  readonly guest: GuestKind;
  readonly repetitions: number;
}

/** For one more step of a lone run, µs. */
export interface Cpu {
  readonly all: number;
  readonly mainThread: number;
}

const SHORT = 10;
const LONG = 60;

/** Measures one kind of guest on `memory()`. */
export async function measureCpu({ guest, repetitions }: CpuTask): Promise<Cpu> {
  const engine = await openTenure({ guest });
  for (let warm = 0; warm < 60; warm++) await engine.run(LONG);
  let all = 0, mainThread = 0;
  for (let i = 0; i < repetitions; i++) {
    for (const [steps, sign] of [[SHORT, -1], [LONG, 1]] as const) {
      const process0 = process.cpuUsage(), thread0 = process.threadCpuUsage();
      await engine.run(steps);
      const thread = process.threadCpuUsage(thread0), whole = process.cpuUsage(process0);
      all += sign * (whole.user + whole.system);
      mainThread += sign * (thread.user + thread.system);
    }
  }
  await engine.close();
  const steps = repetitions * (LONG - SHORT);
  return { all: all / steps, mainThread: mainThread / steps };
}
