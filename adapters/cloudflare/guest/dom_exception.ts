/**
 * `DOMException` for guests whose engine has none.
 *
 * @module
 */

const CODES: Readonly<Record<string, number>> = {
  NotSupportedError: 9,
  InvalidStateError: 11,
  SyntaxError: 12,
  InvalidAccessError: 15,
  TypeMismatchError: 17,
  NetworkError: 19,
  AbortError: 20,
  QuotaExceededError: 22,
  TimeoutError: 23,
  DataCloneError: 25,
};

/** As in Web IDL. */
export class GuestDOMException extends Error {
  override readonly name: string;

  constructor(message = "", options: string | { readonly name?: string; readonly cause?: unknown } = "Error") {
    const { name = "Error", ...rest } = typeof options === "object" ? options : { name: String(options) };
    super(message, rest);
    this.name = name;
    // its name is no content of its own
    Object.defineProperty(this, "name", { enumerable: false });
  }

  get code(): number {
    return Object.hasOwn(CODES, this.name) ? CODES[this.name] as number : 0;
  }

  get [Symbol.toStringTag](): string {
    return "DOMException";
  }
}
