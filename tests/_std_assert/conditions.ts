import { AssertionError, suffix } from "./assertion_error.ts";

/** Fails unless `condition` is truthy. */
export function assert(condition: unknown, message = ""): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Fails unless `condition` is falsy. */
export function assertFalse(condition: unknown, message = ""): asserts condition is false | 0 | 0n | "" | null | undefined {
  if (condition) throw new AssertionError(message);
}

/** Fails always. */
export function fail(message?: string): never {
  throw new AssertionError(`Failed assertion${suffix(message)}`);
}

/** Marks a place that must not be reached. */
export function unreachable(message?: string): never {
  throw new AssertionError(`Unreachable${suffix(message)}`);
}
