/** Two releases on one store (N and N + 1): the newer one writes what the older one reads, until it is told otherwise. */
import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { croner } from "../adapters/cron/croner.ts";
import { hostSandbox } from "../adapters/sandbox/trusted/host.ts";
import type { WorkflowClass } from "../adapters/sandbox/guest/runtime.ts";
import { memory } from "../adapters/storage/memory.ts";
import { FORMAT } from "../core/instance/records.ts";
import type { StorageAdapter } from "../core/ports/store.ts";
import { createFormats } from "../core/shard/format.ts";
import { createTenure as create } from "../core/tenure.ts";
import { type Tenure, TenureError, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { virtualClock, type VirtualClock } from "../testing/virtual_clock.ts";
import { wire } from "./semantics/_stores.ts";

const KEY = { tenant: "acme", workflow: "Order" };

class Order extends WorkflowEntrypoint<unknown, string> {
  async run(event: WorkflowEvent<string>, step: WorkflowStep): Promise<string> {
    const first = await step.do("first", () => Promise.resolve(event.payload));
    await step.sleep("a while", "1 hour");
    const { payload } = await step.waitForEvent<string>("go on", { type: "go", timeout: "30 days" });
    return `${first} ${payload}`;
  }
}

/** Releases of the library on one store. */
interface Releases {
  readonly clock: VirtualClock;
  /** Starts an engine of the release with this format. */
  start(format: number, options?: { readonly engine?: boolean }): Promise<Running>;
  /** The format of an instance's journal. */
  formatOf(id: string): Promise<number>;
}

interface Running {
  readonly tenure: Tenure;
  readonly orders: ReturnType<typeof ordersOf>;
  /** Ends it as SIGKILL does. */
  kill(): Promise<void>;
}

function ordersOf(tenure: Tenure) {
  return tenure.tenant(KEY.tenant).workflow<string, string>(KEY.workflow);
}

const N = FORMAT, NEXT = FORMAT + 1;

async function releases(body: (world: Releases) => Promise<void>): Promise<void> {
  const clock = virtualClock();
  const storage: StorageAdapter = memory({ now: clock.now });
  const started: Running[] = [];
  await body({
    clock,
    async start(format, { engine = true } = {}) {
      const process = clock.process();
      const line = wire(storage);
      const sandbox = (find: (version: string, name: string) => unknown) => hostSandbox((v, n) => find(v, n) as WorkflowClass | undefined);
      const tenure = await create({ storage: line.adapter, clock: process.clock, engine }, { hostSandbox: sandbox, cron: croner(), format });
      tenure.register(KEY.workflow, Order, { version: "1" });
      const running: Running = {
        tenure,
        orders: ordersOf(tenure),
        async kill() {
          process.stop();
          await line.cut();
        },
      };
      started.push(running);
      return running;
    },
    async formatOf(id) {
      const store = await storage.open();
      const image = await store.load(0, { ...KEY, id });
      return JSON.parse(image?.journal[0]?.split("\t")[0] ?? "{}").v;
    },
  });
  for (const { kill } of started) await kill();
}

async function newer(asked: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(asked, TenureError);
  assertEquals(error.code, "storage_newer", error.message);
}

describe("a release with a newer format", () => {
  it("writes what the release before it reads, so that this can have the store back", async () => {
    await releases(async ({ clock, start, formatOf }) => {
      const old = await start(N);
      await old.orders.create({ id: "a", params: "of N" });
      await clock.until(old.tenure.close());
      const next = await start(NEXT);
      await next.orders.create({ id: "b", params: "of N + 1" });
      await clock.advance("2 hours");
      await (await next.orders.get("a")).sendEvent({ type: "go", payload: "in N + 1" });
      assertEquals(await clock.until((await next.orders.get("a")).result()), "of N in N + 1");
      await next.kill();
      const back = await start(N);
      assertEquals([await formatOf("a"), await formatOf("b")], [N, N]);
      await (await back.orders.get("b")).sendEvent({ type: "go", payload: "in N" });
      assertEquals(await clock.until((await back.orders.get("b")).result()), "of N + 1 in N");
    });
  });

  it("shares the store with the release before it, whichever of them owns it", async () => {
    for (const [first, second] of [[N, NEXT], [NEXT, N]] as const) {
      await releases(async ({ clock, start, formatOf }) => {
        // the older one was there before, or the store would have begun in the newer format
        const before = await start(N);
        await before.orders.create({ id: "0" });
        await clock.until(before.tenure.close());
        const owner = await start(first), other = await start(second);
        await clock.until(other.orders.create({ id: "a", params: "asked" }));
        await owner.kill();
        await clock.advance("2 hours");
        await clock.until((await other.orders.get("a")).sendEvent({ type: "go", payload: "taken over" }));
        assertEquals(await clock.until((await other.orders.get("a")).result()), "asked taken over");
        assertEquals(await formatOf("a"), N);
      });
    }
  });

  it("cannot raise the format under an owner that does not know it", async () => {
    await releases(async ({ clock, start, formatOf }) => {
      const old = await start(N), next = await start(NEXT);
      await newer(() => clock.until(next.tenure.upgradeFormat()));
      const order = await clock.until(next.orders.create({ id: "a" }));
      assertEquals([(await order.status()).status, await formatOf("a")], ["waiting", N]);
      await old.kill();
    });
  });

  it("begins a new store in its own format", async () => {
    await releases(async ({ clock, start, formatOf }) => {
      const next = await start(NEXT);
      await clock.rest();
      await next.orders.create({ id: "a" });
      assertEquals(await formatOf("a"), NEXT);
      await newer(() => start(N));
    });
  });
});

describe("upgradeFormat()", () => {
  it("has new instances written in the new format, while those that began before keep theirs", async () => {
    await releases(async ({ clock, start, formatOf }) => {
      const old = await start(N);
      await old.orders.create({ id: "a", params: "before" });
      await clock.until(old.tenure.close());
      const next = await start(NEXT);
      await next.tenure.upgradeFormat();
      await next.orders.create({ id: "b", params: "after" });
      await next.kill();
      const again = await start(NEXT);
      await again.tenure.upgradeFormat();
      await again.orders.create({ id: "c" });
      assertEquals([await formatOf("a"), await formatOf("b"), await formatOf("c")], [N, NEXT, NEXT]);
      await clock.advance("2 hours");
      for (const id of ["a", "b"]) await (await again.orders.get(id)).sendEvent({ type: "go", payload: id });
      assertEquals(await clock.until((await again.orders.get("a")).result()), "before a");
      assertEquals(await clock.until((await again.orders.get("b")).result()), "after b");
      assertEquals((await (await again.orders.get("b")).history({ limit: 1 })).entries[0]?.type, "created");
    });
  });

  it("has an older release that is still alive refuse all work, and leave the store to who knows it", async () => {
    await releases(async ({ clock, start }) => {
      const old = await start(N);
      await old.orders.create({ id: "a", params: "of N" });
      const next = await start(NEXT), api = await start(N, { engine: false });
      await clock.until(old.tenure.close());
      await clock.advance("1 second");
      const still = await start(N);
      await next.tenure.upgradeFormat();
      for (const { orders } of [still, api]) {
        await newer(() => orders.create({ id: "b" }));
        const order = await orders.get("a");
        await newer(() => order.sendEvent({ type: "go" }));
        await newer(() => order.pause());
        // what it can read it shows
        assertEquals((await order.status()).status, "waiting");
      }
      await newer(() => start(N));
      await next.kill();
      await clock.advance("1 minute");
      const again = await start(NEXT);
      await clock.advance("2 hours");
      await (await again.orders.get("a")).sendEvent({ type: "go", payload: "in N + 1" });
      assertEquals(await clock.until((await again.orders.get("a")).result()), "of N in N + 1");
      await newer(() => still.orders.create());
      assertEquals((await again.orders.list()).instances.length, 1);
    });
  });

  it("asked of a process that only serves the API, is the owner's to do", async () => {
    await releases(async ({ clock, start, formatOf }) => {
      const first = await start(N);
      await first.orders.create({ id: "0" });
      await clock.until(first.tenure.close());
      const owner = await start(NEXT), api = await start(NEXT, { engine: false });
      await clock.until(api.tenure.upgradeFormat());
      await owner.orders.create({ id: "a" });
      assertEquals([await formatOf("0"), await formatOf("a")], [N, NEXT]);
    });
  });
});

describe("a shard that is acquired", () => {
  /** A store whose cell is read with these results, one after the other. */
  async function acquiring(reads: readonly (string | null | Error)[]) {
    const storage = memory(), store = await storage.open();
    const left = [...reads];
    const cell = async (): Promise<string | null> => {
      const next = left.shift() ?? null;
      if (next instanceof Error) throw next;
      return next;
    };
    return { storage, formats: createFormats({ ...store, cell }, N) };
  }

  it("while its owner raised the format, is given back as it was found", async () => {
    const { storage, formats } = await acquiring([String(N), String(NEXT)]);
    assertEquals(await formats.acquire(0, "old", 10_000), null);
    assertEquals(await (await storage.open()).acquire(0, "new", 10_000), { epoch: 2, lastBatch: "", clean: true });
  });

  it("from an owner that raised the format and died, is not given back: that death is still to be counted", async () => {
    const { storage, formats } = await acquiring([String(N), String(NEXT)]);
    const dead = await storage.open();
    await dead.acquire(0, "dead", 10_000);
    await dead.close();
    assertEquals(await formats.acquire(0, "old", -1), null);
    assertEquals((await (await storage.open()).acquire(0, "new", 10_000))?.clean, false);
  });

  it("is acquired once, when its format can be read only later", async () => {
    const { formats } = await acquiring([null, new Error("disk I/O error"), null]);
    await assertRejects(() => formats.acquire(0, "old", 10_000), Error, "disk I/O error");
    assertEquals(await formats.acquire(0, "old", 10_000), { epoch: 1, lastBatch: "", clean: true });
  });
});
