import { AssertionError, suffix } from "./assertion_error.ts";
import { equal } from "./equal.ts";
import { diff, format } from "./message.ts";

// deno-lint-ignore no-explicit-any -- a constructor of anything: only `any` accepts every parameter list
type AnyConstructor = abstract new (...args: any[]) => any;

/** Fails unless the two are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`Values are not equal${suffix(message)}\n${difference(actual, expected)}`);
}

/** Fails when the two are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(`Expected actual: ${format(actual)} not to be: ${format(expected)}${suffix(message)}`);
}

/** Fails unless the two are one value, as `Object.is` sees it. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const text = format(actual);
  throw new AssertionError(
    text === format(expected)
      ? `Values have the same structure but are not reference-equal${suffix(message)}\n\n${text}\n`
      : `Values are not strictly equal${suffix(message)}\n${difference(actual, expected)}`,
  );
}

/** Fails when the two are one value, as `Object.is` sees it. */
export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(`Expected "actual" to not be strictly equal to: ${format(actual)}${suffix(message)}\n`);
}

/** Fails when `actual` is null or undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(`Expected actual: "${String(actual)}" to not be null or undefined${suffix(message)}`);
}

/** Fails unless `actual` is an instance of `type`. */
export function assertInstanceOf<T extends AnyConstructor>(actual: unknown, type: T, message = ""): asserts actual is InstanceType<T> {
  if (actual instanceof type) return;
  const was = typeof actual === "object" && actual !== null
    ? (actual.constructor as { name: string } | undefined)?.name ?? "Object"
    : actual === null ? "null" : typeof actual;
  throw new AssertionError(`Expected object to be an instance of "${type.name}" but was "${was}"${suffix(message)}`);
}

/** Fails unless `actual` matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(message)}`);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(message)}`);
}

/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  if (!(actual > expected)) throw new AssertionError(message ?? `Expect ${format(actual)} > ${format(expected)}`);
}

/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual >= expected)) throw new AssertionError(message ?? `Expect ${format(actual)} >= ${format(expected)}`);
}

/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  if (!(actual < expected)) throw new AssertionError(message ?? `Expect ${format(actual)} < ${format(expected)}`);
}

/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual <= expected)) throw new AssertionError(message ?? `Expect ${format(actual)} <= ${format(expected)}`);
}

/** Texts are compared as they read, line by line; everything else as it is shown. */
function difference(actual: unknown, expected: unknown): string {
  const texts = typeof actual === "string" && typeof expected === "string" && (actual + expected).includes("\n");
  return texts ? diff(actual, expected) : diff(format(actual), format(expected));
}
