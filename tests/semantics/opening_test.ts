/** Code that cannot be opened: how often that is tried, and what comes of it. */
import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import { type InWorld, inWorld, onEach, SANDBOXES } from "./_world.ts";

/** A sandbox that opens nothing as long as it fails, and counts how often it was asked. */
function failing(inner: SandboxAdapter): { readonly sandbox: SandboxAdapter; fails: boolean; asked: number } {
  const state = {
    fails: true,
    asked: 0,
    sandbox: {
      name: inner.name,
      caps: inner.caps,
      prepare: (...args: Parameters<SandboxAdapter["prepare"]>) => inner.prepare(...args),
      close: () => inner.close(),
      open(...args: Parameters<SandboxAdapter["open"]>) {
        state.asked++;
        if (state.fails) throw new Error("no memory at /secret");
        return inner.open(...args);
      },
    },
  };
  return state;
}

const ENDS = `return "ran"`;

for (const inner of SANDBOXES) {
  const test = (sentence: string, body: (world: Parameters<Parameters<InWorld>[1]>[0], of: ReturnType<typeof failing>) => Promise<void>): void => {
    it(sentence, () => {
      const of = failing(inner);
      return inWorld(of.sandbox, { limits: { concurrency: 1 } }, (world) => body(world, of));
    });
  };

  describe(`a guest that cannot be opened, on ${inner.name}`, () => {
    test("is tried again a second later, then twice as long each time, up to a minute, in all for a quarter of an hour", async (world, of) => {
      const order = await world.run(ENDS);
      await world.rest();
      for (const seconds of [1, 2, 4, 8, 16, 32, ...Array(13).fill(60)] as number[]) {
        const before = of.asked;
        await world.pass(seconds * 1_000 - 1);
        assertEquals(of.asked, before, `${seconds} seconds after ${before}`);
        await world.pass(1);
        assertEquals(of.asked, before + 1, `${seconds} seconds after ${before}`);
      }
      assertEquals(of.asked, 20);
      const { status, paused } = await order.status();
      assertEquals([status, paused?.code], ["paused", "code_unavailable"]);
      assertMatch(paused?.message ?? "", /^Cannot run the version: its guest could not be opened$/);
      await world.pass("1 day");
      assertEquals(of.asked, 20);
      of.fails = false;
      await order.resume();
      assertEquals(await order.result(), "ran");
    });

    test("counts anew after one that was opened, and after it was resumed", async (world, of) => {
      const order = await world.run(`await step.sleep("s", "1 day"); return "ran"`);
      await world.rest();
      for (let n = 0; n < 18; n++) await world.pass(60_000);
      of.fails = false;
      await world.pass(60_000);
      await world.until(order, "waiting");
      of.fails = true;
      await world.pass("1 day");
      for (let n = 0; n < 18; n++) await world.pass(60_000);
      assertEquals((await order.status()).status, "waiting");
      await world.pass(60_000);
      assertEquals((await order.status()).status, "paused");
      await order.resume();
      await world.rest();
      for (let n = 0; n < 18; n++) await world.pass(60_000);
      assertEquals((await order.status()).status, "running");
      of.fails = false;
      await world.pass(60_000);
      assertEquals(await order.result(), "ran");
    });

    test("keeps no place while it waits, and is not tried before its time because it is asked for something", async (world, of) => {
      const order = await world.run(ENDS);
      await world.rest();
      for (let n = 0; n < 6; n++) await world.pass(60_000);
      of.fails = false;
      const other = await world.flows().create();
      assertEquals(await other.result(), "ran");
      const asked = of.asked;
      await order.sendEvent({ type: "t" });
      await world.rest();
      assertEquals(of.asked, asked);
      await world.pass(60_000);
      assertEquals(await order.result(), "ran");
    });
  });
}

onEach("an env that throws", (test) => {
  test("is asked again until it does not, however long that takes", async (world) => {
    let throws = true;
    await world.reopen({ env: () => {
      if (throws) throw new Error("the platform's database is away");
      return {};
    } });
    const order = await world.run(ENDS);
    await world.rest();
    for (let n = 0; n < 60; n++) await world.pass(60_000);
    assertEquals((await order.status()).status, "running");
    throws = false;
    // trouble that is not the code's makes nobody wait for longer
    await world.pass(1_000);
    assertEquals(await order.result(), "ran");
  });
});
