/**
 * Hints to other processes: NOTIFY, gathered for some milliseconds, in a statement of its own. A notification takes a
 * lock of the whole server at its commit, so it is never part of one that somebody waits for; and it may be lost, so
 * nobody trusts in one.
 *
 * @module
 */
import type { PostgresClient } from "./client.ts";

/** What is told and heard. */
export interface PostgresHints {
  /** Something was posted to a shard, or committed to some. */
  tell(kind: "p" | "c", shards: readonly number[]): void;
  /** As of the port. */
  listen(shard: number, on: Listener): () => void;
  /** Tells and hears no more. */
  close(): Promise<void>;
}

interface Listener {
  readonly posted: () => void;
  readonly committed: () => void;
}

/** How long hints are gathered, ms. */
const GATHER = 5;
/** Entries of one notification, which takes less than 8,000 bytes. */
const ENTRIES = 1_000;

/** Makes them for a client that can listen. */
export function createPostgresHints(client: PostgresClient, channel: string): PostgresHints {
  const listeners = new Map<number, Set<Listener>>();
  let pending = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sending = false;
  let closed = false;
  let subscription: PromiseLike<{ unlisten(): PromiseLike<unknown> } | undefined> | undefined;

  function tell(kind: "p" | "c", shards: readonly number[]): void {
    if (closed) return;
    for (const shard of shards) pending.add(kind + shard);
    if (!sending) timer ??= setTimeout(send, GATHER);
  }

  async function send(): Promise<void> {
    timer = undefined;
    const entries = [...pending];
    pending = new Set();
    sending = true;
    try {
      for (let at = 0; at < entries.length; at += ENTRIES) {
        await client.unsafe("SELECT pg_notify($1::text, $2::text)", [channel, entries.slice(at, at + ENTRIES).join()]);
      }
    } catch {
      // Whoever waits looks again by itself.
    }
    sending = false;
    if (pending.size > 0 && !closed) timer = setTimeout(send, GATHER);
  }

  function heard(payload: string): void {
    for (const entry of payload.split(",")) {
      for (const on of [...listeners.get(Number(entry.slice(1))) ?? []]) {
        if (entry.startsWith("p")) on.posted();
        else on.committed();
      }
    }
  }

  function subscribe(): void {
    subscription ??= client.listen?.(channel, heard).then((made) => made, () => {
      // The next who listens tries again; until then looking has to do.
      subscription = undefined;
      return undefined;
    });
  }

  return {
    tell,
    listen(shard, on) {
      let some = listeners.get(shard);
      if (some === undefined) listeners.set(shard, some = new Set());
      const all = some;
      all.add(on);
      subscribe();
      return () => void all.delete(on);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      listeners.clear();
      try {
        await (await subscription)?.unlisten();
      } catch {
        // The connection is gone, and its subscription with it.
      }
    },
  };
}
