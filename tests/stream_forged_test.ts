/** What a guest may say of streams that no honest one does: it comes from a tenant, and may cost the tenant its step, never more. */
import { describe, it } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { frame, parseFrame } from "../core/frame.ts";
import type { Delivery, SandboxAdapter } from "../core/ports/guest.ts";
import { PIECE_BYTES } from "../core/stream.ts";
import { inWorld, type World } from "./semantics/_world.ts";

type Said = readonly (readonly [header: object, value?: string])[];

/** A sandbox whose guests answer by a script. */
function scripted(answer: (delivery: Delivery, value: string | undefined) => Said): SandboxAdapter {
  return {
    name: "scripted",
    caps: { boundary: "wasm", mediated: true, hardKill: true, memoryCap: true, metered: true },
    prepare: () => Promise.resolve({ text: "", classes: ["Flow"] }),
    close: () => Promise.resolve(),
    open: () => ({
      turn(text) {
        const { header, value } = parseFrame(text) as { header: Delivery; value: string | undefined };
        const out = answer(header, value).map(([command, sent]) => frame(command, sent));
        return { out, state: "rest", fuel: 0, incarnation: 1 };
      },
      drop() {},
    }),
  };
}

const FULL = `j"${"A".repeat(Math.ceil(PIECE_BYTES / 3) * 4 - 2)}=="`;
const SMALL = `j"AAAA"`;
const STEP = [{ c: "do", id: 1, in: 0, name: "s", config: { retries: { limit: 0, delay: 0, backoff: "constant" }, timeout: 60_000 } }] as const;
const DONE = [{ c: "done", id: 1, attempt: 1, ok: true, stream: true }] as const;
const piece = (n: number, value: string, more: object = {}): Said[number] => [{ c: "piece", id: 10 + n, in: 1, attempt: 1, n, ...more }, value];

/** The run of a guest whose only step sends this, and then says that it is done; how the step was settled, and the pieces that are left. */
async function sends(...said: Said): Promise<{ settled: unknown; error: string | undefined; pieces: number; answers: boolean[] }> {
  let result = { settled: undefined as unknown, error: undefined as string | undefined, pieces: -1, answers: [] as boolean[] };
  const answers: boolean[] = [];
  const sandbox = scripted((delivery) => {
    if (delivery.d === "start") return [STEP];
    if (delivery.d === "body") return said;
    if (delivery.d !== "settle") return [];
    if (delivery.id === 1) return [[{ c: "end", ok: true }, "u"]];
    answers.push(delivery.ok);
    return answers.length === said.length ? [DONE] : [];
  });
  await inWorld(sandbox, { limits: { streamBytes: PIECE_BYTES + 10 } }, async (world) => {
    const order = await world.flows().create().catch(() => undefined) ?? await world.run("");
    await world.until(order, "complete");
    const { entries } = await order.history();
    const end = entries.find(({ type }) => type === "settled");
    await world.pass("1 minute");
    await world.pass("1 minute");
    result = { settled: end?.value, error: end?.error?.message, pieces: await pieces(world), answers };
  });
  return result;
}

async function pieces(world: World): Promise<number> {
  const store = await world.storage.open();
  assertEquals(await store.cells(0, { prefix: "streams/mark/", limit: 10 }), []);
  return (await store.cells(0, { prefix: "streams/piece/", limit: 100 })).length;
}

const MISUSED = "Cannot store the result: its pieces are no stream's";

