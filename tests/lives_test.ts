import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { keyText } from "../core/ids.ts";
import { writeRecord } from "../core/instance/records.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import { createCommitter } from "../core/shard/committer.ts";
import { createLives } from "../core/shard/lives.ts";
import { usageCell } from "../core/shard/quotas.ts";
import { createTenants } from "../core/shard/tenants.ts";
import { virtualClock } from "../testing/mod.ts";

const KEY = { tenant: "globex", workflow: "Flow", id: "i0" };

describe("an instance that is read", () => {
  it("is counted for a tenant that is known, although that was forgotten since", async () => {
    const store = await memory().open();
    await store.acquire(0, "me", 1_000_000);
    const text = writeRecord({ head: { k: "created", v: 1, t: 1, life: 1, version: "v1", seed: "s", rng: 1 }, value: "u" });
    const head = { ...KEY, status: "waiting", wake: null, created: 1, ended: null, data: '{"life":1,"version":"v1","n":[0,100]}' } as const;
    const append = { key: KEY, seq: 0, count: 1, text };
    await store.commit("1", [{ shard: 0, epoch: 1, drops: [], heads: [head], appends: [append], cells: [{ key: usageCell("globex"), value: '{"bytes":100}' }], acks: [] }]);

    let other = (): void => {};
    const waiting = new Promise<null>((done) => other = () => done(null));
    const reading = { ...store, cell: (shard: number, key: string) => key.includes("other") ? waiting : store.cell(shard, key) };
    const owners = { epoch: () => 1, ownership: () => owners, reacquire: () => Promise.resolve(null), lost() {}, committed() {}, queued() {}, returned() {}, account: () => undefined };
    const committer = createCommitter(store, virtualClock(), owners);
    const tenants = createTenants(0, reading, committer, 1);
    const hooks = {
      // somebody else has it at once and lets it go, and another tenant takes the place of its own
      loaded(live: Parameters<typeof lives.release>[0]) {
        lives.release(live);
        other();
      },
      ended() {},
      left() {},
    };
    const lives = createLives(0, reading, committer, tenants, 1, () => DEFAULT_LIMITS, hooks, 0);
    const asked = tenants.get("other");
    const known = await lives.find(KEY, (live) => [live?.text, tenants.usage("globex")?.account.bytes]);
    await asked;
    assertEquals(known, [keyText(KEY), 100]);
    await tenants.get("third");
    assertEquals(tenants.usage("globex")?.account.bytes, 100, "as long as it is in memory");
  });
});
