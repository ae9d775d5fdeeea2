/**
 * What others left for the owner of a shard: applied in the order in which it was left, acknowledged with its outcome.
 *
 * @module
 */
import type { Store } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import { isUnreadable } from "./damaged.ts";
import type { Live } from "./live.ts";
import { type Outcome, refused, type Request, tenantOf } from "./requests.ts";
import type { Shard } from "./shard.ts";
import { BUSY } from "./upgrade.ts";

/** What an inbox is made of. */
export interface InboxParts {
  readonly store: Store;
  readonly committer: Committer;
  readonly shard: number;
  /** Applies what is left there. */
  readonly of: Shard;
  /** Whether the shard is still ours. */
  ours(): boolean;
}

/** Makes what applies all that waits in the inbox, each message with its outcome in one commit. Not to be called twice at a time. */
export function createInbox({ store, committer, shard, of, ours }: InboxParts): () => Promise<void> {
  const taken = new Set<string>();
  const durable = new Set<string>();
  function answer(key: string, tenant: string, outcome: Outcome, live?: Live): void {
    committer.ack(shard, tenant, { key, outcome: JSON.stringify(outcome) }, live);
    committer.wait(shard, tenant, { ok: () => void durable.add(key), lost: () => {} }, live);
  }
  function failed(key: string, tenant: string, error: unknown): void {
    // it stays in the inbox when the storage failed, not the message
    if (!isUnreadable(error)) taken.delete(key);
    else answer(key, tenant, refused(error.code, error.message));
  }
  return async () => {
    // only a read that begins after a commit is known not to show what it applied
    const past = [...durable];
    const waiting = await store.inbox(shard, 256);
    for (const key of past) {
      durable.delete(key);
      taken.delete(key);
    }
    for (const { key, body } of waiting) {
      if (taken.has(key) || !ours()) continue;
      taken.add(key);
      const request = JSON.parse(body) as Request;
      const tenant = tenantOf(request);
      try {
        // it runs a tenant's code: what it may have killed the owner before with is not tried again
        if (request.verb === "upgrade" && !of.recovered()) {
          answer(key, tenant, BUSY);
          continue;
        }
        const applying = of.apply(request, (outcome, live) => answer(key, tenant, outcome, live));
        // it takes as long as the bodies that it waits for: what was sent after it does not
        if (request.verb === "upgrade") Promise.resolve(applying).catch((error) => failed(key, tenant, error));
        else await applying;
      } catch (error) {
        failed(key, tenant, error);
      }
    }
  };
}
