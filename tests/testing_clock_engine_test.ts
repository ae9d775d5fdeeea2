import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { memory } from "../adapters/storage/memory.ts";
import type { StorageAdapter, Store } from "../core/ports/store.ts";
import { createTenure, type Tenure, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { virtualClock, type VirtualClock } from "../testing/mod.ts";

const HOUR = 3_600_000;

/** Notes when each of its steps runs. */
class Hourly extends WorkflowEntrypoint<{ NOTE: { now(): void } }, { hours: number }> {
  async run({ payload }: WorkflowEvent<{ hours: number }>, step: WorkflowStep) {
    for (let hour = 1; hour <= payload.hours; hour++) {
      await step.sleep("an hour", "1 hour");
      await step.do("note", async () => this.env.NOTE.now());
    }
    return payload.hours;
  }
}

const SOURCE = `
  import { WorkflowEntrypoint } from "cloudflare:workers";
  export class Hourly extends WorkflowEntrypoint {
    async run({ payload }, step) {
      for (let hour = 1; hour <= payload.hours; hour++) {
        await step.sleep("an hour", "1 hour");
        await step.do("note", () => this.env.NOTE.now());
      }
    }
  }
`;

/** A storage of which every call goes through real I/O first. */
function remote(storage: StorageAdapter): StorageAdapter {
  const far = <T extends object>(of: T): T =>
    new Proxy({} as T, {
      get(_, name) {
        const value: unknown = Reflect.get(of, name);
        if (name === "blobs") return far(value as object);
        if (typeof value !== "function" || name === "listen") return value;
        return async (...args: unknown[]) => {
          await readFile(new URL(import.meta.url));
          return await Reflect.apply(value, of, args);
        };
      },
    });
  return { name: "remote", open: async () => far<Store>(await storage.open()) };
}

/** When steps ran, in hours since the clock's beginning. */
function notes(clock: VirtualClock) {
  const start = clock.now();
  const hours: number[] = [];
  const env = () => ({ NOTE: { now: () => void hours.push((clock.now() - start) / HOUR) } });
  return { hours, env };
}

async function startHourly(tenure: Tenure, hours: number) {
  tenure.register("Hourly", Hourly, { version: "1" });
  return await tenure.tenant("acme").workflow(Hourly).create({ id: "a", params: { hours } });
}

describe("an engine on a virtual clock", () => {
  it("does each thing at its time, however far one move goes", async () => {
    const clock = virtualClock();
    const { hours, env } = notes(clock);
    const tenure = await createTenure({ storage: memory(), clock, env, limits: { retention: Infinity } });
    const hourly = await startHourly(tenure, 10);
    await clock.advance("5.5 hours");
    assertEquals(hours, [1, 2, 3, 4, 5]);
    await clock.advance("1 year");
    assertEquals(hours, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assertEquals(await hourly.result(), 10);
    await tenure.close();
  });

  it("looks at its store a few times a month, and not every second of it", async () => {
    const clock = virtualClock();
    let looks = 0;
    const inner = memory();
    const open = async (): Promise<Store> => {
      const store = await inner.open();
      return {
        ...store,
        inbox(...args) {
          looks++;
          return store.inbox(...args);
        },
        renew(...args) {
          looks++;
          return store.renew(...args);
        },
      };
    };
    const tenure = await createTenure({ storage: { name: "counted", open }, clock });
    await clock.advance("1 month");
    assert(looks > 0 && looks < 20, `${looks} looks`);
    await tenure.close();
  });

  it("has the timers of a body run each at its time, as short and regular as they are", async () => {
    const clock = virtualClock();
    const start = clock.now();
    const ticks: number[] = [];
    const tenure = await createTenure({
      storage: memory(),
      sandbox: quickjs(),
      clock,
      env: () => ({ NOTE: { tick: () => void ticks.push(clock.now() - start) } }),
    });
    await tenure.tenant("acme").deploy(`
      import { WorkflowEntrypoint } from "cloudflare:workers";
      export class Ticks extends WorkflowEntrypoint {
        async run(event, step) {
          await step.do("tick", async () => {
            for (let n = 0; n < 8; n++) {
              await new Promise((done) => setTimeout(done, 50));
              await this.env.NOTE.tick();
            }
          });
        }
      }
    `);
    await tenure.tenant("acme").workflow("Ticks").create();
    await clock.advance("1 minute");
    assertEquals(ticks, [50, 100, 150, 200, 250, 300, 350, 400]);
    await tenure.close();
  });

  for (const [name, storage] of [["memory()", memory], ["a storage over real I/O", () => remote(memory())]] as const) {
    it(`is watched at rest, also when it reads its code anew after a restart, on ${name}`, async () => {
      const clock = virtualClock();
      const { hours, env } = notes(clock);
      const place = storage();
      const options = () => clock.watch({ storage: place, sandbox: quickjs(), env });
      let tenure = await createTenure(options());
      await tenure.tenant("acme").deploy(SOURCE);
      await tenure.tenant("acme").workflow("Hourly").create({ id: "a", params: { hours: 4 } });
      await clock.advance("2 hours");
      await clock.until(tenure.close());
      tenure = await createTenure(options());
      await clock.advance("3 hours");
      assertEquals(hours, [1, 2, 3, 4]);
      assertEquals((await (await tenure.tenant("acme").workflow("Hourly").get("a")).status()).status, "complete");
      await clock.until(tenure.close());
    });
  }

  it("can be killed, and another goes on", async () => {
    const clock = virtualClock();
    const { hours, env } = notes(clock);
    const place = memory();
    const [first, second] = [clock.process(), clock.process()];
    let cut = (): Promise<void> => Promise.resolve();
    const open = async (): Promise<Store> => {
      const store = await place.open();
      cut = () => store.close();
      return store;
    };
    await startHourly(await createTenure({ storage: { name: "cut", open }, clock: first.clock, env }), 4);
    const other = await createTenure({ storage: place, clock: second.clock, env });
    other.register("Hourly", Hourly, { version: "1" });
    await clock.advance("90 minutes");
    first.stop();
    await cut();
    await clock.advance("1 day");
    assertEquals(hours, [1, 2, 3, 4]);
    await other.close();
  });

  it("closes although a body hangs: time goes on while it does", async () => {
    class Hanging extends WorkflowEntrypoint {
      async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
        await step.do("hang", () => new Promise<void>(() => {}));
      }
    }
    const clock = virtualClock();
    const tenure = await createTenure({ storage: memory(), clock });
    tenure.register("Hanging", Hanging, { version: "1" });
    await tenure.tenant("acme").workflow(Hanging).create();
    await clock.rest();
    assertEquals(await clock.until(tenure.close({ timeout: 1_000 })), { released: 1 });
  });

  it("takes a binding that hangs for one that is not waited for", async () => {
    class Asking extends WorkflowEntrypoint<{ NOBODY: { answer(): Promise<string> } }> {
      async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
        return await step.do("ask", { timeout: "1 minute", retries: { limit: 0, delay: 0 } }, () => this.env.NOBODY.answer());
      }
    }
    const clock = virtualClock({ patience: 5 });
    const env = () => ({ NOBODY: { answer: () => new Promise<string>(() => {}) } });
    const tenure = await createTenure(clock.watch({ storage: memory(), env }));
    tenure.register("Asking", Asking, { version: "1" });
    const asking = await tenure.tenant("acme").workflow(Asking).create();
    await clock.advance("1 minute");
    await assertRejects(() => asking.result(), Error, "timed out after 60000ms");
    await tenure.close();
  });
});

describe("a virtual clock that is moved", () => {
  it("by two at once is at the end where the farther wanted it", async () => {
    const clock = virtualClock({ start: 0 });
    const seen: number[] = [];
    for (const ms of [10, 20, 30]) clock.setTimer(ms, () => void seen.push(clock.now()));
    await Promise.all([clock.advance(15), clock.advance(30)]);
    assertEquals([clock.now(), seen], [30, [10, 20, 30]]);
  });

  it("by what is no duration stays where it is", async () => {
    const clock = virtualClock({ start: 0 });
    await assertRejects(() => clock.advance("soon" as never), TypeError, 'Cannot read the duration "soon"');
    await assertRejects(() => clock.leap(-1), TypeError);
    assertEquals(clock.now(), 0);
  });
});
