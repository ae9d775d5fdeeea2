import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { createTenure, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { virtualClock } from "../testing/mod.ts";

describe("a virtual clock", () => {
  it("runs timers at their times, and those of one moment in the order in which they were set", async () => {
    const clock = virtualClock({ start: 0 });
    const seen: string[] = [];
    const note = (what: string) => () => void seen.push(`${what} ${clock.now()}`);
    clock.setTimer(20, note("c"));
    clock.setTimer(10, note("a"));
    clock.setTimer(10, note("b"));
    clock.setTimer(15, note("cancelled"))();
    await clock.advance(15);
    assertEquals(seen, ["a 10", "b 10"]);
    assertEquals(clock.now(), 15);
    await clock.advance(5);
    assertEquals(seen, ["a 10", "b 10", "c 20"]);
  });

  it("runs within a move what is set while it goes on, and not what is due later", async () => {
    const clock = virtualClock({ start: 0 });
    const seen: number[] = [];
    clock.setTimer(10, () => void clock.setTimer(10, () => void seen.push(clock.now())));
    await clock.advance(19);
    assertEquals(seen, []);
    await clock.advance(1);
    assertEquals(seen, [20]);
  });

  it("moves to what happens next, and says when nothing will", async () => {
    const clock = virtualClock();
    clock.setTimer(7_000, () => {});
    assertEquals(await clock.advanceToNext(), 7_000);
    assertEquals(await clock.advanceToNext(), undefined);
  });

  it("leaps: what became due meanwhile runs at the end of it", async () => {
    const clock = virtualClock({ start: 0 });
    const seen: number[] = [];
    clock.setTimer(10, () => void seen.push(clock.now()));
    await clock.leap(1_000);
    assertEquals(seen, [1_000]);
  });

  it("moves until a promise is settled, and refuses to wait for what will not come", async () => {
    const clock = virtualClock({ start: 0, patience: 5 });
    const late = new Promise<string>((done) => void clock.setTimer(60_000, () => done("here")));
    assertEquals(await clock.until(late), "here");
    assertEquals(clock.now(), 60_000);
    await assertRejects(() => clock.until(new Promise(() => {})), Error, "nothing is left that could happen");
  });

  it("lets no time pass while real work is held", async () => {
    const clock = virtualClock({ start: 0 });
    let end = (): void => {};
    const work = clock.hold(new Promise<void>((done) => end = done));
    const seen: string[] = [];
    clock.setTimer(10, () => void seen.push("timer"));
    const moved = clock.advance(10);
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((done) => void setImmediate(done));
    seen.push("work");
    end();
    await Promise.all([work, moved]);
    assertEquals(seen, ["work", "timer"]);
  });

  it("stops for one process, and goes on for the others", async () => {
    const clock = virtualClock();
    const [dead, living] = [clock.process(), clock.process()];
    const seen: string[] = [];
    dead.clock.setTimer(10, () => void seen.push("dead"));
    living.clock.setTimer(10, () => void seen.push("living"));
    dead.stop();
    await clock.advance(10);
    assertEquals(seen, ["living"]);
  });

  it("draws the same ids from the same seed", () => {
    const ids = (seed: number): string[] => {
      const clock = virtualClock({ seed });
      return [clock.uuid(), clock.uuid()];
    };
    assertEquals(ids(3), ids(3));
    assertEquals(new Set([...ids(3), ...ids(4)]).size, 4);
  });

  it("rests only when an engine has done what was due, bindings that take real time included", async () => {
    class Daily extends WorkflowEntrypoint<{ WORK: { slow(day: number): Promise<number> } }> {
      async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
        const days: number[] = [];
        for (let day = 1; day <= 3; day++) {
          await step.sleep("a day", "1 day");
          days.push(await step.do("work", () => this.env.WORK.slow(day)));
        }
        return days;
      }
    }
    const done: number[] = [];
    const slow = async (day: number): Promise<number> => {
      for (let turn = 0; turn < 20; turn++) await new Promise<void>((go) => void setImmediate(go));
      done.push(day);
      return day;
    };
    const clock = virtualClock();
    const tenure = await createTenure(clock.watch({ storage: memory(), env: () => ({ WORK: { slow } }) }));
    tenure.register("Daily", Daily, { version: "1" });
    const daily = await tenure.tenant("acme").workflow(Daily).create();
    for (const expected of [[1], [1, 2], [1, 2, 3]]) {
      await clock.advance("1 day");
      assertEquals(done, expected);
    }
    assertEquals(await daily.result(), [1, 2, 3]);
    await tenure.close();
  });
});
