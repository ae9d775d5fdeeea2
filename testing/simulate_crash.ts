/**
 * A workflow whose process dies at every place at which it can make a difference.
 *
 * @module
 */
import type { Code, SandboxAdapter } from "../core/ports/guest.ts";
import type { Store } from "../core/ports/store.ts";
import type { OutputOf, ParamsOf, WorkflowLike } from "../core/tenant.ts";
import { type Book, openBook } from "./simulate_crash/book.ts";
import { never } from "./never.ts";
import { conclude, resultText, type TestRun } from "./test_workflow/conclude.ts";
import { drive } from "./test_workflow/drive.ts";
import { type MortalServer, startServer } from "./test_workflow/server.ts";
import { stage, type TestOptions } from "./test_workflow/stage.ts";
import type { Subject } from "./test_workflow/subject.ts";
import type { Tap } from "./test_workflow/tap.ts";

/** Where a process died. */
export interface CrashPoint {
  /** The number of the commit, from 1. */
  readonly commit: number;
  /** `before`: it was lost; `after`: it was durable, and nobody was told. */
  readonly when: "before" | "after";
  /** What it writes, such as `settled do "charge the card"`. */
  readonly writes: readonly string[];
}

/** A step whose body a crash made run again. */
export interface RepeatedStep {
  /** Its name. */
  readonly step: string;
  /** How often its body was begun more than without a crash. */
  readonly more: number;
  /** Whether it returned something else the second time. */
  readonly differs: boolean;
  /** The crash. */
  readonly crash: CrashPoint;
}

/** A crash that a workflow does not survive as it should. */
export class CrashError extends Error {
  /** `CrashError`. */
  override readonly name: string = "CrashError";
  /** The crash. */
  readonly crash: CrashPoint;
  /** Makes one. */
  constructor(crash: CrashPoint, why: string, options?: ErrorOptions) {
    super(`Cannot survive the crash ${crash.when} commit ${crash.commit} (${crash.writes.join(", ")}): ${why}`, options);
    this.crash = crash;
  }
}

/** What all the crashes came to. */
export interface CrashReport<Output = unknown> {
  /** The run without a crash. Its result is that of every other. */
  readonly run: TestRun<Output>;
  /** How many crashes were tried. */
  readonly crashes: number;
  /** The bodies that ran again, in the order of the crashes: what they do outside has to bear it. */
  readonly repeated: readonly RepeatedStep[];
}

/** What a workflow is given, and what has to hold. */
export interface CrashOptions<Params = unknown> extends TestOptions<Params> {
  /**
   * What has to be the same whatever crashed.
   *
   * @default status, output and error
   */
  readonly result?: (run: TestRun) => unknown;
  /** Called at the end of each run, the one without a crash first: throws when the world is not as it should be. */
  readonly check?: (run: TestRun) => void | Promise<void>;
}

/** Options, or what makes them for each run: then a run does not see what those before it did outside. */
export type CrashSetup<Params = unknown, Options extends CrashOptions<Params> = CrashOptions<Params>> =
  | Options
  | (() => Options | Promise<Options>);

/**
 * Runs a workflow to its end again and again, and each time kills its process at another commit: once before it is
 * applied, once before anybody hears of it. Another process goes on with what is in the store.
 *
 * Every run has to come to the same result, and no body may run after its result was recorded. What a crash does make
 * run again is reported: between the end of a body and its record lies the one place where nobody can prevent it.
 *
 * @example
 * ```ts
 * import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "tenure";
 * import { simulateCrash } from "tenure/testing";
 *
 * interface Env {
 *   BANK: { charge(cents: number, key: string): Promise<string> };
 * }
 * class Purchase extends WorkflowEntrypoint<Env> {
 *   async run(event: WorkflowEvent<unknown>, step: WorkflowStep) {
 *     const receipt = await step.do("charge the card", () => this.env.BANK.charge(990, event.instanceId));
 *     await step.sleep("let it settle", "1 day");
 *     return receipt;
 *   }
 * }
 *
 * const { repeated } = await simulateCrash(Purchase, () => {
 *   const charged = new Set<string>();
 *   return {
 *     env: { BANK: { charge: async (cents: number, key: string) => `${charged.add(key).size} charge of ${cents}` } },
 *     check() {
 *       if (charged.size !== 1) throw new Error(`Charged ${charged.size} times`);
 *     },
 *   };
 * });
 * for (const { step, crash } of repeated) console.log(`${step}: again when it died ${crash.when} ${crash.writes[0]}`);
 * // → charge the card: again when it died before settled do "charge the card"
 * ```
 *
 * @throws when a crash changes the result, when a body runs after its record, when `check` throws, and when a run
 * comes to no end; the message names the crash
 */
