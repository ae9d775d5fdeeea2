/**
 * What a commit writes: all or nothing, in the order of the fields, whatever the texts.
 *
 * @module
 */
import type { ShardBatch, Store } from "../../core/ports/store.ts";
import { check, equal, rejects } from "./check.ts";
import { batch, type Case, commit, head, key, type OpenSubject, own, storeCase } from "./subject.ts";

/** Texts that break naive keys: separators, wildcards, prefixes of each other, what sorts apart in UTF-16 and UTF-8. */
const PARTS = [
  "a",
  "a/b",
  "b",
  "a:b",
  "a:",
  "..",
  ".",
  "%",
  "_",
  "%2f",
  "\\",
  "'",
  "é",
  "e\u0301",
  "\u0001",
  " ",
  "\uffff",
  "\u{1f600}",
];

/** The cases. */
export function commitCases(open: OpenSubject): Case[] {
  return [
    storeCase(open, "commit() writes nothing when one fence of two is stale", 2, async (b) => {
      const store = await b.open();
      if (store.caps.fencesPerCommit < 2) return;
      const [one, two] = [await own(store, 0), await own(store, 1)];
      const parts = { heads: [head(key("1"), { wake: 5 })], cells: [{ key: "c", value: "v" }] };
      for (const stale of [0, 1]) {
        const batches = [batch(0, one.epoch, parts), batch(1, two.epoch, { cells: parts.cells })]
          .map((x) => x.shard === stale ? { ...x, epoch: x.epoch - 1 } : x);
        equal(await store.commit("stale", batches), { fenced: [stale] }, "commit()");
      }
      const both = [batch(0, 0, parts), batch(1, 0, {})];
      equal(await store.commit("stale", both), { fenced: [0, 1] }, "commit() with two stale fences");
      await nothing(store);
      equal([await store.cell(1, "c"), (await own(store, 1)).lastBatch], [null, ""], "what is left in the other shard");
    }),

    storeCase(open, "commit() leaves nothing of a batch with one bad operation", 2, async (b) => {
      const store = await b.open();
      const good: Partial<ShardBatch> = {
        heads: [head(key("1"), { wake: 5 })],
        appends: [{ key: key("1"), seq: 0, count: 2, text: "r0\nr1" }],
        cells: [{ key: "c", value: "v" }],
        acks: [{ key: "m", outcome: "o", at: 1 }],
      };
      const bad: Record<string, Partial<ShardBatch>> = {
        "a gap": { appends: [...good.appends ?? [], { key: key("1"), seq: 3, count: 1, text: "r3" }] },
        "an overlap": { appends: [...good.appends ?? [], { key: key("1"), seq: 1, count: 1, text: "r1" }] },
        "a journal without a head": {
          appends: [...good.appends ?? [], { key: key("2"), seq: 0, count: 1, text: "r0" }],
        },
        "U+0000 in a key": { acks: [...good.acks ?? [], { key: "m\0", outcome: "o", at: 1 }] },
        "half a character in a value": { acks: [...good.acks ?? [], { key: "n", outcome: "\ud83d", at: 1 }] },
      };
      await store.post(0, { key: "m", body: "body" });
      for (const [name, parts] of Object.entries(bad)) {
        const { epoch } = await own(store, 0);
        await rejects(() => store.commit("bad", [batch(0, epoch, { ...good, ...parts })]), `commit() with ${name}`);
        equal(await store.inbox(0, 9), [{ key: "m", body: "body" }], `the inbox after ${name}`);
        await nothing(store);
      }
      if (store.caps.fencesPerCommit > 1) {
        const [one, two] = [await own(store, 0), await own(store, 1)];
        const last = batch(1, two.epoch, { appends: [{ key: key("9"), seq: 0, count: 1, text: "r0" }] });
        await rejects(() => store.commit("bad", [batch(0, one.epoch, good), last]), "commit() with a bad second shard");
        await nothing(store);
      }
      // What failed left no trace in what the store remembers, either.
      const { epoch } = await own(store, 0);
      await commit(store, "good", batch(0, epoch, good));
      equal((await store.load(0, key("1")))?.journal.join("\n"), "r0\nr1", "the journal of the good batch");
    }),

    storeCase(open, "commit() drops before it writes, and a key made anew starts an empty journal", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      const journal = (text: string, seq: number) => [{ key: key("1"), seq, count: 1, text }];
      await commit(store, "b1", batch(0, epoch, { heads: [head(key("1"), { wake: 1 })], appends: journal("old", 0) }));
      const anew = { drops: [key("1"), key("unknown")], heads: [head(key("1"), { wake: 2, data: "new" })] };
      await commit(store, "b2", batch(0, epoch, { ...anew, appends: [...journal("n0", 0), ...journal("n1", 1)] }));
      const image = await store.load(0, key("1"));
      equal([image?.head.data, image?.journal.join("\n")], ["new", "n0\nn1"], "the new life");
      equal(await store.due(0, { after: -1, until: 9, limit: 9 }), [{ wake: 2, ...key("1") }], "its timer");
      await commit(store, "b3", batch(0, epoch, { drops: [key("1"), key("1")] }));
      equal(await store.load(0, key("1")), null, "load() of what was dropped");
      equal(await store.find({ ...key("1"), limit: 1 }), [], "find() of what was dropped");
      equal(await store.due(0, { after: -1, until: 9, limit: 9 }), [], "its timer");
      await commit(store, "b4", batch(0, epoch, { heads: [head(key("1"))], appends: journal("third", 0) }));
      equal((await store.load(0, key("1")))?.journal.join("\n"), "third", "the third life");
    }),

    storeCase(open, "commit() of nothing records its id", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      await commit(store, "empty", batch(0, epoch));
      equal((await own(store, 0)).lastBatch, "empty", "the last batch");
    }),

    storeCase(open, "load() and find() tell any two keys apart", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      const keys = PARTS.flatMap((tenant) =>
        PARTS.map((workflow, i) => key(PARTS[(i * 7 + 3) % PARTS.length] ?? "", workflow, tenant))
      )
        .concat([
          key("c", "a/b", "t"),
          key("b/c", "a", "t"),
          key("c", "b", "t/a"),
          key("t", "c", "a/b"),
          key("a:", "b", "t"),
        ]);
      for (let i = 0; i < keys.length; i += 100) {
        const some = keys.slice(i, i + 100);
        await commit(
          store,
          `b${i}`,
          batch(0, epoch, {
            heads: some.map((k) => head(k, { data: JSON.stringify(k) })),
            appends: some.map((k) => ({ key: k, seq: 0, count: 1, text: JSON.stringify(k) })),
          }),
        );
      }
      for (const k of keys) {
        const wanted = head(k, { data: JSON.stringify(k) });
        equal(await store.load(0, k), { head: wanted, journal: [JSON.stringify(k)] }, `load() of ${JSON.stringify(k)}`);
        equal(await store.find({ ...k, limit: 9 }), [wanted], `find() of ${JSON.stringify(k)}`);
      }
      for (const tenant of PARTS) {
        const found = await store.find({ tenant, limit: 999 });
        equal(
          found.length,
          keys.filter((k) => k.tenant === tenant).length,
          `find() of tenant ${JSON.stringify(tenant)}`,
        );
      }
      for (const bad of ["a\0b", "\ud83d", "\ude00x"]) {
        for (const k of [key(bad), key("1", bad), key("1", "flow", bad)]) {
          await rejects(
            () => store.commit("bad", [batch(0, epoch, { heads: [head(k)] })]),
            `a key of ${JSON.stringify(bad)}`,
          );
        }
      }
    }),

    storeCase(open, "commit() takes what the store says that it takes, and refuses more whole", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      const { maxOps, maxValue, maxBytes } = store.caps;
      const cells = (count: number, value = "") => Array.from({ length: count }, (_, i) => ({ key: `c${i}`, value }));
      await commit(store, "all", batch(0, epoch, { cells: cells(maxOps) }));
      equal(await store.cell(0, `c${maxOps - 1}`), "", "the last of as many operations as there may be");
      const over: Record<string, Partial<ShardBatch>> = { "too many operations": { cells: cells(maxOps + 1, "v") } };
      // Texts of more than that take longer to make than they are worth.
      const large = 2 ** 27;
      if (maxValue < large) over["too large a text"] = { cells: [{ key: "c0", value: "v".repeat(maxValue + 1) }] };
      if (maxBytes < large) {
        const value = "v".repeat(Math.min(maxValue, 2 ** 20));
        over["too many bytes"] = { cells: cells(Math.ceil(maxBytes / value.length) + 1, value) };
      }
      for (const [name, parts] of Object.entries(over)) {
        await rejects(() => store.commit("over", [batch(0, epoch, parts)]), `commit() of ${name}`);
        equal(await store.cell(0, "c0"), "", `a cell after ${name}`);
      }
      if (maxValue < large) {
        await rejects(() => store.post(0, { key: "k", body: "v".repeat(maxValue + 1) }), "post() of too large a text");
        equal(await store.inbox(0, 9), [], "the inbox after it");
      }
      equal((await own(store, 0)).lastBatch, "all", "the last batch");
    }),

    storeCase(open, "commit() keeps texts of every size as they are", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      const most = Math.min(store.caps.maxValue, Math.floor(store.caps.maxBytes / 2), 2 ** 22);
      for (const [i, size] of [0, 1, 1000, 4096, 65_536, most].filter((n) => n <= most).entries()) {
        const id = `size-${size}`;
        // Mostly four-byte characters, filled up to the byte.
        const data = "\u{1f600}".repeat(size >> 2) + "x".repeat(size & 3);
        const text = "y".repeat(Math.max(1, size - 1));
        await commit(
          store,
          `b${i}`,
          batch(0, epoch, {
            heads: [head(key(id), { data })],
            appends: [{ key: key(id), seq: 0, count: 1, text }],
          }),
        );
        await commit(store, `c${i}`, batch(0, epoch, { cells: [{ key: id, value: data.slice(0, 32_768) }] }));
        const image = await store.load(0, key(id));
        check(image?.head.data === data && image.journal.join("\n") === text, `a text of ${size} bytes changed`);
        check(await store.cell(0, id) === data.slice(0, 32_768), `a cell of ${size} bytes changed`);
      }
      const many = Math.min(store.caps.maxOps, 2_000);
      const keys = Array.from({ length: many >> 1 }, (_, i) => key(`many-${i}`));
      await commit(
        store,
        "many",
        batch(0, epoch, {
          heads: keys.map((k) => head(k, { created: 5_000 })),
          appends: keys.map((k, i) => ({ key: k, seq: 0, count: 1, text: `r${i}` })),
        }),
      );
      for (const i of [0, 49, 50, 51, keys.length - 1]) {
        equal((await store.load(0, key(`many-${i}`)))?.journal, [`r${i}`], `journal ${i} of a large batch`);
      }
    }),
  ];
}

/** Checks that shard 0 holds nothing but its inbox. */
async function nothing(store: Store): Promise<void> {
  equal(await store.load(0, key("1")), null, "load() of what was not committed");
  equal(await store.find({ tenant: "acme", limit: 9 }), [], "find() of what was not committed");
  equal(await store.due(0, { after: -1, until: 9, limit: 9 }), [], "due() of what was not committed");
  equal(await store.cells(0, { prefix: "", limit: 9 }), [], "cells() of what was not committed");
  equal(await store.outcome(0, "m"), null, "outcome() of what was not committed");
  equal((await own(store, 0)).lastBatch, "", "the last batch");
}
