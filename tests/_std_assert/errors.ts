import { AssertionError, suffix } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- a constructor of an error: only `any` accepts every parameter list
type ErrorType<E extends Error> = abstract new (...args: any[]) => E;

/** Fails unless `error` is an Error, of that class and with that message where they are given. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorType<E>,
  messageMatches?: string | RegExp,
  message?: string,
): asserts error is E {
  if (!(error instanceof Error)) throw new AssertionError(`Expected "error" to be an Error object${suffix(message)}`);
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor?.name}" (${JSON.stringify(error.message)})${suffix(message)}`,
      { cause: error },
    );
  }
  const matches = messageMatches instanceof RegExp
    ? messageMatches.test(error.message)
    : error.message.includes(messageMatches ?? "");
  if (!matches) {
    const wanted = messageMatches instanceof RegExp ? String(messageMatches) : JSON.stringify(messageMatches);
    throw new AssertionError(
      `Expected error message to include ${wanted}, but got ${JSON.stringify(error.message)}${suffix(message)}`,
      { cause: error },
    );
  }
}

/** Fails unless `fn` throws; gives what it threw. */
export function assertThrows(fn: () => unknown, message?: string): unknown;
/** Fails unless `fn` throws an `ErrorClass` whose message includes `messageIncludes`; gives the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorType<E>,
  messageIncludes?: string,
  message?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMessage?: ErrorType<E> | string,
  messageIncludes?: string,
  message?: string,
): unknown {
  const note = typeof classOrMessage === "string" ? classOrMessage : message;
  try {
    fn();
  } catch (error) {
    check(error, classOrMessage, messageIncludes, `A non-Error object was thrown${suffix(note)}`, note);
    return error;
  }
  throw new AssertionError(`Expected function to throw${suffix(note)}`);
}

/** Fails unless the promise that `fn` gives rejects; gives what it rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
/** Fails unless the promise that `fn` gives rejects with an `ErrorClass` whose message includes `messageIncludes`; gives the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorType<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMessage?: ErrorType<E> | string,
  messageIncludes?: string,
  message?: string,
): Promise<unknown> {
  const note = typeof classOrMessage === "string" ? classOrMessage : message;
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(`Function throws when expected to reject${suffix(note)}`, { cause: error });
  }
  if (typeof promise?.then !== "function") {
    throw new AssertionError(`Function throws when expected to reject${suffix(note)}`);
  }
  try {
    await promise;
  } catch (error) {
    check(error, classOrMessage, messageIncludes, `A non-Error object was rejected${suffix(note)}`, note);
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix(note)}`);
}

function check<E extends Error>(
  error: unknown,
  classOrMessage: ErrorType<E> | string | undefined,
  messageIncludes: string | undefined,
  notAnError: string,
  note: string | undefined,
): void {
  if (typeof classOrMessage !== "function") return;
  if (!(error instanceof Error)) throw new AssertionError(notAnError);
  assertIsError(error, classOrMessage, messageIncludes, note);
}
