/** Results, streams and what is sensitive. */
import type { Case, Client } from "../case.ts";

async function once(client: Client): Promise<unknown> {
  return await client.end(await client.create());
}

const complete = (output: unknown): object => ({ status: "complete", output });

/** Says what a value is, in JSON. */
const TOLD = `const told = (value) => Object.prototype.toString.call(value).slice(8, -1) + " " + (value instanceof Map || value instanceof Set ? JSON.stringify([...value]) : ArrayBuffer.isView(value) ? JSON.stringify([...value]) : value instanceof Date ? value.toISOString() : String(value));`;

const TEXT = `const text = async (stream) => { let all = ""; for await (const piece of stream) all += new TextDecoder().decode(piece); return all; };
  const streamOf = (...pieces) => new ReadableStream({ start(to) { for (const piece of pieces) to.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece); to.close(); } });`;

/** See the file. */
export const VALUE: readonly Case[] = [
  {
    name: "a result is a structured clone",
    run: `${TOLD} const given = await step.do("a", async () => [new Date(5), new Map([["k", 1]]), new Set([1, "b"]), 10n ** 20n, /x+/gi, NaN, -0, undefined, null, Infinity]);
      return [...given.map(told), Object.is(given[6], -0)];`,
    act: once,
    right: complete(["Date 1970-01-01T00:00:00.005Z", 'Map [["k",1]]', 'Set [1,"b"]', "BigInt 100000000000000000000", "RegExp /x+/gi", "Number NaN", "Number 0", "Undefined undefined", "Null null", "Number Infinity", true]),
  },
  {
    name: "typed arrays come back as what they are, also in the next step",
    run: `${TOLD} const given = await step.do("a", async () => [new Uint8Array([1, 255]), new Int16Array([-1, 300]), new Float64Array([0.5]), new BigInt64Array(1).constructor.name]);
      return await step.do("b", async () => given.map(told));`,
    act: once,
    right: complete(["Uint8Array [1,255]", "Int16Array [-1,300]", "Float64Array [0.5]", "String BigInt64Array"]),
  },
  {
    name: "200 KB of bytes are stored, alone, in objects and in lists of them",
    run: `const bytes = () => new Uint8Array(200_000).fill(7);
      const a = await step.do("a", async () => bytes()), b = await step.do("b", async () => ({ bytes: bytes() })), c = await step.do("c", async () => [{ bytes: bytes() }, { bytes: bytes() }]);
      return [a, b.bytes, c[1].bytes].map((each) => [each.length, each[199_999], each.constructor.name]);`,
    act: once,
    right: complete([[200_000, 7, "Uint8Array"], [200_000, 7, "Uint8Array"], [200_000, 7, "Uint8Array"]]),
  },
  {
    name: "of a view on a larger buffer the view comes back",
    run: `const view = await step.do("a", async () => new Uint8Array(new ArrayBuffer(800_000), 10, 5).fill(3)); return [view.length, view[4]];`,
    act: once,
    right: complete([5, 3]),
  },
  {
    name: "an error as a result comes back as an error",
    run: `const error = await step.do("a", async () => new RangeError("far")); return [error instanceof Error, error.name, error.message];`,
    act: once,
    right: complete([true, "RangeError", "far"]),
  },
  {
    name: "a step without a result gives undefined, and one with null null",
    run: `return [typeof await step.do("a", async () => {}), await step.do("b", async () => null)];`,
    act: once,
    right: complete(["undefined", null]),
  },
  {
    name: "an object that is there twice comes back as one",
    run: `const given = await step.do("a", async () => { const one = { n: 1 }; return { x: one, y: one }; }); return given.x === given.y;`,
    act: once,
    right: complete(true),
  },
  {
    name: "an object in itself comes back so",
    run: `const given = await step.do("a", async () => { const one = {}; one.self = one; return one; }); return given.self === given;`,
    act: once,
    right: complete(true),
    row: "CF-result-8",
  },
  {
    name: "a result that cannot be stored fails its step, catchably",
    run: `return [typeof (await caught(step.do("a", async () => ({ f: () => 1 })))).message, await step.do("b", async () => "went on")];`,
    act: once,
    right: complete(["string", "went on"]),
    row: "CF-result-6",
  },
  {
    name: "a result of more than 1 MiB is refused",
    run: `return typeof (await caught(step.do("a", { retries: { limit: 0, delay: 0 } }, async () => "x".repeat(2_200_000)))).message;`,
    act: once,
    right: complete("string"),
    row: "CF-result-7",
  },
  {
    name: "a run without an output is complete with none",
    run: `await step.do("a", async () => 1);`,
    act: once,
    right: { status: "complete" },
  },
  {
    name: "the output of a status is what the run gave",
    run: `return { list: [1, "b", null, true], nested: { deep: { er: 1.5 } }, text: "ä😀" };`,
    act: once,
    right: complete({ list: [1, "b", null, true], nested: { deep: { er: 1.5 } }, text: "ä😀" }),
  },
  {
    name: "the output of a status keeps its bytes",
    run: `return new Uint8Array([1, 2]);`,
    more: `export default { async fetch(request, env) {
      const { verb, id, args } = await request.json();
      if (verb === "create") return Response.json({ value: await (await env.WORKFLOWS.create(args[0])).id });
      const { status, output } = await (await env.WORKFLOWS.get(id)).status();
      return Response.json({ value: { status, output: output instanceof Uint8Array ? [...output] : output } });
    } };`,
    act: once,
    right: complete([1, 2]),
    row: "CF-status-11",
  },
  {
    name: "params and outputs may be rich",
    run: `${TOLD} return [told(event.payload.at), told(event.payload.tags)];`,
    more: `export default { async fetch(request, env) {
      const { verb, id, args } = await request.json();
      if (verb === "create") return Response.json({ value: await (await env.WORKFLOWS.create({ ...args[0], params: { at: new Date(7), tags: new Set(["x"]) } })).id });
      return Response.json({ value: await (await env.WORKFLOWS.get(id)).status() });
    } };`,
    act: once,
    right: complete(["Date 1970-01-01T00:00:00.007Z", 'Set ["x"]']),
  },
  {
    name: "a stream is a result, read by the run",
    run: `${TEXT} const stream = await step.do("a", async () => streamOf("one ", "two ", "three")); return [stream instanceof ReadableStream, await text(stream)];`,
    act: once,
    right: complete([true, "one two three"]),
  },
  {
    name: "an empty stream is a result",
    run: `${TEXT} return await text(await step.do("a", async () => streamOf()));`,
    act: once,
    right: complete(""),
  },
  {
    name: "a stream of typed arrays comes back as bytes",
    run: `${TEXT} const kinds = new Set(), all = []; for await (const piece of await step.do("a", async () => streamOf(new Uint16Array([1, 2]), new Uint8Array([9])))) { kinds.add(piece.constructor.name); all.push(...piece); } return [[...kinds], all];`,
    act: once,
    right: complete([["Uint8Array"], [1, 0, 2, 0, 9]]),
  },
  {
    name: "a stream may be longer than a piece",
    run: `${TEXT} let size = 0; for await (const piece of await step.do("a", async () => streamOf(new Uint8Array(400_000), new Uint8Array(300_000)))) size += piece.length; return size;`,
    act: once,
    right: complete(700_000),
  },
  {
    name: "a stream that is locked fails its step, catchably",
    run: `${TEXT} return typeof (await caught(step.do("a", ${"{ retries: { limit: 0, delay: 0 } }"}, async () => { const stream = streamOf("x"); stream.getReader(); return stream; }))).message;`,
    act: once,
    right: complete("string"),
  },
  {
    name: "a stream of something else than bytes fails its step, catchably",
    run: `return typeof (await caught(step.do("a", ${"{ retries: { limit: 0, delay: 0 } }"}, async () => new ReadableStream({ start(to) { to.enqueue({ no: "bytes" }); to.close(); } })))).message;`,
    act: once,
    right: complete("string"),
    row: "CF-stream-3",
  },
  {
    name: "a stream is stored: a replay reads it again, and does not run its body again",
    run: `${TEXT} const stream = await step.do("a", async () => { await note("ran"); return streamOf("bytes"); });
      await step.waitForEvent("go", { type: "go" });
      return await text(stream);`,
    async act(client) {
      const id = await client.create();
      await client.noted("ran");
      await client.rest(300);
      await client.call("pause", id);
      await client.until(id, "paused");
      await client.call("resume", id);
      await client.call("sendEvent", id, { type: "go" });
      return { ...await client.end(id), seen: await client.seen() };
    },
    right: { ...complete("bytes"), seen: ["ran"] },
  },
  {
    name: "a sensitive output is handed on as it is",
    run: `const secret = await step.do("a", { sensitive: "output" }, async () => ({ key: "k-1" })); return await step.do("b", async () => secret.key);`,
    act: once,
    right: complete("k-1"),
  },
  {
    name: "the error of a sensitive step is shown",
    run: `await step.do("a", { sensitive: "output", retries: { limit: 0, delay: 0 } }, async () => { throw new Error("shown"); });`,
    act: once,
    right: { status: "errored", error: { name: "Error", message: "shown" } },
  },
];
