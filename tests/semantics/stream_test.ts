/** Streams as results of steps: how they are stored, read, replayed, refused and removed. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { WorkflowInstance } from "../../mod.ts";
import { onEach, source, type World } from "./_world.ts";

/** Streams of numbered chunks, and what reads them. */
const HELPERS = `
  const RETRY = { retries: { limit: 2, delay: 0 } };
  const filled = (length, first) => { const bytes = new Uint8Array(length); for (let i = 0; i < length; i += 4_093) bytes[i] = first + i; return bytes; };
  const streamOf = (...chunks) => new ReadableStream({ pull(c) { if (chunks.length === 0) c.close(); else c.enqueue(chunks.shift()); } });
  const read = async (stream) => { const all = []; for await (const chunk of stream) all.push(chunk); return all; };
  const size = (chunks) => chunks.reduce((sum, { length }) => sum + length, 0);
  const sum = (chunks) => { let sum = 0, at = 0; for (const c of chunks) for (let i = 0; i < c.length; i++, at++) if (c[i] !== 0) sum = (sum * 31 + c[i] * (at + 1)) % 1_000_003; return sum; };
  const text = async (stream) => { const d = new TextDecoder(); let t = ""; for (const c of await read(stream)) t += d.decode(c); return t; };
  const bytes = (t) => new TextEncoder().encode(t);
`;

/** Cells of streams that the store holds, by kind. */
async function stored(world: World): Promise<{ pieces: number; series: number; marks: number }> {
  const store = await world.storage.open();
  const count = async (kind: string): Promise<number> => (await store.cells(0, { prefix: `streams/${kind}/`, limit: 1_000 })).length;
  return { pieces: await count("piece"), series: await count("series"), marks: await count("mark") };
}

/** Waits until nothing is left to be looked at, and says what the store holds. */
async function swept(world: World): Promise<{ pieces: number; series: number }> {
  for (let n = 0; n < 8 && (await stored(world)).marks > 0; n++) await world.pass("1 minute");
  const { marks, ...rest } = await stored(world);
  assertEquals(marks, 0);
  return rest;
}

const shown = async (order: WorkflowInstance): Promise<unknown[]> =>
  (await order.history()).entries.filter(({ type }) => type === "settled").map(({ value, error }) => value ?? error?.message);

