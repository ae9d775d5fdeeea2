/** What the simulator found (`npm run sim`), each as the smallest case that shows it. */
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { trusted } from "../adapters/sandbox/trusted.ts";
import { TenureError } from "../core/errors.ts";
import type { SandboxAdapter } from "../core/ports/guest.ts";
import { inWorld, onEach } from "./semantics/_world.ts";

const types = async (order: { history(): Promise<{ entries: readonly { type: string }[] }> }): Promise<string[]> =>
  (await order.history()).entries.map(({ type }) => type);

onEach("a journal", (test) => {
  test("ends with the end of the run: a step that times out after it is not recorded", async ({ run, pass }) => {
    const order = await run(`
      step.do("slow", { timeout: 100, retries: { limit: 0, delay: 0 } }, () => T.gate("never")).catch(() => {});
      return 1;
    `);
    assertEquals(await order.result(), 1);
    const ended = await types(order);
    await pass("1 second");
    assertEquals(await types(order), ended);
  });
});

onEach("after a crash", (test) => {
  test("what ran is cut off, counted and run again, also when a message finds it before recovery does", async ({ run, crash, rest, open, flows }) => {
    const order = await run(`return await step.do("a", () => T.gate("a"))`);
    await crash({ engine: false });
    flows().get(order.id).then((from) => from.sendEvent({ type: "any" })).catch(() => {});
    await rest();
    await crash({ engine: true });
    open("a", 1);
    const after = await flows().get(order.id);
    assertEquals(await after.result(), 1);
    assertEquals((await types(after)).filter((type) => type === "interrupted").length, 1);
  });
});

const OVER = "Cannot run a step: what it stands in has ended";

onEach("a body that its run does not wait for", (test) => {
  test("is refused what would never come, and so comes to its end", async ({ run, notes, when, open }) => {
    const order = await run(`
      step.do("loose", async () => {
        await T.gate("end");
        const told = await step.waitForEvent("w", { type: "never" }).catch((error) => error.message);
        await T.note(told);
      });
      await step.do("b", async () => T.note("b"));
      return "done";
    `);
    assertEquals(await order.result(), "done");
    assertEquals(notes, ["b"]);
    open("end");
    await when("the body has heard", () => notes.length === 2);
    assertEquals(notes[1], OVER);
  });

  test("and that waits already when the run ends hears the same", async ({ run, notes, when, pass }) => {
    const order = await run(`
      step.do("loose", async () => {
        const told = await step.waitForEvent("w", { type: "never" }).catch((error) => error.message);
        await T.note(told);
      });
      await step.sleep("s", 1);
      await step.do("b", async () => 1);
      return "done";
    `);
    await when("the body waits", async () => (await order.history()).entries.some(({ name }) => name === "w"));
    await pass("1 second");
    assertEquals(await order.result(), "done");
    await when("the body has heard", () => notes.length === 1);
    assertEquals(notes, [OVER]);
  });
});

onEach("a step that times out", (test) => {
  test("takes the steps within it along, and the next attempt runs them again", async ({ run, notes, pass, until, open }) => {
    const order = await run(`
      return await step.do("outer", { retries: { limit: 1, delay: 0 }, timeout: "1 minute" }, async (ctx) =>
        await step.do("inner", async (inner) => { await T.note([ctx.attempt, inner.attempt]); return await T.gate("inner " + inner.attempt); }));
    `);
    open("inner 2", "well");
    await until(order, "running");
    await pass("1 minute");
    assertEquals(await order.result(), "well");
    assertEquals(notes, [[1, 1], [2, 2]]);
  });
});

onEach("close()", (test) => {
  test("ends the waiting of result()", async (world) => {
    const order = await world.run(`await step.sleep("s", "1 day")`);
    await world.until(order, "waiting");
    const waiting = order.result().then(() => "ended", (error) => error.code);
    await world.close();
    assertEquals(await waiting, "closed");
  });
});

onEach("a logger that throws", (test) => {
  test("harms no run", async (world) => {
    const no = () => {
      throw new Error("no disk");
    };
    await world.reopen({ logger: { debug: no, info: no, warn: no, error: no } });
    assertEquals(await (await world.run(`console.log(1); await step.do("a", async () => console.log(2)); return 3`)).result(), 3);
  });
});

