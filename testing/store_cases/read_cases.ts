/**
 * What is read: order, pages, prefixes, and timers that stay quick.
 *
 * @module
 */
import type { Due, Head, Store } from "../../core/ports/store.ts";
import { check, equal } from "./check.ts";
import { byBytes } from "./model.ts";
import { batch, type Case, commit, head, key, type OpenSubject, own, pages, storeCase } from "./subject.ts";

const SLEEPERS = 50_000;

/** The cases. */
export function readCases(open: OpenSubject): Case[] {
  return [
    storeCase(open, "due() pages through equal wake times and keeps shards apart", 2, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      const other = await own(store, 1);
      const ids = ["z", "a", "\uffff", "\u{1f600}", "é", "B", ...Array.from({ length: 30 }, (_, i) => `n${i}`)];
      const heads = ids.flatMap((id) => [0, 7, 9].map((wake) => head(key(`${id}-${wake}`, id, "t"), { wake })));
      heads.push(head(key("never", "never", "t")), head(key("s", "s", "s"), { wake: 7 }));
      await commit(store, "b1", batch(0, epoch, { heads }));
      await commit(store, "b2", batch(1, other.epoch, { heads: [head(key("x", "x", "u"), { wake: 7 })] }));
      const all = heads.flatMap(({ wake, tenant, workflow, id }) =>
        wake === null ? [] : [{ wake, tenant, workflow, id }]
      )
        .sort((x, y) =>
          x.wake - y.wake || byBytes(x.tenant, y.tenant) || byBytes(x.workflow, y.workflow) || byBytes(x.id, y.id)
        );
      for (const [after, until] of [[-1, 9], [0, 9], [0, 8], [7, 7], [-1, 0], [9, 99]] as const) {
        const wanted = all.filter(({ wake }) => wake > after && wake <= until);
        for (const limit of [1, 7, 1_000]) {
          const read = (from: Due | undefined) => store.due(0, { after, until, limit, ...(from && { from }) });
          equal(await pages(read, limit), wanted, `due() after ${after} until ${until} by ${limit}`);
        }
      }
      equal(
        await store.due(0, { after: 8, until: 9, limit: 1, from: all[0] as Due }),
        [all.find((d) => d.wake === 9)],
        "a place before `after`",
      );
      equal((await store.due(1, { after: -1, until: Infinity, limit: 9 })).length, 1, "due() of the other shard");
    }),

    storeCase(open, "due() follows every change of a wake time", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      for (const [i, wake] of [5, 5, null, null, 0, 3, 1_800_000_000_000, null, 2].entries()) {
        await commit(store, `b${i}`, batch(0, epoch, { heads: [head(key("1"), { wake, status: `s${i}` })] }));
        const due = await store.due(0, { after: -1, until: Number.MAX_SAFE_INTEGER, limit: 9 });
        equal(due, wake === null ? [] : [{ wake, ...key("1") }], `due() with wake ${wake}`);
        equal((await store.load(0, key("1")))?.head, head(key("1"), { wake, status: `s${i}` }), "the head");
      }
    }),

    storeCase(open, "load() of a part gives at least what was asked for of it, in order, and says where it begins", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      equal(await store.load(0, key("none"), { from: 0, texts: 9 }), null, "load() of none");
      await commit(store, "b", batch(0, epoch, { heads: [head(key("1")), head(key("2"))] }));
      equal((await store.load(0, key("1"), { from: 0, texts: 9 }))?.journal, [], "the part of an empty journal");
      const lines = Array.from({ length: 40 }, (_, n) => `r${n}`);
      for (let seq = 0, n = 0; seq < lines.length; n++) {
        const some = lines.slice(seq, seq + 1 + n % 3);
        for (const id of ["1", "2"]) {
          const append = { key: key(id), seq, count: some.length, text: some.join("\n") };
          await commit(store, `b${id}${n}`, batch(0, epoch, { appends: [append] }));
        }
        seq += some.length;
      }
      for (const from of [0, 1, 2, 7, 38, 39, 40, 99]) {
        for (const texts of [1, 3, 99]) {
          const image = await store.load(0, key("1"), { from, texts });
          const first = image?.from ?? 0;
          const read = image?.journal.join("\n").split("\n") ?? [];
          equal(read, lines.slice(first, first + read.length), `what is read from ${from}`);
          check(first <= from, `the part from ${from} begins at ${first}`);
          check(from >= lines.length || first + read.length > from, `the part from ${from} ends before it`);
          check(texts < 99 || first + read.length === lines.length, `a part of all texts from ${from} ends at ${first + read.length}`);
          equal(image?.head, head(key("1")), "the head");
        }
      }
    }),

    storeCase(open, "find() follows every change of a creation time", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      await commit(store, "b", batch(0, epoch, { heads: [head(key("other"), { created: 5 })] }));
      for (const [i, created] of [1, 9, 1, 1, 9].entries()) {
        await commit(store, `b${i}`, batch(0, epoch, { heads: [head(key("1"), { created, data: `${i}` })] }));
        const wanted = [head(key("1"), { created, data: `${i}` }), head(key("other"), { created: 5 })];
        const found = await store.find({ tenant: "acme", limit: 9 });
        equal(found, created === 1 ? wanted : wanted.reverse(), `find() with created ${created}`);
      }
    }),

    storeCase(open, "find() filters, pages in order and never crosses tenants", 2, async (b) => {
      const store = await b.open();
      const heads: Head[] = [];
      for (let i = 0; i < 60; i++) {
        const k = key(`id-${i % 20}\u{1f600}`, ["A", "B", "\uffff"][i % 3], i % 4 === 0 ? "acme/x" : "acme");
        if (heads.some((h) => h.tenant === k.tenant && h.workflow === k.workflow && h.id === k.id)) continue;
        heads.push(head(k, { created: 1_000 + (i * 7) % 5, status: i % 5 === 0 ? "complete" : "waiting" }));
      }
      for (const shard of [0, 1]) {
        const { epoch } = await own(store, shard);
        await commit(store, `b${shard}`, batch(shard, epoch, { heads: heads.filter((_, i) => i % 2 === shard) }));
      }
      const reader = await b.open();
      for (const tenant of ["acme", "acme/x", "none"]) {
        for (const workflow of [undefined, "A", "\uffff", "a"]) {
          for (const status of [undefined, "complete"]) {
            const wanted = heads.filter((h) =>
              h.tenant === tenant && (workflow ?? h.workflow) === h.workflow && (status ?? h.status) === h.status
            )
              .sort((x, y) => x.created - y.created || byBytes(x.workflow, y.workflow) || byBytes(x.id, y.id));
            const query = {
              tenant,
              ...(workflow !== undefined && { workflow }),
              ...(status !== undefined && { status }),
            };
            for (const limit of [1, 4, 100]) {
              const read = (from: Head | undefined) => reader.find({ ...query, limit, ...(from && { from }) });
              equal(await pages(read, limit), wanted, `find(${JSON.stringify(query)}) by ${limit}`);
            }
          }
        }
      }
      const one = heads[7] as Head;
      const exact = { tenant: one.tenant, workflow: one.workflow, id: one.id };
      equal(await reader.find({ ...exact, limit: 1, status: one.status }), [one], "find() of one with its status");
      equal(await reader.find({ ...exact, limit: 1, status: "other" }), [], "find() of one with another status");
      equal(await reader.find({ ...exact, limit: 1, from: one }), [], "find() of one behind itself");
    }),

    storeCase(open, "cells() of a prefix returns that prefix only, in the order of bytes", 2, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      const last = "\u{10ffff}";
      const keys = [
        "a",
        "a%",
        "a%b",
        "a_",
        "a_b",
        "ab",
        "a/1",
        "a/10",
        "a/2",
        "A",
        "b",
        "aé",
        "é",
        "a\uffff",
        "a\u{1f600}",
        "a\ud7ff",
        "a\ud7ffx",
        "a\ue000",
        last,
        last + "a",
        "a" + last,
      ];
      await commit(store, "b1", batch(0, epoch, { cells: keys.map((k) => ({ key: k, value: `v:${k}` })) }));
      for (const prefix of ["", ...keys, "a/", "zz", "a\u0001"]) {
        const wanted = keys.filter((k) => k.startsWith(prefix)).sort(byBytes).map((k) => ({ key: k, value: `v:${k}` }));
        for (const limit of [2, 100]) {
          const read = (from: { key: string } | undefined) =>
            store.cells(0, { prefix, limit, ...(from && { after: from.key }) });
          equal(
            await pages<{ key: string; value: string }>(read, limit),
            wanted,
            `cells() under ${JSON.stringify(prefix)}`,
          );
        }
      }
      equal((await store.cells(0, { prefix: "a/", after: "A", limit: 9 })).length, 3, "`after` before the prefix");
      equal(await store.cells(0, { prefix: "a/", after: "b", limit: 9 }), [], "`after` behind the prefix");
      equal(await store.cells(1, { prefix: "", limit: 9 }), [], "cells() of the other shard");
      await commit(
        store,
        "b2",
        batch(0, epoch, { cells: [{ key: "a", value: null }, { key: "no", value: null }, { key: "b", value: "" }] }),
      );
      equal(
        [await store.cell(0, "a"), await store.cell(0, "b"), await store.cell(0, "ab")],
        [null, "", "v:ab"],
        "cell()",
      );
    }),

    storeCase(open, "due() stays quick with 50,000 asleep", 1, async (b) => {
      const store = await b.open();
      const { epoch } = await own(store, 0);
      let made = 0;
      async function sleepers(until: number): Promise<void> {
        const most = Math.min(1_000, store.caps.maxOps, until - made);
        for (; made < until; made += most) {
          const heads = Array.from({ length: Math.min(most, until - made) }, (_, i) => {
            const n = made + i;
            // Scattered over the time, half of them at one instant.
            return head(key(`s-${n}`, "sleep", `t-${n % 50}`), {
              wake: n % 2 === 0 ? 5_000_000 : 1_000_000 + (n * 7919) % 1_000_003,
            });
          });
          await commit(store, `b${made}`, batch(0, epoch, { heads }));
        }
      }
      await sleepers(100);
      const few = await quickest(store);
      await sleepers(SLEEPERS);
      const many = await quickest(store);
      check(
        many <= few * 25 + 5,
        `due() takes ${many.toFixed(2)} ms with ${SLEEPERS} asleep and ${few.toFixed(2)} ms with 100`,
      );
      const read = (from: Due | undefined) =>
        store.due(0, { after: -1, until: Infinity, limit: 900, ...(from && { from }) });
      const all = await pages(read, 900);
      equal(all.length, SLEEPERS, "the number of sleepers");
      equal(new Set(all.map(({ tenant, id }) => `${tenant} ${id}`)).size, SLEEPERS, "the number of different sleepers");
    }),
  ];
}

/** The best time of ten calls at the start and in the middle of the equal ones, ms. */
async function quickest(store: Store): Promise<number> {
  let best = Infinity;
  const from = { wake: 5_000_000, ...key("s-5", "sleep", "t-5") };
  for (let round = 0; round < 7; round++) {
    const start = performance.now();
    for (let i = 0; i < 5; i++) {
      await store.due(0, { after: 0, until: 1_900_000, limit: 10 });
      await store.due(0, { after: 0, until: Infinity, limit: 10, from });
    }
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
