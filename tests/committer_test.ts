import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { keyText } from "../core/ids.ts";
import type { Record } from "../core/instance/records.ts";
import { emptyState } from "../core/instance/state.ts";
import type { Store } from "../core/ports/store.ts";
import { createCommitter } from "../core/shard/committer.ts";
import { appendTo, type Live, makeLive } from "../core/shard/live.ts";
import { virtualClock } from "../testing/mod.ts";

const CREATED: Record = { head: { k: "created", v: 1, t: 1, life: 1, version: "v1", seed: "s", rng: 1 }, value: "u" };

/** What each tenant has in each batch when so many instances of each were queued at once. */
async function batches(queued: { readonly [tenant: string]: number }): Promise<{ [tenant: string]: number }[]> {
  const inner = await memory().open();
  await inner.acquire(0, "me", 1_000_000);
  const all: { [tenant: string]: number }[] = [];
  const store: Store = {
    ...inner,
    commit(id, parts) {
      const held: { [tenant: string]: number } = {};
      for (const { appends } of parts) for (const { key } of appends) held[key.tenant] = (held[key.tenant] ?? 0) + 1;
      all.push(held);
      return inner.commit(id, parts);
    },
  };
  const owners = { epoch: () => 1, ownership: () => owners, reacquire: () => Promise.resolve(null), lost() {}, committed() {}, queued() {}, account: () => undefined, returned: () => committer.flush() };
  const committer = createCommitter(store, virtualClock(), owners);
  for (const [tenant, many] of Object.entries(queued)) for (let i = 0; i < many; i++) committer.touch(0, begun(tenant, `i${i}`));
  committer.flush();
  while (!committer.idle()) await Promise.resolve();
  return all;
}

function begun(tenant: string, id: string): Live {
  const key = { tenant, workflow: "Flow", id }, state = emptyState();
  const live = makeLive(key, keyText(key), state);
  appendTo(live, state, [CREATED]);
  return live;
}

describe("a batch", () => {
  it("is a full one when all have much, each in its turn", async () => {
    assertEquals(await batches({ loud: 600, noisy: 600 }), [{ loud: 256, noisy: 244 }, { loud: 256, noisy: 244 }, { loud: 88, noisy: 112 }]);
  });

  it("is a full one when one alone has much", async () => {
    assertEquals(await batches({ loud: 700 }), [{ loud: 500 }, { loud: 200 }]);
  });

  it("is a short one when others, who have little, wait for it", async () => {
    assertEquals(await batches({ loud: 100, quiet: 1, still: 2 }), [{ loud: 16, quiet: 1, still: 2 }, { loud: 84 }]);
  });
});
