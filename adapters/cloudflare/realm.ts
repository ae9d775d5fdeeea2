/**
 * What module-level code of a dispatcher reads: one for the process, as on Cloudflare it is one for the isolate.
 *
 * @module
 */

/** What is served now. */
export interface Realm {
  env: Readonly<Record<string, unknown>>;
  exports: Readonly<Record<string, unknown>>;
  /** Whether there is a server: a second one would change the first one's env. */
  served: boolean;
  /** What `waitUntil` was given and has not settled. */
  readonly waiting: Set<Promise<unknown>>;
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** The one. */
export const realm: Realm = { env: NOTHING, exports: NOTHING, served: false, waiting: new Set() };

/** Nothing is served any more. */
export function leaveRealm(): void {
  realm.env = NOTHING;
  realm.exports = NOTHING;
  realm.served = false;
}
