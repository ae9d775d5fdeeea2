/** Each call that engines make of their store goes wrong once, in every way, and nobody but the platform notices. */
import process from "node:process";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { memory } from "../adapters/storage/memory.ts";
import { sqlite } from "../adapters/storage/sqlite.ts";
import type { StorageAdapter } from "../core/ports/store.ts";
import { type Fault, type Trouble, troubleOf, WAYS, WRITES } from "./_faults/fault.ts";
import { startFleet } from "./_faults/fleet.ts";
import { type Outcomes, play } from "./_faults/scenario.ts";

const sandbox = quickjs();

/** How it ends, whatever happens. */
const OUTCOMES: Outcomes = {
  "bolt/Short/s": { status: "complete", output: 11 },
  "acme/Short/next": { status: "complete", output: 4 },
  "acme/Slow/cut": { status: "complete", output: "slow" },
  "acme/Fails/f": { status: "errored", output: null, error: { name: "RangeError", message: "of its own" } },
  "acme/Steps/s": { status: "complete", output: { first: 2, retried: "in the end", all: ["x", "y"], race: "fast" } },
  "acme/Waits/w": { status: "complete", output: { payload: 1, late: "Error" } },
  "acme/Waits/p": { status: "complete", output: { payload: 2, late: "Error" } },
  "bolt/Waits/w": { status: "terminated", output: null },
};

/** How often each body is begun. */
const BODIES: ReadonlyMap<string, number> = new Map([
  ["acme/Steps/s first", 1],
  ["acme/Steps/s retried", 2],
  ["acme/Steps/s x", 1],
  ["acme/Steps/s y", 1],
  ["acme/Steps/s fast", 1],
  ["acme/Fails/f fails", 2],
  ["bolt/Short/s only", 2],
  ["acme/Short/next only", 1],
  // its process is killed in it
  ["acme/Slow/cut slow", 2],
]);

/** Deaths in every play. */
const DEATHS = 1;
/** Who was not told that it was restarted asks again, and it is restarted twice. */
const RESTARTED = "bolt/Short/s only";

/** Plays the scenario with one fault, and checks all that has to hold at its end. */
async function playWith(fault: Fault | undefined, storage: StorageAdapter = memory({ now: () => 0 })): Promise<Trouble> {
  const trouble = troubleOf(fault);
  const fleet = await startFleet(sandbox, storage, trouble);
  try {
    assertEquals(await fleet.clock.until(play(fleet)), OUTCOMES);
    const broken = fleet.broken();
    assertEquals(broken, undefined, `${broken?.rule}: ${broken?.what}`);
    assertEquals(await fleet.leftovers(), []);
    for (const [body, times] of BODIES) {
      const more = (fleet.bodies.get(body) ?? 0) - times;
      const most = Math.max(fleet.deaths() - DEATHS, body === RESTARTED ? 1 : 0);
      assert(more <= most, `${body}: begun ${more} times more often`);
    }
    // what only the storage has to say makes nobody start again
    if (fleet.deaths() === DEATHS) assertEquals(fleet.interruptions(), 1);
    assertEquals([...fleet.bodies.keys()].filter((body) => !BODIES.has(body)), []);
  } catch (cause) {
    const where = fault === undefined ? "without a fault" : `call ${fault.n} of ${fault.method} ${fault.way}`;
    throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  } finally {
    fleet.end();
  }
  return trouble;
}

/** What the port has: a method that is new there is to be reached by the scenario. */
async function methodsOfThePort(): Promise<string[]> {
  const store = await memory().open();
  const methods = Object.entries(store).filter(([, value]) => typeof value === "function").map(([name]) => name);
  return [...methods, ...Object.keys(store.blobs).map((name) => `blobs.${name}`)];
}

/** Methods of which a call that fails is nothing: hints may be missing, and nothing deletes code yet. */
const WITHOUT = ["listen", "blobs.delete"];

/** Nothing of it depends on the runtime: one does all, and the others a part each time. */
const PART = "Deno" in globalThis || "Bun" in globalThis || !process.version.startsWith("v24.") ? 4 : 1;

const methods = (await methodsOfThePort()).filter((method) => !WITHOUT.includes(method));

describe("an engine and a process that serves its API", () => {
  it("call every method of the store in the scenario", async () => {
    const { calls } = await playWith(undefined);
    assertEquals([...calls.keys()].sort(), methods.sort());
    // an hour passes: what engines look for without finding anything is no event, or each test of each user takes as long
    assert((calls.get("survey") ?? 0) < 100, `${calls.get("survey")} surveys`);
  });

  for (const method of methods) {
    for (const way of WAYS) {
      // of a read nobody knows whether it was applied
      if (!WRITES.has(method) && way.includes("applied")) continue;
      // a process that dies of a read dies between two writes: there are three times as many of these as of those
      const step = (WRITES.has(method) || way === "fails" ? 1 : 3) * PART;
      it(`come to the same end when a call of ${method} ${way}`, async () => {
        let n = 1;
        while ((await playWith({ method, n, way })).reached()) n += step;
        assert(n > 1, "no call was reached");
      });
    }
  }

  for (const way of WAYS) {
    it(`come to the same end on SQLite when a commit ${way}`, async () => {
      let n = 1;
      while ((await playWith({ method: "commit", n, way }, sqlite({ path: ":memory:" }))).reached()) n += 6 * PART;
      assert(n > 1, "no call was reached");
    });
  }
});
