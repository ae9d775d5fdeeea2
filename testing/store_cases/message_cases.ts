/**
 * Messages of others, their outcomes, and blobs.
 *
 * @module
 */
import { equal, rejects } from "./check.ts";
import { batch, type Case, commit, type OpenSubject, own, storeCase } from "./subject.ts";

const HOUR = 3_600_000;

/** The cases. */
export function messageCases(open: OpenSubject): Case[] {
  return [
    storeCase(open, "post() leaves a message once, for the owner, in order", 2, async (b) => {
      const [store, caller] = [await b.open(), await b.open()];
      const { epoch } = await own(store, 0);
      for (const key of ["z", "a", "m/1", "\u{1f600}", "a%"]) await caller.post(0, { key, body: `first ${key}` });
      await caller.post(0, { key: "a", body: "second" });
      await caller.post(1, { key: "a", body: "of the other shard" });
      const waiting = ["z", "a", "m/1", "\u{1f600}", "a%"].map((key) => ({ key, body: `first ${key}` }));
      equal(await store.inbox(0, 9), waiting, "inbox()");
      equal(await store.inbox(0, 2), waiting.slice(0, 2), "inbox() of two");
      equal(await store.inbox(1, 9), [{ key: "a", body: "of the other shard" }], "inbox() of the other shard");
      await commit(store, "b1", batch(0, epoch, { acks: [{ key: "a", outcome: "done", at: HOUR }] }));
      equal(await store.inbox(0, 9), waiting.filter(({ key }) => key !== "a"), "inbox() after an acknowledgement");
      equal((await store.inbox(1, 9)).length, 1, "inbox() of the other shard after it");
      await caller.post(0, { key: "b", body: "" });
      equal((await store.inbox(0, 9)).at(-1), { key: "b", body: "" }, "the newest message");
      for (const message of [{ key: "x\0", body: "" }, { key: "x", body: "\0" }, { key: "\ud83d", body: "" }]) {
        await rejects(() => caller.post(0, message), `post() of ${JSON.stringify(message)}`);
      }
    }),

    storeCase(open, "post() of an acknowledged key does nothing", 2, async (b) => {
      const [store, caller] = [await b.open(), await b.open()];
      const { epoch } = await own(store, 0);
      await caller.post(0, { key: "k", body: "1" });
      equal(await caller.outcome(0, "k"), null, "outcome() before the acknowledgement");
      const acks = [{ key: "k", outcome: '{"ok":1}', at: HOUR }, { key: "never posted", outcome: "", at: HOUR }];
      await commit(store, "b1", batch(0, epoch, { acks }));
      await caller.post(0, { key: "k", body: "2" });
      await caller.post(0, { key: "never posted", body: "late" });
      equal(await store.inbox(0, 9), [], "inbox()");
      equal([await caller.outcome(0, "k"), await caller.outcome(0, "never posted")], ['{"ok":1}', ""], "outcome()");
      equal(await caller.outcome(1, "k"), null, "outcome() in the other shard");
      await caller.post(1, { key: "k", body: "3" });
      equal(await store.inbox(1, 9), [{ key: "k", body: "3" }], "inbox() of the other shard");
    }),

    storeCase(open, "outcome() is kept for 24 hours of newer ones", 1, async (b) => {
      const [store, caller] = [await b.open(), await b.open()];
      const { epoch } = await own(store, 0);
      for (let hour = 0; hour <= 24; hour++) {
        const acks = Array.from(
          { length: 20 },
          (_, i) => ({ key: `m-${hour}-${i}`, outcome: `at ${hour}`, at: hour * HOUR }),
        );
        await commit(store, `b${hour}`, batch(0, epoch, { acks }));
      }
      for (let hour = 0; hour <= 24; hour++) {
        equal(await caller.outcome(0, `m-${hour}-7`), `at ${hour}`, `the outcome of hour ${hour} at hour 24`);
        await caller.post(0, { key: `m-${hour}-7`, body: "again" });
      }
      equal(await store.inbox(0, 99), [], "inbox()");
    }),

    storeCase(open, "blobs are kept by tenant and hash, unchanged", 1, async (b) => {
      const [{ blobs }, other] = [await b.open(), await b.open()];
      const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) & 255);
      const kept = bytes.slice();
      await blobs.put("acme", "h1", bytes);
      bytes.fill(0);
      equal(sum(await other.blobs.get("acme", "h1")), sum(kept), "bytes that their giver changed later");
      (await blobs.get("acme", "h1"))?.fill(1);
      equal(sum(await blobs.get("acme", "h1")), sum(kept), "bytes that a reader changed");
      await blobs.put("acme", "h1", new Uint8Array([1]));
      equal(sum(await blobs.get("acme", "h1")), sum(kept), "bytes that were put again");
      await blobs.put("acme", "empty", new Uint8Array(0));
      equal(await blobs.get("acme", "empty"), new Uint8Array(0), "no bytes at all");
      await blobs.put("ac", "meh1", new Uint8Array([2, 3]).subarray(1));
      equal(
        [await blobs.get("ac", "meh1"), await blobs.get("ac", "h1")],
        [new Uint8Array([3]), null],
        "another tenant's",
      );
      await blobs.delete("acme", "h1");
      await blobs.delete("acme", "h1");
      equal([await blobs.get("acme", "h1"), await blobs.get("acme", "h2")], [null, null], "bytes that are not there");
      equal((await blobs.get("ac", "meh1"))?.constructor === Uint8Array, true, "the class of the bytes");
    }),
  ];
}

function sum(bytes: Uint8Array | null): string {
  let hash = 7;
  for (const byte of bytes ?? []) hash = (Math.imul(hash, 31) + byte) >>> 0;
  return `${bytes?.length} ${hash}`;
}
