/**
 * How many commits a run that is alone waits for.
 *
 * @module
 */
import { type GuestKind, openTenure } from "../_engines/tenure.ts";
import { counting } from "./counting.ts";

/** What to measure. */
export interface CommitsTask {
  readonly task: "commits";
  readonly guest: GuestKind;
  readonly folder: string;
  readonly steps: readonly number[];
}

const RUNS = 5;

/** Commits from `create()` until the result is there, the most of some runs, for each number of steps. */
export async function measureCommits({ guest, folder, steps }: CommitsTask): Promise<readonly number[]> {
  const at: number[] = [];
  const engine = await openTenure({ guest, folder, wrap: (storage) => counting(storage, at) });
  const most: number[] = [];
  for (const count of steps) {
    const seen: number[] = [];
    for (let i = 0; i <= RUNS; i++) {
      await quiet(at);
      const before = at.length;
      await engine.run(count);
      // the first run of a kind may load code
      if (i > 0) seen.push(at.length - before);
    }
    most.push(Math.max(...seen));
  }
  await engine.close();
  return most;
}

/** Waits until nothing is committed behind the last run. */
async function quiet(at: readonly number[]): Promise<void> {
  for (let before = -1; before !== at.length;) {
    before = at.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
