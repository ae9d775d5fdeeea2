import { describe, it } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import type { ShardBatch } from "../core/ports/store.ts";
import { openBook } from "../testing/simulate_crash/book.ts";

const KEY = { tenant: "t", workflow: "W", id: "i" };
const CREATED = { k: "created", t: 1, life: 1, version: "v", seed: "s", rng: 1 };
const SCHEDULED = { k: "scheduled", t: 1, op: 0, kind: "do", name: "a", start: 1 };
const SETTLED = { k: "settled", t: 1, op: 0, ok: true };
const BODY = { life: "s", name: "a", count: 1, attempt: 1, parent: undefined };

function batches(seq: number, ...records: object[]): ShardBatch[] {
  const text = records.map((record) => JSON.stringify(record)).join("\n");
  const appends = [{ key: KEY, seq, count: records.length, text }];
  return [{ shard: 0, epoch: 1, drops: [], heads: [], appends, cells: [], acks: [] }];
}

describe("the book of a run", () => {
  it("says in words what a commit writes", () => {
    const book = openBook();
    assertEquals(book.describe(batches(0, CREATED, SCHEDULED)), ["created", 'scheduled do "a"']);
    book.committed(batches(0, CREATED, SCHEDULED));
    assertEquals(book.describe(batches(2, SETTLED, { k: "event", t: 1, type: "paid" })), ['settled do "a"', 'event "paid"']);
  });

  it("counts the bodies of a step, and keeps what they came to", () => {
    const book = openBook();
    book.committed(batches(0, CREATED, SCHEDULED));
    for (const value of ["j1", "j2"]) {
      book.begun(BODY);
      book.ended(BODY, { ok: true, value });
    }
    assertEquals([...book.bodies.values()], [{ step: "a", begun: 2, ends: ["j1", "j2"] }]);
    assertEquals(book.broken(), undefined);
  });

  it("finds a body that begins after its result was recorded", () => {
    const book = openBook();
    book.committed(batches(0, CREATED, SCHEDULED));
    book.begun(BODY);
    book.committed(batches(2, SETTLED));
    book.begun({ ...BODY, count: 2 });
    assertEquals(book.broken(), undefined);
    book.begun(BODY);
    assertMatch(book.broken() as string, /body of "a" ran again after its result was recorded/);
  });

  it("finds a record that may not be where it is", () => {
    const book = openBook();
    book.committed(batches(0, CREATED, SCHEDULED, SETTLED));
    book.committed(batches(3, SETTLED));
    assertMatch(book.broken() as string, /settled twice/);
  });
});
