import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { createTimers } from "../core/shard/timers.ts";
import { virtualClock } from "../testing/virtual_clock.ts";

describe("timers", () => {
  it("find all that was left of a tenant, also when one that is due later is left while they read on", async () => {
    const clock = virtualClock();
    const store = await memory({ now: clock.now }).open();
    await store.acquire(0, "me", 1_000_000);
    const now = clock.now();
    const heads = ["a", "b", "c", "d"].map((id, n) => ({
      tenant: "acme", workflow: "Flow", id, status: "waiting", wake: now - 100 + n, created: now, ended: null, data: "",
    }));
    const appends = heads.map(({ tenant, workflow, id }) => ({ key: { tenant, workflow, id }, seq: 0, count: 1, text: "{}" }));
    await store.commit("1", [{ shard: 0, epoch: 1, drops: [], heads, appends, cells: [], acks: [] }]);
    const woken: string[] = [];
    let room = 1;
    const timers = createTimers({
      store,
      clock,
      shard: 0,
      page: 1,
      recover: () => Promise.resolve(),
      async wake({ id }) {
        if (room === 0) return false;
        room--;
        woken.push(id);
        // while it is looked at, one that is due now has to wait for its turn
        if (id === "b") timers.left("acme", now);
        return true;
      },
      roomy: () => room > 0,
    });
    await timers.recover();
    await clock.advance(1);
    for (let n = 0; n < 3; n++) {
      room = 1;
      timers.more("acme");
      await clock.advance(1);
    }
    timers.stop();
    assertEquals(woken, ["a", "b", "c", "d"]);
  });
});
