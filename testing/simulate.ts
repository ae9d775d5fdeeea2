/**
 * A workflow under faults: a store that loses, repeats and delays, and processes that die, stop and are replaced.
 *
 * @module
 */
import type { Code, SandboxAdapter } from "../core/ports/guest.ts";
import type { OutputOf, ParamsOf, WorkflowLike } from "../core/tenant.ts";
import { memory } from "./adapters.ts";
import { type Fleet, startFleet } from "./simulate/fleet.ts";
import { worldOn } from "./simulate/world.ts";
import type { CrashOptions } from "./simulate_crash.ts";
import { SimulatedFault } from "./simulator/faulty_store.ts";
import { nameOf } from "./simulator/ledger.ts";
import { type Plan, planOf } from "./simulator/plan.ts";
import { EPOCH } from "./simulator/process.ts";
import type { World } from "./simulator/world.ts";
import { conclude, resultText, textOf, type TestRun } from "./test_workflow/conclude.ts";
import { drive } from "./test_workflow/drive.ts";
import { runOnce } from "./test_workflow/run_once.ts";
import { type Stage, stage } from "./test_workflow/stage.ts";
import type { Subject } from "./test_workflow/subject.ts";
import type { Body } from "./test_workflow/tap.ts";

/** What a workflow is given, what has to hold, and how often it is tried. */
export interface SimulateOptions<Params = unknown> extends Omit<CrashOptions<Params>, "start"> {
  /**
   * How many runs, each with a seed of its own.
   *
   * @default {100}
   */
  readonly runs?: number;
  /**
   * The seed of the first run; those that follow count on from it. A seed is a run: the same faults at the same
   * places.
   *
   * @default {1}
   */
  readonly seed?: number;
  /**
   * All results that are right, each as `result` gives it: faults make a run slow, and what is late may time out.
   *
   * @default the one of a run without faults
   */
  readonly outcomes?: readonly unknown[];
}

/** Options, or what makes them for each run: then a run does not see what those before it did outside. */
export type SimulateSetup<Params = unknown, Options extends SimulateOptions<Params> = SimulateOptions<Params>> =
  | Options
  | (() => Options | Promise<Options>);

/** What all the runs came to. */
export interface SimulationReport<Output = unknown> {
  /** The run without faults. */
  readonly run: TestRun<Output>;
  /** How many runs with faults there were. */
  readonly runs: number;
  /** Processes that died, in all of them. */
  readonly deaths: number;
  /** Commits, in all of them. */
  readonly commits: number;
  /** How often bodies were begun more than without faults, by step. */
  readonly repeated: Readonly<Record<string, number>>;
}

/** A run in which something did not hold. */
export class SimulationError extends Error {
  /** `SimulationError`. */
  override readonly name: string = "SimulationError";
  /** The seed of the run: as the option `seed`, with `runs: 1`, it is the same run again. */
  readonly seed: number;
  /** What happened in it. */
  readonly trace: readonly string[];
  /** Makes one. */
  constructor(seed: number, why: string, trace: readonly string[], options?: ErrorOptions) {
    super(`Cannot hold in the run of seed ${seed} (again: { seed: ${seed}, runs: 1 }): ${why}`, options);
    this.seed = seed;
    this.trace = trace;
  }
}

/**
 * Runs a workflow many times under faults: calls of the store that fail, that fail although they were applied, that
 * are applied long after; processes that die at any call and in any body, that stop for a while, lose their lease,
 * are closed and replaced. Then all faults end, and the run has to come to its end.
 *
 * Every run has to come to a result that is right, and everything that was committed is held against the rules of the
 * engine: no body after its result was recorded, no start that is not durable, no event twice.
 *
 * @example
 * ```ts
 * import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "tenure";
 * import { simulate } from "tenure/testing";
 *
 * class Report extends WorkflowEntrypoint {
 *   async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
 *     const numbers = await step.do("read the numbers", async () => [1, 2, 3]);
 *     await step.sleep("until the morning", "8 hours");
 *     return await step.do("sum up", async () => numbers.reduce((sum, n) => sum + n));
 *   }
 * }
 *
 * const { run, runs, deaths } = await simulate(Report, { runs: 20 });
 * console.log(`${run.output} in all of ${runs} runs`); // → 6 in all of 20 runs
 * console.log(deaths > 20); // → true
 * ```
 *
 * @throws {SimulationError} of the first run in which something does not hold
 */