describe("pieces", () => {
  it("are a stream when they are whole and in order, and counted by the host", async () => {
    assertEquals(await sends([...piece(0, SMALL)]), { settled: "[stream, 1 piece, 3 bytes]", error: undefined, pieces: 1, answers: [true] });
  });

  const wrong: { readonly [what: string]: Said } = {
    "that do not wait for each other": [piece(0, FULL), piece(1, SMALL)],
    "that begin in the middle": [piece(1, SMALL)],
    "that are no base64": [piece(0, `j"AA*A"`)],
    "that are not padded": [piece(0, `j"AAA"`)],
    "that are another value": [piece(0, `j{"a":1}`)],
    "that are empty": [piece(0, `j""`)],
    "that have no value": [[{ c: "piece", id: 10, in: 1, attempt: 1, n: 0 }]],
    "that have a control character": [piece(0, `j"AAA\u0000"`)],
    "that are larger than a piece": [piece(0, `j"${"A".repeat(Math.ceil(PIECE_BYTES / 3) * 4 + 4)}"`)],
  };
  for (const [what, said] of Object.entries(wrong)) {
    it(`${what} fail the step, and leave nothing`, async () => {
      const { settled, error, pieces, answers } = await sends(...said);
      assertEquals([settled, error, pieces], [undefined, MISUSED, 0]);
      assertEquals(answers.includes(false), true);
    });
  }

  it("of another attempt, or of a step that does not run, are nobody's", async () => {
    const found = await sends(piece(0, SMALL, { attempt: 2 }), piece(0, SMALL, { attempt: 7, in: 99 }), [{ c: "piece", id: 9, in: 0, attempt: 1, n: 0 }, SMALL], DONE);
    assertEquals(found, { settled: "[stream, 0 pieces, 0 bytes]", error: undefined, pieces: 0, answers: [] });
  });

  it("of a result that is no stream go", async () => {
    const found = await sends(piece(0, SMALL), [{ c: "done", id: 1, attempt: 1, ok: true }, "j5"]);
    assertEquals([found.settled, found.error, found.pieces], [5, undefined, 0]);
  });
});

describe("a second piece", () => {
  for (const [what, first, second, message] of [
    ["after one that was not full", SMALL, SMALL, MISUSED],
    ["beyond the limit", FULL, `j"${"A".repeat(16)}"`, "more than the limit of 262154 bytes"],
  ] as const) {
    it(`${what} fails the step`, async () => {
      let settled = "";
      const sandbox = scripted((delivery) => {
        if (delivery.d === "start") return [STEP];
        if (delivery.d === "body") return [piece(0, first)];
        if (delivery.d !== "settle") return [];
        if (delivery.id === 10) return [piece(1, second)];
        return delivery.id === 11 ? [DONE] : [[{ c: "end", ok: true }, "u"]];
      });
      await inWorld(sandbox, { limits: { streamBytes: PIECE_BYTES + 10 } }, async (world) => {
        const order = await world.run("");
        await world.until(order, "complete");
        settled = (await order.history()).entries.find(({ type }) => type === "settled")?.error?.message ?? "";
      });
      assertMatch(settled, new RegExp(message));
    });
  }
});

describe("reads", () => {
  it("of what is no stream, past its end, or of another's are refused; those of nobody are not answered", async () => {
    const answers: [number, boolean, string | undefined][] = [];
    const read = (id: number, of: number, n: number, within = 0): Said[number] => [{ c: "read", id, in: within, of, n }];
    const sandbox = scripted((delivery, value) => {
      if (delivery.d === "start") return [STEP];
      if (delivery.d === "body") return [piece(0, SMALL)];
      if (delivery.d !== "settle") return [];
      if (delivery.id === 10) return [DONE];
      if (delivery.id === 1) return [read(20, 1, 1), read(21, 99, 0), read(22, 1, 2 ** 40), read(23, 1, 0), read(24, 1, 0, 1), [{ c: "read", id: 25, in: 0, of: 1, n: -1 }], [{ c: "read", id: 26, in: 0, of: "1", n: 0 }]];
      answers.push([delivery.id, delivery.ok, delivery.ok ? value : undefined]);
      return answers.length === 4 ? [[{ c: "end", ok: true }, "u"]] : [];
    });
    await inWorld(sandbox, {}, async (world) => {
      await world.until(await world.run(""), "complete");
      await world.rest();
    });
    assertEquals(answers, [[20, false, undefined], [21, false, undefined], [22, false, undefined], [23, true, SMALL]]);
  });

  it("without number are taken up to a bound, and the run's end ends them", async () => {
    let told = 0;
    const sandbox = scripted((delivery) => {
      if (delivery.d === "start") return [STEP];
      if (delivery.d === "body") return [DONE];
      if (delivery.d !== "settle") return [];
      if (delivery.id === 1) return Array.from({ length: 500 }, (_, n) => [{ c: "read", id: 100 + n, in: 0, of: 1, n: 0 }] as const);
      return ++told === 10 ? [[{ c: "end", ok: true }, "u"]] : [[{ c: "read", id: 1_000 + told, in: 0, of: 1, n: 0 }], [{ c: "read", id: 2_000 + told, in: 0, of: 1, n: 0 }]];
    });
    await inWorld(sandbox, { limits: { steps: 20 } }, async (world) => {
      await world.until(await world.run(""), "complete");
      await world.rest();
    });
    assertEquals(told, 10);
  });
});
