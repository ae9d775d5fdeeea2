import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { tenantCell } from "../core/code/tenant_record.ts";
import type { Cell } from "../core/shard/committer.ts";
import { usageCell } from "../core/shard/quotas.ts";
import { createTenants } from "../core/shard/tenants.ts";

const CODE = { active: "v2", versions: [{ version: "v2", at: 1, classes: ["Flow"] }] };

async function opened() {
  const store = await memory().open();
  await store.acquire(0, "me", 1_000_000);
  let batch = 0;
  const write = (...cells: readonly Cell[]) => store.commit(`${++batch}`, [{ shard: 0, epoch: 1, drops: [], heads: [], appends: [], cells, acks: [] }]);
  return { store, write };
}

describe("tenants", () => {
  it("are not brought back as they were by a reading that began before", async () => {
    const { store, write } = await opened();
    const held: (() => void)[] = [];
    let slow = true;
    const reading = { ...store, cell: async (shard: number, key: string) => {
      const value = await store.cell(shard, key);
      if (slow && key === usageCell("acme")) await new Promise<void>((done) => held.push(done));
      return value;
    } };
    const tenants = createTenants(0, reading, { cell: () => {}, wait: () => {} }, 1);
    const asked = [tenants.get("acme"), tenants.get("acme")];
    while (held.length === 0) await Promise.resolve();
    slow = false;
    held.shift()?.();
    await asked[0];
    // an instance of it is made, and it is forgotten for another tenant
    await write({ key: usageCell("acme"), value: JSON.stringify({ living: 1 }) });
    await tenants.get("globex");
    for (const done of held) done();
    await asked[1];
    await tenants.get("acme");
    assertEquals(tenants.usage("acme")?.living, 1);
  });

  it("are not forgotten while what they have deployed is not durable", async () => {
    const { store, write } = await opened();
    const cells: Cell[] = [], waiting: (() => void)[] = [];
    const tenants = createTenants(0, store, { cell: (_shard, _tenant, cell) => void cells.push(cell), wait: (_shard, _tenant, waiter) => void waiting.push(() => waiter.ok()) }, 1);
    await tenants.get("acme");
    tenants.put("acme", CODE);
    await tenants.get("globex");
    assertEquals((await tenants.get("acme"))?.active, "v2");
    await write(...cells);
    for (const done of waiting) done();
    await tenants.get("initech");
    await tenants.get("other");
    assertEquals((await tenants.get("acme"))?.active, "v2");
    assertEquals(cells.map(({ key }) => key), [tenantCell("acme")]);
  });
});
