/**
 * Requests and answers as they cross between host and guest: values, with whole bodies.
 *
 * @module
 */

/** A request. */
export interface SentRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: [string, string][];
  readonly body: Uint8Array | null;
  readonly redirect: string;
}

/** The answer to one. */
export interface RequestAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: [string, string][];
  readonly body: Uint8Array | null;
  /** Where it came from in the end; `""`: where it was asked for. */
  readonly url: string;
  readonly redirected: boolean;
}

/** Whether a text may be the name of a header, or a method. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a text may be the value of a header: bytes, and none that would begin another header. */
export function isHeaderValue(text: string): boolean {
  return HEADER_VALUE.test(text);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// what it may not hold are control characters
// deno-lint-ignore no-control-regex
const HEADER_VALUE = /^[^\u0000\n\r\u0100-\uffff]*$/;

/** The name by which a guest reaches the network that is granted. No binding of a tenant's can have it. */
export const OUTBOUND = "tenure.outbound";
