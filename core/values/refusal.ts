/** How the copying says no, before anybody knows where in the value it is. */

import { ValueError } from "./error.ts";

/** Thrown inside the encoder only; leaves it as a {@link ValueError} with a path. */
export class Refusal {
  readonly reason: string;
  /** The property or element of the refused object that is to blame, when it is one. */
  readonly key: string | number | undefined;
  /** What was thrown by code of the value. */
  readonly cause: unknown;

  constructor(reason: string, key?: string | number, cause?: unknown) {
    this.reason = reason;
    this.key = key;
    this.cause = cause;
  }
}

/** The refusal of a value that answered with an exception when `key` was read. */
export function unreadable(key: string | number | undefined, cause: unknown): Refusal {
  return new Refusal(READING_THREW, key, cause);
}

/** Whether an error thrown while reading a value is a refusal; if not, code of the value threw it. */
export function isRefusal(error: unknown): error is Refusal {
  // A brand, not a prototype: what a tenant throws may inherit from anything.
  return typeof error === "object" && error !== null && error instanceof Refusal;
}

/** The refusal as callers see it. */
export function toValueError(refusal: Refusal, path: string): ValueError {
  const message = `Cannot store the value at "${path}": ${refusal.reason}`;
  const threw = refusal.reason === READING_THREW;
  return new ValueError("not_serialisable", message, threw ? { path, cause: refusal.cause } : { path });
}

const READING_THREW = "reading it threw an error";
