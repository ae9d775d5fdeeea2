/**
 * Rivet's workflow engine over the benchmark's SQLite driver.
 *
 * It has no queue, lease or index of runs to pay for: the host starts each run and guarantees that there is one writer.
 *
 * @module
 */
import { join } from "node:path";
import { type Engine, type EngineOptions, type Input, inputOf, type Output, runOutput, stepOutput } from "./engine.ts";
import { countIn } from "./recorded.ts";
import { openRivetStore, type RivetDriver } from "./rivet_kv.ts";

/** What is used of the package, which is installed only when the benchmark runs. */
interface Context {
  step<T>(name: string, body: () => Promise<T>): Promise<T>;
}
interface Package {
  runWorkflow(
    id: string,
    run: (context: Context, input: Input) => Promise<unknown>,
    input: Input,
    driver: RivetDriver,
  ): { readonly result: Promise<{ readonly state: string; readonly output?: unknown }> };
}

/** Opens it over a new file. */
export async function openRivet({ folder }: EngineOptions): Promise<Engine> {
  const name: string = "@rivetkit/workflow-engine";
  const { runWorkflow } = await import(name) as Package;
  const path = join(folder, "rivet.db");
  const store = openRivetStore(path);
  let runs = 0;
  return {
    async run(steps) {
      const number = ++runs;
      const { state, output } = await runWorkflow(`run-${number}`, workflow, inputOf(steps), store.driver(number)).result;
      if (state !== "completed") throw new Error(`Cannot count a run of Rivet: ${state}`);
      return output as Output;
    },
    // deno-lint-ignore require-await
    async close() {
      store.close();
    },
    // its keys are tuples that begin with a number: 2 is an entry of the history, 3 and 2 the output
    recorded: () =>
      countIn(path, {
        runs: "SELECT count(*) AS n FROM kv WHERE key = x'15031502'",
        steps: "SELECT count(*) AS n FROM kv WHERE substr(key, 1, 2) = x'1502'",
      }),
  };
}

async function workflow(context: Context, input: Input): Promise<Output> {
  let last: Output | undefined;
  let sum = 0;
  for (let i = 0; i < input.steps; i++) {
    last = await context.step(`step-${i}`, () => Promise.resolve(stepOutput(i)));
    sum += last.items[2] as number;
  }
  return runOutput(last as Output, input.steps, sum);
}
