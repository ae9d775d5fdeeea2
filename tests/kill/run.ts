/**
 * Runs one mode on one runtime and judges it.
 *
 * @module
 */
import type { RuntimeName } from "./command.ts";
import type { Mode } from "./modes/mode.ts";
import { provide } from "./tools.ts";
import { judge, type Verdict } from "./verdict.ts";
import { World } from "./world.ts";

/** What to do. */
export interface Options {
  readonly seed: number;
  readonly runtime: RuntimeName;
  /** How often; the mode's own number when it is not said. */
  readonly times?: number;
  /** How long the first effect of an interrupted instance may take after a restart, ms; the mode's own bound when it is not said. */
  readonly within?: number;
  /** How long all may take that is not done at the end, ms. Also the bound of a start. */
  readonly patience: number;
  /** Instances at a time. */
  readonly atOnce?: number;
  /** Keeps the data of a run with violations, and says where. */
  readonly keep?: (folder: string) => void;
  /** Told after each time. */
  readonly progress?: (times: number) => void;
}

/** What came of a mode. */
export interface Result {
  readonly verdict: Verdict;
  /** What the run has not shown. */
  readonly lacks: readonly string[];
  /** What the mode has measured. */
  readonly figures: readonly string[];
}

/** Runs it. Always ends. */
export async function runMode(mode: Mode, options: Options): Promise<Result> {
  await provide(mode.needs);
  const { times = mode.times, within = mode.within ?? Infinity, progress = () => {}, keep } = options;
  const world = new World(options);
  let good = false;
  try {
    await world.build();
    const { clients, figures } = await mode.run(world, { times, progress });
    const verdict = judge(await world.conclude(clients), world.jobs, { within, except: world.damaged });
    verdict.violations.push(...world.violations);
    good = verdict.violations.length === 0;
    const { said, missed } = figures?.() ?? { said: [], missed: [] };
    return { verdict, lacks: [...mode.lacks(verdict, { times }), ...missed], figures: said };
  } finally {
    if (!good) keep?.(world.folder);
    await world.end(!good && keep !== undefined);
  }
}
