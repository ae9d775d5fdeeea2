import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { simulatorParts as parts } from "../testing/adapters.ts";
import { simulate } from "../testing/simulator/schedule.ts";

describe("simulate()", () => {
  for (let from = 1; from <= 100; from += 25) {
    it(`finds nothing in schedules ${from} to ${from + 24}`, async () => {
      for (let seed = from; seed < from + 25; seed++) assertEquals((await simulate(parts, { seed })).failure, undefined);
    });
  }

  it("finds nothing in what it once found something in", async () => {
    for (const seed of [179, 189, 668, 2219, 3138, 9127]) assertEquals((await simulate(parts, { seed })).failure, undefined);
  });

  it("runs schedules of two instances or more, six steps each, and at least three faults", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { stats } = await simulate(parts, { seed });
      assertEquals([stats.instances >= 2, stats.commits > 0, stats.turns > 10], [true, true, true]);
    }
  });

  it("makes the same run of the same seed", async () => {
    const [one, again, other] = [await simulate(parts, { seed: 7 }), await simulate(parts, { seed: 7 }), await simulate(parts, { seed: 8 })];
    assertEquals(one.hash, again.hash);
    assertEquals(one.hash === other.hash, false);
  });
});