onEach("a step that returns a stream", (test) => {
  test("hands on its bytes, in pieces, whatever the chunks were", async (world) => {
    const order = await world.run(`${HELPERS}
      const given = [filled(1, 7), filled(300_000, 1), filled(0, 0), filled(399_999, 5)];
      const stream = await step.do("big", async () => streamOf(...given));
      const chunks = await read(stream);
      return [stream instanceof ReadableStream, chunks.every((c) => c instanceof Uint8Array), chunks.map((c) => c.length), sum(chunks) === sum(given), size(chunks)];
    `);
    assertEquals(await order.result(), [true, true, [262_144, 262_144, 175_712], true, 700_000]);
    assertEquals(await shown(order), ["[stream, 3 pieces, 700,000 bytes]"]);
    assertEquals(await swept(world), { pieces: 3, series: 1 });
  });

  test("hands on an empty one", async (world) => {
    const order = await world.run(`${HELPERS} return await read(await step.do("none", async () => streamOf()));`);
    assertEquals(await order.result(), []);
    assertEquals(await shown(order), ["[stream, 0 pieces, 0 bytes]"]);
    assertEquals(await stored(world), { pieces: 0, series: 0, marks: 0 });
  });

  test("gives typed arrays of every kind back as Uint8Array", async ({ run }) => {
    const order = await run(`${HELPERS}
      const stream = await step.do("s", async () => streamOf(new Uint16Array([1, 2]), new DataView(new ArrayBuffer(3), 1), new Float64Array(1), new Uint8Array([9, 8, 7]).subarray(1)));
      const chunks = await read(stream);
      return [chunks[0].constructor === Uint8Array, [...chunks[0]]];
    `);
    assertEquals(await order.result(), [true, [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 7]]);
  });

  test("gives a new one after a crash, and does not run again", async (world) => {
    const order = await world.run(`${HELPERS}
      const stream = await step.do("s", async () => { await T.note("ran"); return streamOf(bytes("hello "), bytes("world")); });
      const reader = stream.getReader();
      const first = await reader.read();
      await step.sleep("s", "1 hour");
      return [first.value.length, (await reader.read()).done];
    `);
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 hour");
    assertEquals(await (await world.flows().get(order.id)).result(), [11, true]);
    assertEquals(world.notes, ["ran"]);
  });

  test("is read by a later step, and by one that was cut off by a crash from its beginning", async (world) => {
    const order = await world.run(`${HELPERS}
      const stream = await step.do("fetch", async () => { await T.note("fetch"); return streamOf(bytes("some "), bytes("text")); });
      return await step.do("parse", async (ctx) => {
        const found = await text(stream);
        await T.note(ctx.attempt + found);
        if (ctx.attempt === 1) await T.gate("never");
        return found;
      });
    `);
    await world.when("it reads", () => world.notes.length === 2);
    await world.crash();
    assertEquals(await (await world.flows().get(order.id)).result(), "some text");
    assertEquals(world.notes, ["fetch", "1some text", "2some text"]);
  });

  test("is given to the step around it and to a rollback handler", async ({ run, notes }) => {
    const order = await run(`${HELPERS}
      await step.do("kept", async () => streamOf(bytes("undo me")), { rollback: async ({ output }) => { await T.note(await text(output)); } });
      await step.do("outer", async () => { await T.note(await text(await step.do("inner", async () => streamOf(bytes("within"))))); });
      throw new Error("gone");
    `);
    await assertRejects(() => order.result(), Error, "gone");
    assertEquals(notes, ["within", "undo me"]);
  });

  test("does not show one that is sensitive, and hands it on", async ({ run }) => {
    const order = await run(`${HELPERS} return await text(await step.do("s", { sensitive: "output" }, async () => streamOf(bytes("key"))));`);
    assertEquals(await order.result(), "key");
    assertEquals(await shown(order), ["[REDACTED]"]);
    const events = [];
    for await (const event of await order.subscribe()) events.push(event as { type: string; output?: unknown });
    assertEquals(events.find(({ type }) => type === "step_completed")?.output, "[REDACTED]");
  });

  test("tries again when the stream fails, and keeps nothing of the attempts that failed", async (world) => {
    const order = await world.run(`${HELPERS}
      const stream = await step.do("s", RETRY, async (ctx) => {
        let n = 0;
        return new ReadableStream({ pull(c) { if (n++ < 2) c.enqueue(filled(262_144, ctx.attempt)); else if (ctx.attempt < 3) c.error(new RangeError("cut")); else c.close(); } });
      });
      return [(await read(stream))[0][0]];
    `);
    assertEquals(await order.result(), [3]);
    assertEquals((await order.history()).entries.filter(({ type }) => type === "attempt_failed").map(({ error }) => error?.message), ["cut", "cut"]);
    assertEquals(await swept(world), { pieces: 2, series: 1 });
  });

  test("stops the source when its time is over, and times out", async (world) => {
    const order = await world.run(`${HELPERS}
      let n = 0;
      return await step.do("s", { timeout: "1 minute", retries: { limit: 0, delay: 0 } }, async () =>
        new ReadableStream({ pull(c) { if (n++ === 0) c.enqueue(filled(300_000, 1)); else return new Promise(() => {}); }, cancel() { return T.note("cancelled").catch(() => {}); } }));
    `);
    await world.when("a piece is stored", async () => (await stored(world)).pieces === 1);
    await world.pass("1 minute");
    await assertRejects(() => order.result(), Error, "timed out");
    assertEquals(await swept(world), { pieces: 0, series: 0 });
  });
});

