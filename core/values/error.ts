import { defineData, hasOwn } from "./intrinsics.ts";

/** What is wrong with a value: it cannot be written, or the text is not one that {@link encode} wrote. */
export type ValueErrorCode = "not_serialisable" | "malformed_value";

/** Thrown when a value cannot be stored, or when a stored value cannot be read. */
export class ValueError extends Error {
  /** Stable: `"not_serialisable"` when writing, `"malformed_value"` when reading. */
  readonly code: ValueErrorCode;
  /** Where in the value the culprit is, as an expression: `result.items[3].fn`. Only when writing. */
  readonly path: string | undefined;

  /** Makes an error with a stable code, the path of the culprit (when writing) and what lies behind it. */
  constructor(code: ValueErrorCode, message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message);
    defineData(this, "name", "ValueError", false);
    if (hasOwn(options, "cause")) defineData(this, "cause", options.cause, false);
    this.code = code;
    this.path = hasOwn(options, "path") ? options.path : undefined;
  }

  /** Whether `error` is a `ValueError`, also one of another copy of this module. */
  static is(error: unknown): error is ValueError {
    if (!(error instanceof Error)) return false;
    const code = (error as { code?: unknown }).code;
    return code === "not_serialisable" || code === "malformed_value";
  }
}
