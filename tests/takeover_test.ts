/** An engine that is closed while it takes over from one that died: what died there is still to be counted. */
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { memory } from "../adapters/storage/memory.ts";
import type { Store } from "../core/ports/store.ts";
import { createTenure } from "../mod.ts";
import { testClock } from "./semantics/_clock.ts";

const LEASE = 15_000;

/** A shard whose owner has died, and an engine whose call `slow` is answered when `gate` opens. */
async function afterDeath(slow: "acquire" | "due", act: (parts: {
  close(): Promise<unknown>;
  open(): void;
  begun: Promise<void>;
  pass(ms: number): Promise<void>;
  again: Store;
}) => Promise<void>): Promise<void> {
  const clock = testClock();
  const data = memory({ now: () => clock.now() });
  const again = await data.open();
  await again.acquire(0, "one that dies", LEASE);
  let begin = (): void => {}, open = (): void => {};
  const begun = new Promise<void>((done) => begin = done), gate = new Promise<void>((done) => open = done);
  async function held<T>(answer: Promise<T>): Promise<T> {
    const given = await answer;
    // who is refused asks again
    if (given === null) return given;
    begin();
    await gate;
    return given;
  }
  const storage = {
    name: "slow",
    async open(): Promise<Store> {
      // others of its process go on using the connection
      const store: Store = { ...await data.open(), close: () => Promise.resolve() };
      return slow === "acquire"
        ? { ...store, acquire: (...args) => held(store.acquire(...args)) }
        : { ...store, due: (...args) => held(store.due(...args)) };
    },
  };
  const tenure = await createTenure({ storage, clock: clock.process().clock });
  const pass = async (ms: number): Promise<void> => {
    for (const step of [ms, 0, 0, 0]) {
      clock.jump(step);
      await new Promise((done) => void setTimeout(done, 0));
    }
  };
  await act({ close: () => tenure.close({ timeout: 0 }), open, begun, pass, again });
}

describe("an engine that takes over from one that died", () => {
  it("does not hide that when it is closed before it hears that it owns the shard", () =>
    afterDeath("acquire", async ({ close, open, begun, pass, again }) => {
      await pass(LEASE + 1_000);
      await begun;
      await close();
      open();
      await pass(LEASE * 2);
      assertEquals((await again.acquire(0, "the next", LEASE))?.clean, false);
    }));

  it("does not hide that when it is closed before it has found what was cut off", () =>
    afterDeath("due", async ({ close, open, begun, pass, again }) => {
      await pass(LEASE + 1_000);
      await begun;
      const closed = close();
      open();
      await pass(LEASE * 2);
      await closed;
      assertEquals((await again.acquire(0, "the next", LEASE))?.clean, false);
    }));
});