onEach("a stream that cannot be stored", (test) => {
  const cases: { readonly [what: string]: readonly [string, RegExp] } = {
    "is locked": [`const s = streamOf(); s.getReader(); return s;`, /the stream is locked/],
    "has a chunk that is no bytes": [`return streamOf(bytes("a"), "text");`, /a chunk of the stream is a string, not bytes/],
    "has a chunk that is too large": [`return streamOf(new Uint8Array(16 * 2 ** 20 + 1));`, /a chunk of the stream has 16777217 bytes, more than the limit of 16777216/],
    "stands in another value": [`return { body: [streamOf()] };`, /"result\.body\[0\]": an instance of ReadableStream cannot be stored/],
  };
  for (const [what, [body, message]] of Object.entries(cases)) {
    test(`fails its step for good, and that can be caught: one that ${what}`, async (world) => {
      const order = await world.run(`${HELPERS}
        try { await step.do("s", RETRY, async () => { await T.note("ran"); ${body} }); } catch (error) { return error.message; }`);
      assertMatch(await order.result() as string, message);
      assertEquals(world.notes, ["ran"]);
      assertEquals(await swept(world), { pieces: 0, series: 0 });
    });
  }

  test("is the output of a run, which names it", async ({ run }) => {
    const order = await run(`${HELPERS} return { file: await step.do("s", async () => streamOf()) };`);
    await assertRejects(() => order.result(), Error, `"output.file": an instance of ReadableStream cannot be stored`);
  });
});

onEach("limits.streamBytes and limits.journalBytes", (test) => {
  test("refuse a stream that has more, and stop its source", async (world) => {
    const order = await world.run(`${HELPERS}
      try {
        await step.do("endless", RETRY, async () => new ReadableStream({ pull(c) { c.enqueue(filled(100_000, 1)); }, cancel() { return T.note("stopped"); } }));
      } catch (error) { return [error.name, error.message]; }
    `);
    assertEquals(await order.result(), ["WorkflowFatalError", `Cannot store the result of step "endless": the stream has more than the limit of 600000 bytes`]);
    assertEquals(world.notes, ["stopped"]);
    assertEquals(await swept(world), { pieces: 0, series: 0 });
  });

  test("count what is stored to the instance", async (world) => {
    const order = await world.run(`${HELPERS}
      const got = [];
      for (let i = 0; i < 4; i++) {
        try { await step.do("s" + i, async () => streamOf(filled(500_000, i))); got.push(i); } catch (error) { got.push(error.message); }
      }
      return got;
    `);
    const [zero, one, refused] = await order.result() as unknown[];
    assertEquals([zero, one], [0, 1]);
    assertMatch(refused as string, /the limit of 1200000 bytes of history has been reached/);
    await world.rest();
    const { journalBytes } = await world.tenure().tenant("acme").usage();
    assert(journalBytes > 1_000_000 && journalBytes < 1_010_000, `${journalBytes}`);
  });
}, { limits: { streamBytes: 600_000, journalBytes: 1_200_000 } });

onEach("pieces that are nobody's any more", (test) => {
  const WRITES = `${HELPERS}
    const a = await step.do("a", async () => streamOf(filled(600_000, 1)));
    const b = await step.do("b", async () => streamOf(filled(300_000, 2)));
    return [size(await read(a)), size(await read(b)), await step.do("count", async () => await T.count("run"))];
  `;

  test("go when it is restarted, but for what a restart at a step keeps", async (world) => {
    const order = await world.run(WRITES);
    assertEquals(await order.result(), [600_000, 300_000, 1]);
    assertEquals(await swept(world), { pieces: 5, series: 2 });
    await order.restart({ from: { name: "b" } });
    assertEquals(await order.result(), [600_000, 300_000, 2]);
    assertEquals(await swept(world), { pieces: 5, series: 2 });
    await order.restart({ from: { name: "count" } });
    assertEquals(await order.result(), [600_000, 300_000, 3]);
    await order.restart();
    assertEquals(await order.result(), [600_000, 300_000, 4]);
    assertEquals(await swept(world), { pieces: 5, series: 2 });
  });

  test("go when it is deleted, or forgotten", async (world) => {
    const order = await world.run(WRITES);
    await order.result();
    const other = await world.flows().create({ retention: { successRetention: "1 day" } });
    await other.result();
    assertEquals(await swept(world), { pieces: 10, series: 4 });
    await order.delete();
    assertEquals(await swept(world), { pieces: 5, series: 2 });
    await world.reopen();
    await world.pass("1 day");
    await world.pass("1 minute");
    assertEquals(await swept(world), { pieces: 0, series: 0 });
  });

  test("go when a crash cuts off their attempt", async (world) => {
    const order = await world.run(`${HELPERS}
      const stream = await step.do("s", async (ctx) => {
        let n = 0;
        return new ReadableStream({ async pull(c) {
          if (n++ < 2) return c.enqueue(filled(262_144, ctx.attempt));
          if (ctx.attempt === 1) await T.gate("never");
          c.close();
        } });
      });
      return (await read(stream)).map((c) => c[0]);
    `);
    await world.when("two pieces are stored", async () => (await stored(world)).pieces === 2);
    await world.crash();
    assertEquals(await (await world.flows().get(order.id)).result(), [2, 2]);
    assertEquals(await swept(world), { pieces: 2, series: 1 });
  });

  test("go when it is terminated while one is written", async (world) => {
    const order = await world.run(`${HELPERS}
      await step.do("s", async () => new ReadableStream({ pull: (c) => { if (c.desiredSize === 1) c.enqueue(filled(300_000, 1)); return T.gate("never"); } }));
    `);
    await world.when("a piece is stored", async () => (await stored(world)).pieces === 1);
    await order.terminate();
    assertEquals(await swept(world), { pieces: 0, series: 0 });
  });
});

