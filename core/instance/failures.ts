/**
 * The errors that the engine itself puts into a workflow. Names and texts are Cloudflare's where tenants match on them.
 *
 * @module
 */
import type { ErrorSummary } from "../ports/guest.ts";
import { encode } from "../values.ts";

/** An error as a journal holds it: what the host reads, and the value that the guest gets. */
export interface Failure {
  readonly error: ErrorSummary;
  readonly value: string;
}

/** Makes one. */
export function failure(name: string, message: string): Failure {
  const error = new Error(message);
  if (name !== "Error") error.name = name;
  return { error: { name, message }, value: encode(error) };
}

/** A time-out as it reads at Cloudflare on the tenant's side: the class is lost, its name leads the text. */
export function timedOut(ms: number): Failure {
  return failure("Error", `WorkflowTimeoutError: Execution timed out after ${ms}ms`);
}

/** The failure that stands for a recorded refusal. */
export function refusal(error: ErrorSummary): Failure {
  return failure(error.name, error.message);
}
