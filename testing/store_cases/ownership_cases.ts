/**
 * Who may write: leases, epochs, fences.
 *
 * @module
 */
import type { Store } from "../../core/ports/store.ts";
import { check, equal, rejects } from "./check.ts";
import { batch, type Case, commit, head, key, type OpenSubject, own, storeCase, TTL } from "./subject.ts";

/** The cases. */
export function ownershipCases(open: OpenSubject): Case[] {
  return [
    storeCase(
      open,
      "acquire() tells the epoch, the last batch and whether the owner before left in order",
      2,
      async (b) => {
        const store = await b.open();
        const first = await own(store, 0);
        check(first.epoch >= 1, `the first epoch is ${first.epoch}`);
        equal([first.lastBatch, first.clean], ["", true], "the first lease");
        await commit(store, "b1", batch(0, first.epoch));
        const again = await own(store, 0);
        check(again.epoch > first.epoch, "acquire() of the same owner did not raise the epoch");
        equal([again.lastBatch, again.clean], ["b1", false], "a lease after no release");
        await store.release(0, again.epoch);
        const third = await own(store, 0, "other");
        check(third.epoch > again.epoch, "acquire() after a release did not raise the epoch");
        equal([third.lastBatch, third.clean], ["b1", true], "a lease after a release");
        equal((await own(store, 1, "other")).lastBatch, "", "the last batch of a shard that had none");
      },
    ),

    storeCase(open, "close() frees what it owns, and leaves it unclean", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0, "first");
      await commit(store, "b1", batch(0, epoch, { heads: [head(key("1"))] }));
      await store.close();
      await store.close();
      await rejects(() => store.find({ tenant: "acme", limit: 1 }), "find() of a closed store");
      await rejects(() => store.commit("late", [batch(0, epoch)]), "commit() of a closed store");
      const next = await b.open();
      const lease = await own(next, 0, "second");
      equal([lease.epoch > epoch, lease.lastBatch, lease.clean], [true, "b1", false], "a lease after close()");
      equal(await next.load(0, key("1")), { head: head(key("1")), journal: [] }, "load() after close()");
    }),

    storeCase(open, "acquire() is null while another owner lives", 1, async (b) => {
      const [one, two] = [await b.open(), await b.open()];
      const { epoch } = await own(one, 0, "one");
      equal(await two.acquire(0, "two", TTL), null, "acquire() by another connection");
      equal(await one.acquire(0, "three", TTL), null, "acquire() by another owner of the same connection");
      check(await one.renew(0, epoch, TTL), "renew() after another's acquire() was refused");
      await two.close();
      const third = await b.open();
      equal(await third.acquire(0, "two", TTL), null, "acquire() after a connection that owns nothing closed");
      await one.release(0, epoch);
      check((await own(third, 0, "two")).epoch > epoch, "acquire() did not raise the epoch");
      equal(await one.acquire(0, "one", TTL), null, "acquire() by the owner before");
    }),

    storeCase(open, "acquire() of twenty at once has one winner", 1, async (b) => {
      const stores: Store[] = [];
      for (let i = 0; i < 20; i++) stores.push(await b.open());
      const leases = await Promise.all(stores.map((store, i) => store.acquire(0, `owner-${i}`, TTL)));
      equal(leases.filter((lease) => lease !== null).length, 1, "the number of winners");
      const winner = leases.findIndex((lease) => lease !== null);
      await commit(stores[winner] as Store, "b1", batch(0, leases[winner]?.epoch ?? 0));
    }),

    storeCase(open, "commit() and renew() refuse an old epoch, and release() of one does nothing", 1, async (b) => {
      const [store, other] = [await b.open(), await b.open()];
      const old = await own(store, 0);
      await commit(store, "b1", batch(0, old.epoch, { heads: [head(key("1"))] }));
      const { epoch } = await own(store, 0);
      const late = batch(0, old.epoch, {
        heads: [head(key("2"))],
        drops: [key("1")],
        cells: [{ key: "c", value: "v" }],
      });
      equal(await store.commit("b2", [late]), { fenced: [0] }, "commit() with an old epoch");
      equal(
        await store.commit("b2", [{ ...late, epoch: epoch + 1 }]),
        { fenced: [0] },
        "commit() with an epoch to come",
      );
      equal(await store.renew(0, old.epoch, TTL), false, "renew() with an old epoch");
      await store.release(0, old.epoch);
      equal(await other.acquire(0, "other", TTL), null, "acquire() after release() of an old epoch");
      equal(await store.find({ tenant: "acme", limit: 9 }), [head(key("1"))], "what a fenced commit left");
      equal(await store.cell(0, "c"), null, "a cell of a fenced commit");
      check(await store.renew(0, epoch, TTL), "renew() with the newest epoch");
      await commit(store, "b3", batch(0, epoch));
      equal((await own(store, 0)).lastBatch, "b3", "the last batch");
    }),

    storeCase(open, "release() ends the right to write", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      await store.release(0, epoch);
      equal(await store.commit("late", [batch(0, epoch)]), { fenced: [0] }, "commit() after release()");
      equal(await store.renew(0, epoch, TTL), false, "renew() after release()");
      await store.release(0, epoch);
      const lease = await own(store, 0);
      equal([lease.lastBatch, lease.clean], ["", true], "a lease after release()");
    }),

    storeCase(open, "commit() of an owner that was taken for dead is fenced", 1, async (b) => {
      const [zombie, next] = [await b.open(), await b.open()];
      const old = await own(zombie, 0, "zombie");
      await commit(zombie, "b1", batch(0, old.epoch, { heads: [head(key("1"))] }));
      if (b.subject.takeover === undefined) await zombie.close();
      else await b.subject.takeover();
      const lease = await own(next, 0, "next");
      equal([lease.epoch > old.epoch, lease.lastBatch, lease.clean], [true, "b1", false], "the lease of a takeover");
      await commit(next, "b2", batch(0, lease.epoch, { appends: [{ key: key("1"), seq: 0, count: 1, text: "next" }] }));
      if (b.subject.takeover !== undefined) {
        const late = batch(0, old.epoch, { appends: [{ key: key("1"), seq: 0, count: 1, text: "late" }] });
        equal(await zombie.commit("late", [late]), { fenced: [0] }, "commit() of a zombie");
        equal(await zombie.renew(0, old.epoch, TTL), false, "renew() of a zombie");
        await zombie.release(0, old.epoch);
        await zombie.close();
      }
      equal((await next.load(0, key("1")))?.journal, ["next"], "the journal after a zombie");
      check(await next.renew(0, lease.epoch, TTL), "renew() after a zombie's release()");
      await commit(next, "b3", batch(0, lease.epoch));
    }),

    storeCase(open, "acquire() tells what became of a commit that was not answered", 1, async (b) => {
      const { subject } = b;
      if (subject.fail === undefined) return;
      const store = await b.open();
      let { epoch, lastBatch } = await own(store, 0);
      for (const [n, when] of (["before", "after", "after", "before", "before", "after"] as const).entries()) {
        const cells = [{ key: `${n}a`, value: "v" }, { key: `${n}b`, value: "v" }];
        subject.fail(when);
        await rejects(() => store.commit(`b${n}`, [batch(0, epoch, { cells })]), `commit() that fails ${when} it is done`);
        const lease = await own(store, 0);
        check(lease.epoch > epoch, "acquire() after an unknown outcome did not raise the epoch");
        equal(lease.lastBatch, when === "after" ? `b${n}` : lastBatch, `the last batch after a commit that failed ${when}`);
        const found = await store.cells(0, { prefix: `${n}`, limit: 9 });
        equal(found, when === "after" ? cells : [], `what is left of a commit that failed ${when}`);
        equal(await store.commit("stale", [batch(0, epoch)]), { fenced: [0] }, "commit() of the epoch before");
        ({ epoch, lastBatch } = lease);
        // The same again, as the core sends what is not there.
        if (when === "before") await commit(store, lastBatch = `b${n}`, batch(0, epoch, { cells }));
      }
      const reader = await b.open();
      equal((await reader.cells(0, { prefix: "", limit: 99 })).length, 12, "the number of cells in the end");
    }),
  ];
}
