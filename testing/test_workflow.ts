/**
 * One workflow, from its beginning to its end, in no time.
 *
 * @module
 */
import type { Code, SandboxAdapter } from "../core/ports/guest.ts";
import type { OutputOf, ParamsOf, WorkflowLike } from "../core/tenant.ts";
import type { TestRun } from "./test_workflow/conclude.ts";
import { runOnce } from "./test_workflow/run_once.ts";
import { stage, type TestOptions } from "./test_workflow/stage.ts";
import type { Subject } from "./test_workflow/subject.ts";

export type { TestRun } from "./test_workflow/conclude.ts";
export type { TestEvent } from "./test_workflow/drive.ts";
export type { TestStep } from "./test_workflow/run_report.ts";
export type { TestLog, TestOptions } from "./test_workflow/stage.ts";
export type { StepAnswer, StepAnswers } from "./test_workflow/stand_ins.ts";

/**
 * Runs one workflow to its end on a store in memory, with a clock that waits for nothing: a sleep of a month takes
 * no time, and so do retries and time-outs.
 *
 * The workflow runs as it stands, in the engine as it is; a result that is given for a step takes the place of its
 * body, which is not run then.
 *
 * @example
 * ```ts
 * import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "tenure";
 * import { testWorkflow } from "tenure/testing";
 *
 * class OrderFlow extends WorkflowEntrypoint<unknown, { sku: number }> {
 *   async run(event: WorkflowEvent<{ sku: number }>, step: WorkflowStep) {
 *     const price = await step.do("look up the price", () => fetch(`https://shop/${event.payload.sku}`).then((r) => r.json()));
 *     await step.sleep("let the customer think", "3 days");
 *     const paid = await step.waitForEvent<{ cents: number }>("payment", { type: "paid" });
 *     return paid.payload.cents === price ? "paid" : "disputed";
 *   }
 * }
 *
 * const run = await testWorkflow(OrderFlow, {
 *   params: { sku: 7 },
 *   steps: { "look up the price": 990 },
 *   events: [{ type: "paid", payload: { cents: 990 }, after: "4 days" }],
 * });
 * console.log(run.output); // → paid
 * console.log(run.elapsed / 86_400_000); // → 4
 * ```
 *
 * @param workflow a class of the host, or a tenant's source, which needs a sandbox
 * @throws when it comes to no end, when source text is given without a sandbox, and when `strict` finds a step without
 * an answer; a run that fails is a result, and no exception
 */
export function testWorkflow<C extends WorkflowLike>(workflow: C, options?: TestOptions<ParamsOf<C>>): Promise<TestRun<OutputOf<C>>>;
/** The same of source text. */
export function testWorkflow<Output = unknown, Params = unknown>(
  code: string | Code,
  options: TestOptions<Params> & { readonly sandbox: SandboxAdapter },
): Promise<TestRun<Output>>;
export async function testWorkflow(subject: Subject, options: TestOptions = {}): Promise<TestRun> {
  return await runOnce(await stage(subject, options));
}
