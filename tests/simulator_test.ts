import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { frame } from "../core/frame.ts";
import type { Record } from "../core/instance/records.ts";
import { simulatorParts as parts } from "../testing/adapters.ts";
import { createTimers } from "../testing/simulator/body_timers.ts";
import { type LifeModel, lifeOf } from "../testing/simulator/life_model.ts";
import { planOf } from "../testing/simulator/plan.ts";
import { programOf } from "../testing/simulator/program.ts";
import { keptOf } from "../testing/simulator/restarts.ts";
import { simulate } from "../testing/simulator/schedule.ts";
import { createWorld } from "../testing/simulator/world.ts";

describe("simulate()", () => {
  for (let from = 1; from <= 75; from += 25) {
    it(`finds nothing in schedules ${from} to ${from + 24}`, async () => {
      for (let seed = from; seed < from + 25; seed++) assertEquals((await simulate(parts, { seed })).failure, undefined);
    });
  }

  it("runs schedules of two instances or more and at least three faults, or none at all", async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { stats } = await simulate(parts, { seed });
      const { calm } = planOf(createWorld(seed, false));
      const faults = calm ? stats.faults === 0 : stats.faults >= 3;
      assertEquals([stats.instances >= 2, stats.commits > 0, faults], [true, true, true], `seed ${seed}`);
    }
  });

  it("runs programs of six steps or more", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const { nodes } = programOf(createWorld(seed, false).stream(10), "a");
      const steps = [...nodes.values()].filter(({ k }) => ["do", "sleep", "until", "wait", "call"].includes(k));
      assertEquals(steps.length >= 6, true, `seed ${seed}`);
    }
  });

  it("takes for the end of a body only what says how it ended", () => {
    for (const [end, failure] of [[{ ok: "yes" }, undefined], [{}, undefined], [{ ok: true }, "I5"]] as const) {
      const world = createWorld(1, false);
      const plan = planOf(world);
      const timers = createTimers({ world, plan: { ...plan, calm: false, rates: { ...plan.rates, timers: 1 } }, chance: { ...world.stream(1), pick: () => 10 as never } });
      timers.set({ d: "body", id: 1, attempt: 1 });
      timers.ended([frame({ c: "done", id: 1, attempt: 1, ...end })]);
      world.pass(10);
      timers.fired({ d: "settle", id: 800_001, ok: true });
      assertEquals(world.failure()?.rule, failure);
    }
  });

  it("knows that a restart at a step whose record was not committed keeps all that was", () => {
    const created: Record = { head: { k: "created", v: 1, t: 1, life: 1, version: "v", seed: "s", rng: 1 }, value: "u" };
    const issued = (name: string, op: number): Record => ({ head: { k: "scheduled", t: 1, op, kind: "do", name } });
    const before = lifeOf(created, "P") as LifeModel;
    before.apply(issued("a", 0), "P");
    const place = { kind: "do", count: 1 } as const;
    const kept = (records: readonly Record[], name: string): number => keptOf(before, records, [{ ...place, name }]);
    assertEquals([kept([created, issued("a", 0)], "b"), kept([created], "a"), kept([created], "b")], [2, 1, 0]);
  });

  it("tells a restart at a first step, which is issued anew in the same millisecond, from one behind it by what is cut off", () => {
    const created: Record = { head: { k: "created", v: 1, t: 1, life: 1, version: "v", seed: "s", rng: 1 }, value: "u" };
    const begun: Record = { head: { k: "scheduled", t: 1, op: 0, kind: "do", name: "a", start: 1 } };
    const cut: Record = { head: { k: "interrupted", t: 1, why: "restart" } };
    const before = lifeOf(created, "P") as LifeModel;
    before.apply(begun, "P");
    const asked = ["a", "b"].map((name) => ({ kind: "do", name, count: 1 }) as const);
    assertEquals([keptOf(before, [created, begun], asked), keptOf(before, [created, begun, cut], asked)], [1, 2]);
  });

  it("makes the same run of ticks as of tasks of the host", async () => {
    for (let seed = 100; seed < 110; seed++) {
      const [ticks, tasks] = [await simulate(parts, { seed, hosted: false }), await simulate(parts, { seed, hosted: true })];
      assertEquals(ticks.hash, tasks.hash, `seed ${seed}`);
    }
  });

  it("makes the same run of the same seed", async () => {
    const [one, again, other] = [await simulate(parts, { seed: 7 }), await simulate(parts, { seed: 7 }), await simulate(parts, { seed: 8 })];
    assertEquals(one.hash, again.hash);
    assertEquals(one.hash === other.hash, false);
  });
});
