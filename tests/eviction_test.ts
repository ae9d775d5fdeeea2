/** A sandbox takes a guest back (its memory is needed, its process goes away): the run goes on in another one. */
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { parseFrame } from "../core/frame.ts";
import type { Delivery, SandboxAdapter } from "../core/ports/guest.ts";
import { inWorld } from "./semantics/_world.ts";

const inner = quickjs();

/** A sandbox that takes guests back in place of the n-th delivery of this kind: of a body, or of a settlement to the run. */
function evicting(kind: "body" | "settle", ...times: number[]): SandboxAdapter {
  let seen = 0;
  return {
    name: inner.name,
    caps: inner.caps,
    prepare: (...args) => inner.prepare(...args),
    close: () => Promise.resolve(),
    async open(init, signal) {
      const guest = await inner.open(init, signal);
      return {
        turn(frame, time) {
          const delivery = parseFrame(frame)?.header as Delivery;
          if (delivery.d !== kind || (kind === "settle" && time === null) || !times.includes(++seen)) return guest.turn(frame, time);
          return { out: [], state: "dead", fuel: 0, incarnation: 0, death: { code: "evicted", message: "its memory is needed" } };
        },
        drop: () => guest.drop(),
      };
    },
  };
}

describe("a guest that its sandbox takes back", () => {
  it("while no body runs, leaves no trace", async () => {
    await inWorld(evicting("settle", 1, 2, 4), {}, async ({ run, notes }) => {
      const order = await run(`
        const a = await step.do("a", async () => { await T.note("a"); return 1; });
        const b = await step.do("b", async () => { await T.note("b"); return 2; });
        return a + b;
      `);
      assertEquals(await order.result(), 3);
      assertEquals(notes, ["a", "b"]);
      assertEquals((await order.history()).entries.map(({ type }) => type), ["created", "scheduled", "settled", "scheduled", "settled", "completed"]);
    });
  });

  it("takes its bodies along: they run again as another attempt, which is neither a retry nor a crash", async () => {
    const limits = { crashes: 1 };
    await inWorld(evicting("body", 1, 2, 3, 4, 5), { limits }, async ({ run }) => {
      const order = await run(`return await step.do("a", { retries: { limit: 0, delay: 0 } }, async ({ attempt }) => attempt)`);
      assertEquals(await order.result(), 6);
      const cut = (await order.history()).entries.filter(({ type }) => type === "interrupted");
      assertEquals(cut.map(({ reason }) => reason), Array(5).fill("guest"));
    });
  });
});
