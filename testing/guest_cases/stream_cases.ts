/**
 * Cases of the Guest port: a stream as the result of a step, and the `ReadableStream` that a guest has.
 *
 * @module
 */
import { PIECE_BYTES } from "../../core/stream.ts";
import { check, equal } from "../store_cases/check.ts";
import type { Case } from "../store_cases/subject.ts";
import { type CommandOf, flow, guestCase, only, type OpenSandbox, output, type Run, type Sent } from "./subject.ts";

/** Says that a step has stored a stream of so many pieces. */
function stored(run: Run, id: number, pieces: number): Promise<readonly Sent[]> {
  return run.deliver({ d: "settle", now: run.now, id, ok: true, stream: pieces });
}

/** Settles a piece; within a body the time is the real one. */
function taken(run: Run, id: number, ok = true): Promise<readonly Sent[]> {
  return run.deliver({ d: "settle", now: run.now, id, ok }, undefined, null);
}

/** What a piece sent, decoded to its number of bytes. */
function lengthOf({ value }: Sent): number {
  const text = value as string;
  return text.length / 4 * 3 - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0);
}

/** See the file's head. */
export function streamCases(open: OpenSandbox): Case[] {
  return [
    guestCase(open, "a stream is sent piece by piece, the next one when the last one is taken", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", async () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array(${PIECE_BYTES + 5})); c.enqueue(new Uint8Array(2)); c.close(); } }));`));
      const { id } = only(run.started, "do").command;
      const first = only(await run.body(id, { attempt: 3 }), "piece");
      equal({ ...first.command, id: 0 }, { c: "piece", id: 0, in: id, attempt: 3, n: 0 }, "the first piece");
      equal(lengthOf(first), PIECE_BYTES, "its length");
      const second = only(await taken(run, first.command.id), "piece");
      equal([second.command.n, lengthOf(second)], [1, 7], "the second piece");
      const done = only(await taken(run, second.command.id), "done");
      equal([done.command.ok, done.command.stream, done.text], [true, true, undefined], "done");
    }),

    guestCase(open, "a piece that is refused fails the step for good and cancels the source", async (bench) => {
      const run = await bench.start(flow(`
        let cancelled = "";
        try {
          await step.do("s", async () => new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(${PIECE_BYTES})), cancel(reason) { cancelled = String(reason?.message); } }));
        } catch { return cancelled; }`));
      const { id } = only(run.started, "do").command;
      const first = only(await run.body(id), "piece");
      const done = only(await run.fail(first.command.id, new Error("no more")), "done");
      equal([done.command.ok, done.command.retry, done.command.error?.message], [false, false, "no more"], "done");
      equal(output(await run.fail(id, done.value)), "no more", "what the source was told");
    }),

    guestCase(open, "an aborted attempt stops its stream", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", async () => new ReadableStream({ pull() { return new Promise(() => {}); }, cancel() { console.log("stopped"); } }));`));
      const { id } = only(run.started, "do").command;
      equal(await run.body(id), [], "while the source gives nothing");
      const sent = await run.abort(id);
      equal(sent.filter(({ command }) => command.c === "piece").length, 0, "pieces");
    }),

    guestCase(open, "a stored stream is read on demand, a piece at a time", async (bench) => {
      const run = await bench.start(flow(`
        const stream = await step.do("s", async () => new ReadableStream());
        await step.sleep("before", 1);
        const lengths = [];
        for await (const chunk of stream) lengths.push([...chunk]);
        return lengths;`));
      const { id } = only(run.started, "do").command;
      const sleep = only(await stored(run, id, 2), "sleep").command;
      const first = only(await run.settle(sleep.id), "read").command;
      equal({ ...first, id: 0 }, { c: "read", id: 0, in: 0, of: id, n: 0 }, "the first read");
      const second = only(await run.settle(first.id, "AQID"), "read").command as CommandOf<"read">;
      equal([second.of, second.n], [id, 1], "the second read");
      equal(output(await run.settle(second.id, "BA==")), [[1, 2, 3], [4]], "output");
    }),

    guestCase(open, "a stored stream without pieces is empty, and one that is damaged fails where it is read", async (bench) => {
      const run = await bench.start(flow(`
        const reader = (await step.do("none", async () => new ReadableStream())).getReader();
        const none = (await reader.read()).done;
        const stream = await step.do("bad", async () => new ReadableStream());
        try { await stream.getReader().read(); } catch (error) { return [none, error.message]; }`));
      const next = only(await stored(run, only(run.started, "do").command.id, 0), "do").command;
      const read = only(await stored(run, next.id, 1), "read").command;
      equal(output(await run.settle(read.id, "AB")), [true, "Cannot read the stream: a piece of it is damaged"], "output");
    }),

    guestCase(open, "what reads a stream within a step asks for it there", async (bench) => {
      const run = await bench.start(flow(`
        const stream = await step.do("s", async () => new ReadableStream());
        return await step.do("read", async () => (await stream.getReader().read()).value.length);`));
      const next = only(await stored(run, only(run.started, "do").command.id, 1), "do").command;
      const read = only(await run.body(next.id), "read").command;
      // not every runtime's own streams say for whom they are read
      check(read.in === next.id || (read.in === 0 && bench.adapter.caps.boundary === "none"), `the read is of ${read.in}`);
      equal(only(await run.deliver({ d: "settle", now: run.now, id: read.id, ok: true }, `j"AQID"`, null), "done").value, 3, "result");
    }),

    guestCase(open, "a ReadableStream is read, cancelled, locked, doubled and iterated", async (bench) => {
      const run = await bench.start(flow(BEHAVIOUR));
      equal(output(run.started), EXPECTED, "output");
    }),
  ];
}

