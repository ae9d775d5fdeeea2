/**
 * Delay functions: how long an author has a step wait before its next attempt.
 *
 * @module
 */
import type { WorkflowDelayFunction, WorkflowDynamicDelayContext } from "../../../core/entrypoint.ts";
import { parseDuration } from "../../../core/duration.ts";
import { checkDuration, DEFAULT_STEP_CONFIG } from "../../../core/step_config.ts";
import { describeError } from "../../../core/values.ts";
import { apply, define, hasInstance, NativeError } from "./intrinsics.ts";

/** What a step was issued with: a function, or a duration where its code has been changed since. */
export type Delay = WorkflowDelayFunction | number | string | undefined;

/**
 * The wait in ms that a step's author answers with.
 *
 * @throws whatever the function throws, and for an answer that is no duration an error named `WorkflowFatalError`
 */
export async function answerOf(delay: Delay, input: WorkflowDynamicDelayContext): Promise<number> {
  const answer: unknown = typeof delay === "function" ? await delay(input) : delay ?? DEFAULT_STEP_CONFIG.retries.delay;
  return parseDuration(checkDuration(answer, "the answer of a delay function"));
}

/** What a delay function is told of a failure: the error itself, or one that says the same of whatever else was thrown. */
export function asError(thrown: unknown): Error {
  try {
    if (apply(hasInstance, NativeError, [thrown]) as boolean) return thrown as Error;
  } catch {
    // A proxy of the tenant's: it is told by its name and message.
  }
  const { name, message } = describeError(thrown);
  const error = new NativeError(message);
  define(error, "name", name);
  return error;
}