onEach("a run that reads a stream", (test) => {
  for (const how of ["live", "after a crash"] as const) {
    test(`has the same winner of a race of reads, a step and a sleep, ${how}`, async (world) => {
      const order = await world.run(`${HELPERS}
        const a = (await step.do("a", async () => streamOf(filled(600_000, 1)))).getReader();
        const b = (await step.do("b", async () => streamOf(filled(600_000, 2)))).getReader();
        const order = [];
        const note = (name) => (x) => { order.push(name); return x; };
        await Promise.all([
          step.sleep("no time", 0).then(note("sleep")),
          step.do("quick", async () => 1).then(note("step")),
          (async () => { for (let i = 0; i < 3; i++) note("a" + i)(await a.read()); await step.do("after a", async () => T.note("after a")); note("after a")(); })(),
          (async () => { for (let i = 0; i < 2; i++) note("b" + i)(await b.read()); })(),
        ]);
        await step.sleep("s", "1 hour");
        return [order, (await a.read()).done, (await b.read()).value.length];
      `);
      await world.until(order, "waiting");
      if (how !== "live") await world.crash();
      await world.pass("1 hour");
      const same = await world.flows().get(order.id);
      const [seen, ended, last] = await same.result() as [string[], boolean, number];
      assertEquals([ended, last], [true, 75_712]);
      assertEquals(seen.slice(0, 5), ["a0", "b0", "a1", "b1", "a2"]);
      assertEquals(seen.slice(5).sort(), ["after a", "sleep", "step"]);
      assertEquals(world.notes, ["after a"]);
      assertEquals((await same.status()).status, "complete");
    });
  }

  test("does not repeat in a replay what it said between reads", async (world) => {
    const lines: string[] = [];
    const keep = (text: string): void => void lines.push(text);
    await world.reopen({ logger: { debug: keep, info: keep, warn: keep, error: keep } });
    const order = await world.run(`${HELPERS}
      const reader = (await step.do("a", async () => streamOf(filled(600_000, 1)))).getReader();
      for (let read; !(read = await reader.read()).done;) console.log("read " + read.value.length);
      await step.sleep("s", "1 hour");
      return 1;
    `);
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 hour");
    assertEquals(await (await world.flows().get(order.id)).result(), 1);
    assertEquals(lines, ["read 262144", "read 262144", "read 75712"]);
  });

  test("may be moved to another version", async (world) => {
    const body = (more: string): string => `${HELPERS}
      const reader = (await step.do("a", async () => streamOf(filled(600_000, 1)))).getReader();
      let n = 0; for (let read; !(read = await reader.read()).done;) n += read.value.length;
      await step.sleep("s" + n, "1 hour");
      return ${more};
    `;
    const order = await world.run(body("1"));
    await world.until(order, "waiting");
    const tenant = world.tenure().tenant("acme");
    const { version } = await tenant.deploy(source(body("2")));
    const { moved } = await tenant.upgrade(version);
    assertEquals(moved, 1);
    await world.pass("1 hour");
    assertEquals(await order.result(), 2);
  });
});