onEach("a damaged journal", (test) => {
  test("is an error of its instance, and stops no other", async (world) => {
    const bad = await world.run(`await step.sleep("s", "1 hour"); return "bad"`, { id: "bad" });
    const good = await world.run(`await step.sleep("s", "1 hour"); return "good"`, { id: "good" });
    await world.until(bad, "waiting");
    await world.until(good, "waiting");
    await world.crash({ engine: false });
    const store = await world.storage.open();
    const lease = await store.acquire(0, "vandal", 1);
    const key = { tenant: "acme", workflow: "Flow", id: "bad" };
    const next = (await store.load(0, key))?.journal.join("\n").split("\n").length ?? 0;
    const append = { key, seq: next, count: 1, text: '{"k":"nonsense","t":1}' };
    await store.commit("damage", [{ shard: 0, epoch: lease?.epoch ?? 0, drops: [], heads: [], appends: [append], cells: [], acks: [] }]);
    await store.release(0, lease?.epoch ?? 0);
    await store.close();
    await world.crash({ engine: true });
    await world.pass("1 hour");
    assertEquals(await (await world.flows().get("good")).result(), "good");
    const code = await (await world.flows().get("bad")).sendEvent({ type: "t" }).then(() => "", (error) => error.code);
    assertEquals(code, "corrupt");
  });
});

/** Guests whose turns last until {@linkcode over} says so: as those in a process of their own. */
function slowly(inner: SandboxAdapter, over: () => Promise<void>): SandboxAdapter {
  return {
    ...inner,
    async open(...args) {
      const guest = await inner.open(...args);
      return {
        async turn(...frame) {
          const turn = await guest.turn(...frame);
          await over();
          return turn;
        },
        drop: () => guest.drop(),
      };
    },
  };
}

describe("a run that is paused and resumed within one turn of its guest", () => {
  // whichever of the tasks between the end of the turn and the engine's next look at the run
  for (let tasks = 0; tasks < 8; tasks++) {
    it(`loses nothing of what it issued in that turn, ${tasks} tasks apart`, async () => {
      let release = (): void => {}, turns = 0;
      const over = (): Promise<void> => turns++ > 0 ? Promise.resolve() : new Promise((done) => release = done);
      await inWorld(slowly(trusted(), over), {}, async ({ run, when }) => {
        const order = await run(`return await step.do("a", async () => 1)`);
        await when("its first turn is under way", () => turns === 1);
        const paused = order.pause();
        release();
        for (let n = 0; n < tasks; n++) await Promise.resolve();
        await Promise.all([paused, order.resume()]);
        assertEquals(await order.result(), 1);
      });
    });
  }
});

onEach("an instance that is begun anew while its guest is being opened", (test) => {
  test("hears nothing of how that failed", async (world) => {
    let opened = 0, fail = (): void => {};
    const failed = new Promise<never>((_, reject) => fail = () => reject(new TenureError("code_unavailable", "Cannot have the code")));
    await world.reopen({ env: () => opened++ === 0 ? failed : {} });
    const order = await world.run(`return await step.do("a", async () => 1)`);
    await world.when("its guest is being opened", () => opened === 1);
    await order.restart();
    await world.when("the other is being opened", () => opened === 2);
    fail();
    assertEquals(await order.result(), 1);
    await world.rest();
    assertEquals((await types(order)).filter((type) => type === "paused"), []);
  });
});

onEach("a step whose time is over and that asks for a delay", (test) => {
  test("begins nothing any more of what its attempt had issued", async ({ run, notes, pass, when, open }) => {
    const order = await run(`
      const delay = async () => { await T.note("asked"); await T.gate("delay"); return 0; };
      return await step.do("outer", { retries: { limit: 1, delay }, timeout: "3 seconds" }, async ({ attempt }) => {
        if (attempt === 2) return "done";
        const retries = { limit: 1, delay: "4 seconds", backoff: "constant" };
        await step.do("inner", { retries }, async () => { await T.note("inner"); throw new Error("odd"); });
      });
    `);
    await when("the step within has failed", () => notes.length === 1);
    await pass("3 seconds");
    await when("it is asked", () => notes.length === 2);
    await pass("2 seconds");
    open("delay");
    assertEquals(await order.result(), "done");
    assertEquals(notes, ["inner", "asked"]);
  });
});
