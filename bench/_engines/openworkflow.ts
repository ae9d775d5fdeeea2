/**
 * OpenWorkflow over its own SQLite backend (WAL, synchronous FULL: what it opens by default).
 *
 * Two things are kinder to it than its defaults: its worker is asked for work whenever there may be some (it polls,
 * with pauses from 100 ms to 1 s), and a run counts as soon as its backend has recorded the end (its handle looks once
 * a second).
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Engine, type EngineOptions, type Input, inputOf, type Output, runOutput, stepOutput } from "./engine.ts";
import { checkSynchronous, countIn } from "./recorded.ts";

/** What is used of the package, which is installed only when the benchmark runs. */
interface Backend {
  readonly db: DatabaseSync;
  completeWorkflowRun(params: { readonly workflowRunId: string; readonly output: unknown }): Promise<{ readonly output: unknown }>;
  failWorkflowRun(params: { readonly workflowRunId: string; readonly error: unknown }): Promise<unknown>;
  stop(): Promise<void>;
}
interface Step {
  run<T>(config: { readonly name: string }, body: () => T | Promise<T>): Promise<T>;
}
interface Client {
  defineWorkflow(
    spec: { readonly name: string },
    run: (context: { readonly input: Input; readonly step: Step }) => Promise<unknown>,
  ): { run(input: Input): Promise<{ readonly workflowRun: { readonly id: string } }> };
  newWorker(options: { readonly concurrency: number }): { tick(): Promise<number> };
}
interface Packages {
  readonly OpenWorkflow: new (options: { readonly backend: Backend }) => Client;
  readonly BackendSqlite: { connect(path: string): Backend };
}

/** Runs at one time in its worker; more make it slower. */
const CONCURRENCY = 100;

/** Opens it over a new file. */
export async function openWorkflow({ folder }: EngineOptions): Promise<Engine> {
  const { OpenWorkflow, BackendSqlite } = await load();
  const path = join(folder, "openworkflow.db");
  const backend = BackendSqlite.connect(path);
  checkSynchronous("OpenWorkflow", backend.db);
  const ended = new Map<string, { resolve(output: Output): void; reject(cause: unknown): void }>();
  const early = new Map<string, Output>();

  const complete = backend.completeWorkflowRun.bind(backend);
  backend.completeWorkflowRun = async (params) => {
    const answer = await complete(params);
    const id = params.workflowRunId;
    const waiter = ended.get(id);
    const output = answer.output as Output;
    if (waiter === undefined) early.set(id, output);
    ended.delete(id);
    waiter?.resolve(output);
    pump();
    return answer;
  };
  const fail = backend.failWorkflowRun.bind(backend);
  backend.failWorkflowRun = (params) => {
    ended.get(params.workflowRunId)?.reject(params.error);
    return fail(params);
  };

  const client = new OpenWorkflow({ backend });
  const workflow = client.defineWorkflow({ name: "bench" }, async ({ input, step }) => {
    let last: Output | undefined;
    let sum = 0;
    for (let i = 0; i < input.steps; i++) {
      last = await step.run({ name: `step-${i}` }, () => stepOutput(i));
      sum += last.items[2] as number;
    }
    return runOutput(last as Output, input.steps, sum);
  });
  const worker = client.newWorker({ concurrency: CONCURRENCY });

  let pumping: Promise<void> | undefined;
  function pump(): void {
    pumping ??= claimAll().finally(() => pumping = undefined);
  }
  async function claimAll(): Promise<void> {
    do {
      // behind the microtasks in which an ended run frees its slot
      await new Promise(setImmediate);
    } while (await worker.tick() > 0);
  }

  return {
    async run(steps) {
      const { workflowRun: { id } } = await workflow.run(inputOf(steps));
      pump();
      const output = early.get(id);
      if (output === undefined) return await new Promise<Output>((resolve, reject) => void ended.set(id, { resolve, reject }));
      early.delete(id);
      return output;
    },
    async close() {
      await pumping;
      await backend.stop();
    },
    recorded: () =>
      countIn(path, {
        runs: "SELECT count(*) AS n FROM workflow_runs WHERE status = 'completed'",
        steps: "SELECT count(*) AS n FROM step_attempts WHERE status = 'completed'",
      }),
  };
}

async function load(): Promise<Packages> {
  const names: readonly string[] = ["openworkflow", "openworkflow/sqlite"];
  const loaded = await Promise.all(names.map((name) => import(name)));
  return Object.assign({}, ...loaded) as Packages;
}