export function simulate<C extends WorkflowLike>(workflow: C, options?: SimulateSetup<ParamsOf<C>>): Promise<SimulationReport<OutputOf<C>>>;
/** The same of source text. */
export function simulate<Output = unknown, Params = unknown>(
  code: string | Code,
  options: SimulateSetup<Params, SimulateOptions<Params> & { readonly sandbox: SandboxAdapter }>,
): Promise<SimulationReport<Output>>;
export async function simulate(subject: Subject, setup: SimulateSetup = {}): Promise<SimulationReport> {
  const whole = await withoutFaults(subject, await optionsOf(setup));
  const repeated: Record<string, number> = {};
  let deaths = 0;
  let commits = 0;
  let runs = 0;
  for (let last = 1; runs < last; runs++) {
    const options = await optionsOf(setup);
    last = options.runs ?? 100;
    const run = await withFaults(subject, options, { seed: (options.seed ?? 1) + runs, whole });
    deaths += run.deaths;
    commits += run.commits;
    for (const [step, times] of run.begun) {
      const more = times - (whole.begun.get(step) ?? 0);
      if (more > 0) repeated[step] = (repeated[step] ?? 0) + more;
    }
  }
  return { run: whole.run, runs, deaths, commits, repeated };
}

type Begun = Map<string, number>;

interface Whole {
  readonly run: TestRun;
  readonly begun: Begun;
  readonly result: string;
}

function optionsOf(setup: SimulateSetup): SimulateOptions | Promise<SimulateOptions> {
  return typeof setup === "function" ? setup() : setup;
}

function count(begun: Begun, { name }: Body): void {
  begun.set(name, (begun.get(name) ?? 0) + 1);
}

async function withoutFaults(subject: Subject, options: SimulateOptions): Promise<Whole> {
  const made = await stage(subject, { ...options, start: EPOCH });
  const begun: Begun = new Map();
  const run = await runOnce(made, (body) => {
    count(begun, body);
    return made.answers.of(body);
  });
  await options.check?.(run);
  return { run, begun, result: resultText(run, options.result) };
}

/** One run; says how many processes died, how much was committed, and which bodies were begun. */
async function withFaults(
  subject: Subject,
  options: SimulateOptions,
  { seed, whole }: { readonly seed: number; readonly whole: Whole },
): Promise<{ readonly deaths: number; readonly commits: number; readonly begun: Begun }> {
  let skew = 0;
  const limits = { crashes: 1_000, ...options.limits };
  const shards = 1 + seed % 2;
  const made = await stage(subject, { ...options, limits, seed, start: EPOCH }, memory({ now: () => EPOCH + skew, shards }));
  const { clock } = made;
  const world = worldOn(clock.process({ watched: true }).clock, seed);
  const begun: Begun = new Map();
  const fleet = startFleet({
    world,
    plan: planFor(world, shards),
    stage: made,
    times: whole.run.history.map(({ timestamp }) => timestamp.getTime() - EPOCH),
    overtake: () => void (skew += 16_000),
    begun: (body) => count(begun, body),
  });
  world.at(whole.run.elapsed + 5_000, fleet.heal);

  function hold(): void {
    const failure = world.failure();
    if (failure !== undefined) throw new Error(`${failure.what} (${failure.rule})`);
  }

  try {
    const isFault = (error: unknown): boolean => error instanceof SimulatedFault;
    await drive({ ...made, server: fleet.server, isFault, resting: hold });
    hold();
    await checkJournal(made, fleet);
    const run = await conclude(made);
    const result = resultText(run, options.result);
    const right = options.outcomes?.map(textOf) ?? [whole.result];
    if (!right.includes(result)) throw new Error(`the result is ${result}, and not ${right.join(" or ")}`);
    await options.check?.(run);
    return { deaths: fleet.deaths(), commits: fleet.ledger.commits(), begun };
  } catch (cause) {
    throw new SimulationError(seed, cause instanceof Error ? cause.message : String(cause), world.trace(), { cause });
  } finally {
    fleet.end();
  }
}

/**
 * Faults of storage and processes. One instance makes few calls, so that more of them fail than where the engine itself
 * is simulated.
 */
function planFor(world: World, shards: number): Plan {
  const { rates, ...plan } = planOf(world);
  const { lost, ambiguous, late, bodyCrash } = rates;
  return {
    ...plan,
    shards,
    lateness: 0,
    rates: { ...rates, busy: 0, lost: 2 * lost, ambiguous: 2 * ambiguous, late: 2 * late, bodyCrash: 2 * bodyCrash },
  };
}

/** The store holds what was committed, and no more. */
async function checkJournal({ storage, deployed, script }: Stage, { ledger }: Fleet): Promise<void> {
  const key = { tenant: deployed.tenantId, workflow: deployed.workflow, id: script.instanceId };
  const store = await storage.open();
  const images = await Promise.all(Array.from({ length: store.shards }, (_, shard) => store.load(shard, key)));
  await store.close();
  const lines = images.flatMap((image) => image?.journal ?? []).join("\n").split("\n").length;
  const recorded = ledger.instances.get(nameOf(key))?.life.records.length;
  if (lines !== recorded) throw new Error(`the store holds ${lines} records, ${recorded} were committed (I1)`);
}