const BEHAVIOUR = `
  const seen = [];
  const fails = async (what) => { try { await what(); return "no error"; } catch (error) { return error instanceof TypeError ? "TypeError" : error?.message ?? error; } };
  const all = async (stream) => { const chunks = []; for await (const chunk of stream) chunks.push(chunk); return chunks; };
  const counting = (n, more) => { let i = 0; return new ReadableStream({ pull(c) { if (++i > n) c.close(); else c.enqueue(i); }, ...more }, { highWaterMark: 0 }); };

  // whoever reads gets the chunks, then the end, for ever
  const three = counting(3), reader = three.getReader();
  seen.push(await reader.read(), three.locked, await fails(() => three.getReader()), await fails(() => three.cancel()));
  reader.releaseLock();
  seen.push(three.locked, await all(three), await fails(() => reader.read()), await (three.getReader()).read());

  // what is enqueued ahead counts against the mark
  let controller;
  const ahead = new ReadableStream({ start(c) { controller = c; } }, { highWaterMark: 5, size: (chunk) => chunk.length });
  controller.enqueue("abc");
  seen.push(controller.desiredSize);
  controller.enqueue("defg");
  seen.push(controller.desiredSize);
  controller.close();
  seen.push(await fails(() => controller.enqueue("x")), await all(ahead));

  // a source is not asked twice at once, nor when nobody wants more
  let asked = 0, go;
  const slow = new ReadableStream({ pull(c) { asked++; return new Promise((resolve) => { go = () => { c.enqueue(asked); resolve(); }; }); } }, { highWaterMark: 0 });
  await undefined; await undefined;
  const before = asked;
  const slowReader = slow.getReader();
  const two = [slowReader.read(), slowReader.read()];
  await undefined; await undefined;
  const once = asked;
  go();
  const first = await two[0];
  await undefined; await undefined; await undefined;
  go();
  seen.push([before, once, first.value, (await two[1]).value, asked]);

  // errors
  const broken = new ReadableStream({ start(c) { c.enqueue(1); c.error(new Error("broken")); } });
  seen.push(await fails(() => broken.getReader().read()));
  const throwing = new ReadableStream({ pull() { throw new Error("thrown"); } });
  seen.push(await fails(() => throwing.getReader().read()));
  seen.push(await fails(() => { new ReadableStream({ start() { throw new Error("at once"); } }); }));

  // leaving early
  let reason = "none";
  for await (const chunk of counting(9, { cancel() { reason = "left"; } })) if (chunk === 2) break;
  seen.push(reason);
  const kept = counting(4);
  for await (const chunk of kept.values({ preventCancel: true })) if (chunk === 2) break;
  seen.push(await all(kept));
  const pending = new ReadableStream({ cancel(why) { reason = why; } });
  const waits = pending.getReader(), never = waits.read();
  await waits.cancel("enough");
  seen.push(reason, (await never).done, (await waits.read()).done, await waits.closed === undefined);

  // two of one
  const [left, right] = counting(3).tee();
  seen.push(await all(left), await all(right));

  // of what can be iterated
  seen.push(await all(ReadableStream.from(["a", Promise.resolve("b")])));
  seen.push(await all(ReadableStream.from((async function* () { yield 1; yield 2; })())));

  // what is not there says so
  seen.push(await fails(() => new ReadableStream({ type: "no such" })), Object.prototype.toString.call(three), ReadableStream.name);
  return seen;
`;

const EXPECTED = [
  { value: 1, done: false }, true, "TypeError", "TypeError",
  false, [2, 3], "TypeError", { value: undefined, done: true },
  2, -2, "TypeError", ["abc", "defg"],
  [0, 1, 1, 2, 2],
  "broken", "thrown", "at once",
  "left", [3, 4], "enough", true, true, true,
  [1, 2, 3], [1, 2, 3],
  ["a", "b"], [1, 2],
  "TypeError", "[object ReadableStream]", "ReadableStream",
];
