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

/** The name by which a guest reaches the network that is granted. No binding of a tenant's can have it. */
export const OUTBOUND = "tenure.outbound";
