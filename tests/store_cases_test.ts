/** Whether the conformance suite of stores finds what is wrong, and says it briefly. */
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { memory } from "../adapters/storage/memory.ts";
import type { ShardBatch, StorageAdapter, Store } from "../core/ports/store.ts";
import { CaseError } from "../testing/store_cases/check.ts";
import { shrink } from "../testing/store_cases/shrink.ts";
import { storeCases } from "../testing/store_cases.ts";

/** A store in memory with something wrong. */
function wrong(change: (store: Store) => Partial<Store>): StorageAdapter {
  const right = memory({ shards: 3 });
  return {
    name: "wrong",
    async open() {
      const store = await right.open();
      return { ...store, ...change(store) };
    },
  };
}

/** What the case of random batches says of it. */
async function complaintOf(change: (store: Store) => Partial<Store>): Promise<string> {
  const cases = storeCases(() => Promise.resolve({ adapter: wrong(change), cleanup: () => Promise.resolve() }));
  const model = cases.find(({ name }) => name.includes("random batches"));
  assert(model !== undefined);
  const error = await assertRejects(() => model.run(), Error);
  assertEquals(error.name, "CaseError");
  return error.message;
}

/** How many of the steps it takes. */
function stepsOf(complaint: string): number {
  return Number(/with (\d+) of 80 steps/.exec(complaint)?.[1]);
}

const lossy = (lose: (batch: ShardBatch) => Partial<ShardBatch>) => (store: Store): Partial<Store> => ({
  commit: (id, batches) => store.commit(id, batches.map((batch) => ({ ...batch, ...lose(batch) }))),
});

describe("storeCases()", () => {
  it("finds a cell that is not removed, and the few steps that it takes", async () => {
    const complaint = await complaintOf(lossy(({ cells }) => ({ cells: cells.filter(({ value }) => value !== null) })));
    assert(/: cells?\(\)/.test(complaint), complaint);
    assert(stepsOf(complaint) <= 4, complaint);
  });

  it("finds an outcome that is forgotten", async () => {
    const complaint = await complaintOf(lossy(({ acks }) => ({ acks: acks.slice(1) })));
    assert(/: (inbox|outcome)\(\)/.test(complaint), complaint);
    assert(stepsOf(complaint) <= 4, complaint);
  });

  it("finds a journal that misses what followed a drop", async () => {
    const complaint = await complaintOf(lossy(({ drops, appends }) => ({
      appends: appends.filter(({ key }) => !drops.some(({ id, workflow, tenant }) => id === key.id && workflow === key.workflow && tenant === key.tenant)),
    })));
    assert(stepsOf(complaint) <= 6, complaint);
  });
});

describe("shrink()", () => {
  it("leaves what a failure takes, in its order, with the error of the last try", async () => {
    const steps = Array.from({ length: 64 }, (_, i) => i);
    const needs = [3, 40, 41];
    const shrunk = await shrink(steps, new CaseError("first"), (some) =>
      Promise.resolve(needs.every((step) => some.includes(step)) ? new CaseError(`${some.length}`) : undefined));
    assert(needs.every((step) => shrunk.steps.includes(step)));
    assertEquals(shrunk.error.message, `${shrunk.steps.length}`);
    assert(shrunk.steps.length < 20, `${shrunk.steps}`);
  });

  it("keeps a failure that does not come again", async () => {
    const error = new CaseError("once");
    assertEquals(await shrink([1, 2, 3], error, () => Promise.resolve(undefined)), { steps: [1, 2, 3], error });
  });
});