export function simulateCrash<C extends WorkflowLike>(
  workflow: C,
  options?: CrashSetup<ParamsOf<C>>,
): Promise<CrashReport<OutputOf<C>>>;
/** The same of source text. */
export function simulateCrash<Output = unknown, Params = unknown>(
  code: string | Code,
  options: CrashSetup<Params, CrashOptions<Params> & { readonly sandbox: SandboxAdapter }>,
): Promise<CrashReport<Output>>;
export async function simulateCrash(subject: Subject, options: CrashSetup = {}): Promise<CrashReport> {
  const whole = await attempt(subject, options, undefined);
  const repeated: RepeatedStep[] = [];
  let crashes = 0;
  for (let commit = 1;; commit++) {
    for (const when of ["before", "after"] as const) {
      const { result, book, crash } = await attempt(subject, options, { commit, when });
      if (crash === undefined) return { run: whole.run, crashes, repeated };
      crashes++;
      if (result !== whole.result) throw new CrashError(crash, `the result is ${result}, and without a crash ${whole.result}`);
      repeated.push(...repeatedIn(book, whole.book, crash));
    }
  }
}

interface Outcome {
  readonly run: TestRun;
  readonly result: string;
  readonly book: Book;
  /** `undefined`: it ended before. */
  readonly crash: CrashPoint | undefined;
}

/** One run, which dies at a commit. */
async function attempt(
  subject: Subject,
  setup: CrashSetup,
  at: Pick<CrashPoint, "commit" | "when"> | undefined,
): Promise<Outcome> {
  const options = typeof setup === "function" ? await setup() : setup;
  const made = await stage(subject, options);
  const { clock, storage, deployed, answers } = made;
  const book = openBook();
  let commits = 0;
  let crash: CrashPoint | undefined;

  function connect(store: Store, kill: () => void): Store {
    const commit: Store["commit"] = async (id, batches) => {
      const dies = ++commits === at?.commit;
      if (dies) crash = { ...at, writes: book.describe(batches) };
      if (dies && crash?.when === "before") return die(kill);
      const answer = await store.commit(id, batches);
      if (answer === "ok") book.committed(batches);
      return dies ? die(kill) : answer;
    };
    return new Proxy(store, { get: (_, name) => name === "commit" ? commit : Reflect.get(store, name) });
  }

  const tap: Tap = {
    hold: clock.hold,
    begin(body) {
      book.begun(body);
      return answers.of(body);
    },
    ended: book.ended,
  };
  const start = (): Promise<MortalServer> => startServer(deployed, { clock, storage, tap, connect });
  let server = start();
  async function living(): Promise<MortalServer> {
    const last = server;
    if (!(await last).alive() && server === last) server = start();
    return server;
  }

  function die(kill: () => void): Promise<never> {
    kill();
    return never();
  }

  try {
    await drive({ ...made, server: living, resting: async () => void await living() });
    const run = await conclude(made);
    if (book.broken() !== undefined) throw new Error(book.broken());
    await options.check?.(run);
    return { run, result: resultText(run, options.result), book, crash };
  } catch (cause) {
    if (crash === undefined) throw cause;
    throw new CrashError(crash, cause instanceof Error ? cause.message : String(cause), { cause });
  } finally {
    (await server).kill();
  }
}

/** Steps whose bodies were begun more often than in the run without a crash. */
function repeatedIn(book: Book, whole: Book, crash: CrashPoint): RepeatedStep[] {
  const repeated: RepeatedStep[] = [];
  for (const [key, { step, begun, ends }] of book.bodies) {
    const more = begun - (whole.bodies.get(key)?.begun ?? 0);
    // of attempts that failed, too, only what they came to beside one another counts
    if (more > 0) repeated.push({ step, more, differs: new Set(ends).size > new Set(whole.bodies.get(key)?.ends).size, crash });
  }
  return repeated;
}
