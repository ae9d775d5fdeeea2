/** What a process does that is to be killed: one commit after the other, and it says what it is about to do and what it has done. */
import { writeSync } from "node:fs";
import process from "node:process";
import type { StorageAdapter } from "../../../core/ports/store.ts";

/** The owner in every life: so a life need not wait for the lease of the one before. */
export const OWNER = "committer";

/** Commits two cells at a time, `life` of them named after their life and number, until killed or `times` are done. */
export async function commitOn(storage: StorageAdapter, life: string, times: number): Promise<void> {
  const store = await storage.open();
  const lease = await store.acquire(0, OWNER, 600_000);
  if (lease === null) throw new Error("Somebody else owns the shard");
  for (let n = 0; n < times; n++) {
    // Written whole before the call goes on, so that a kill cannot take it back.
    writeSync(1, `sent ${life}-${n}\n`);
    const cells = ["a", "b"].map((half) => ({ key: `${life}-${n}/${half}`, value: "x".repeat(300) }));
    const batch = { shard: 0, epoch: lease.epoch, drops: [], heads: [], appends: [], cells, acks: [] };
    const answer = await store.commit(`${life}-${n}`, [batch]);
    if (answer !== "ok") throw new Error(`A commit was answered with ${JSON.stringify(answer)}`);
    writeSync(1, `acknowledged ${life}-${n}\n`);
  }
  await store.close();
  process.exit(0);
}
