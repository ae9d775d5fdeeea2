/**
 * What a history costs: a late step against an early one, and the replay of a step.
 *
 * @module
 */
import type { StorageAdapter } from "../../mod.ts";
import { inputOf } from "../_engines/engine.ts";
import { type GuestKind, openTenure } from "../_engines/tenure.ts";
import { median } from "../_lib/stats.ts";
import { counting } from "./counting.ts";

/** What to measure. */
export interface HistoryTask {
  readonly task: "history";
  readonly guest: GuestKind;
  /** The late step. */
  readonly depth: number;
  readonly repetitions: number;
}

/** What it came to. */
export interface HistoryCost {
  /** A late step ÷ an early one. */
  readonly late: number;
  /** For one step, µs, load included: the store is in memory. */
  readonly replay: number;
}

/** Steps that are looked at on each end. */
const WINDOW = 50;
const FEW = 10;

/** Measures one kind of guest on `memory()`. */
export async function measureHistory({ guest, depth, repetitions }: HistoryTask): Promise<HistoryCost> {
  return { late: await lateStep({ guest, depth, repetitions }), replay: await replay({ guest, depth, repetitions }) };
}

type Options = Omit<HistoryTask, "task">;

async function lateStep({ guest, depth, repetitions }: Options): Promise<number> {
  const at: number[] = [];
  const engine = await openTenure({ guest, wrap: (storage) => counting(storage, at) });
  const steps = depth + WINDOW;
  const ratios: number[] = [];
  for (let i = 0; i < 2; i++) await engine.run(steps);
  for (let i = 0; i < repetitions; i++) {
    at.length = 0;
    await engine.run(steps);
    const each = at.length / steps;
    const around = (step: number): number => {
      const times = at.slice(Math.round(step * each), Math.round((step + WINDOW) * each));
      return median(times.slice(1).map((time, j) => time - (times[j] as number)));
    };
    ratios.push(around(depth - WINDOW) / around(FEW));
  }
  await engine.close();
  return median(ratios);
}

async function replay({ guest, depth, repetitions }: Options): Promise<number> {
  let storage: StorageAdapter | undefined;
  const keep = (made: StorageAdapter): StorageAdapter => storage ??= made;
  const sizes = [FEW, depth];
  const ids = sizes.flatMap((steps) => Array.from({ length: repetitions + 3 }, (_, i) => ({ steps, id: `run-${steps}-${i}` })));

  // runs that wait behind their steps, then a process that has never seen them
  const before = await openTenure({ guest, wrap: keep });
  const first = before.workflows[0]!;
  for (const { steps, id } of ids) {
    const instance = await first.create({ id, params: { ...inputOf(steps), wait: true } });
    while ((await instance.status()).status !== "waiting") await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await before.close();

  const after = await openTenure({ guest, wrap: keep });
  const times = new Map<number, number[]>(sizes.map((steps) => [steps, []]));
  for (const { steps, id } of ids.sort((a, b) => a.id.slice(-1).localeCompare(b.id.slice(-1)))) {
    const instance = await after.workflows[0]!.get(id);
    const begin = performance.now();
    await instance.sendEvent({ type: "go" });
    await instance.result();
    times.get(steps)!.push(performance.now() - begin);
  }
  await after.close();
  const [few, many] = sizes.map((steps) => median(times.get(steps)!.slice(3))) as [number, number];
  return (many - few) / (depth - FEW) * 1000;
}
