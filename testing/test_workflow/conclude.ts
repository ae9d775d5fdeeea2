/**
 * The end of a test of a workflow: what came of it.
 *
 * @module
 */
import { shardOf } from "../../core/ids.ts";
import type { HistoryEntry } from "../../core/instance/history.ts";
import type { Status } from "../../core/instance/state.ts";
import type { Image } from "../../core/ports/store.ts";
import type { HeadData } from "../../core/shard/live.ts";
import { decode, encode } from "../../core/values.ts";
import { reportOf, type TestStep } from "./run_report.ts";
import type { Stage, TestLog } from "./stage.ts";

/** What a run came to. */
export interface TestRun<Output = unknown> {
  /** `complete`, `errored`, or `paused` when the engine parked it. */
  readonly status: Status;
  /** What `run` returned; `null` when it did not. */
  readonly output: Output | null;
  /** Why it failed. */
  readonly error?: { readonly name: string; readonly message: string };
  /** Why it was parked: `nondeterministic`, `crash_limit`, `code_unavailable`. */
  readonly paused?: { readonly code: string; readonly message: string };
  /** Its steps, sleeps and waits, in the order in which they were issued. */
  readonly steps: readonly TestStep[];
  /** How long it slept, ms: of sleeps beside one another each counts. */
  readonly slept: number;
  /** How long it took, with retries and waits, ms of the virtual clock. */
  readonly elapsed: number;
  /** What `instance.history()` shows. */
  readonly history: readonly HistoryEntry[];
  /** What it logged. */
  readonly logs: readonly TestLog[];
  /** What was given and not used: names in `steps` that no step had, types of events that no step received. */
  readonly unused: { readonly steps: readonly string[]; readonly events: readonly string[] };
}

/**
 * Reads what a run came to.
 *
 * @throws when a step had no answer where every step has to have one
 */
export async function conclude({ answers, deployed, logs, script, storage }: Stage): Promise<TestRun> {
  const missing = answers.missing();
  if (missing !== undefined) throw new Error(`Cannot run the step "${missing}": the test is strict, and its steps do not name it`);
  const { tenantId: tenant, workflow } = deployed;
  const store = await storage.open();
  const image = await store.load(shardOf(tenant, store.shards), { tenant, workflow, id: script.instanceId }) as Image;
  await store.close();
  const { output, error, parked } = JSON.parse(image.head.data) as HeadData;
  const { unreceived, ...report } = reportOf(image);
  return {
    status: image.head.status as Status,
    output: output === undefined ? null : decode(output),
    ...(error && { error }),
    ...(parked && { paused: parked }),
    ...report,
    logs,
    unused: { steps: answers.unused(), events: unreceived },
  };
}

/** The result of a run as a text that can be compared: status, output and error unless `result` says what. */
export function resultText(run: TestRun, result: ((run: TestRun) => unknown) | undefined): string {
  const { status, output, error = null } = run;
  return textOf(result === undefined ? { status, output, error } : result(run));
}

/** A value as a text that can be compared and read. */
export function textOf(value: unknown): string {
  return encode(value).slice(1);
}
