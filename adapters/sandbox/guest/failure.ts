/**
 * What becomes of an error on its way to the host.
 *
 * @module
 */
import { NonRetryableError } from "../../../core/entrypoint.ts";
import type { ErrorSummary } from "../../../core/ports/guest.ts";
import { describeError, encodeThrown } from "../../../core/values.ts";
import { apply, hasInstance } from "./intrinsics.ts";

/** An error as the host gets it. */
export interface Failure {
  /** Beside the value. */
  readonly error: ErrorSummary;
  /** The value. */
  readonly text: string;
  /** Whether another attempt may help. */
  readonly retry: boolean;
}

const startsWith = String.prototype.startsWith;
const NON_RETRYABLE = "NonRetryableError";

/** Describes whatever was thrown. Total. */
export function failureOf(thrown: unknown): Failure {
  const error = describeError(thrown);
  const never = error.name === NON_RETRYABLE || apply(startsWith, error.message, [NON_RETRYABLE]) || isNonRetryable(thrown);
  return { error, text: encodeThrown(thrown), retry: !never };
}

/** A result that cannot be stored: no attempt will change that. */
export function refusalOf(thrown: unknown): Failure {
  const { error, text } = failureOf(thrown);
  return { error, text, retry: false };
}

// With a name of its own it is still one.
function isNonRetryable(thrown: unknown): boolean {
  try {
    return apply(hasInstance, NonRetryableError, [thrown]) as boolean;
  } catch {
    return false;
  }
}
