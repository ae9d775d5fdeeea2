/** Several engines on one store of many shards: who owns what, and that it makes no difference to anybody who asks. */
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { shardOf } from "../core/ids.ts";
import { memory } from "../adapters/storage/memory.ts";
import type { StorageAdapter, Store } from "../core/ports/store.ts";
import { shareOf } from "../core/shard/shares.ts";
import { createTenure, type Tenure, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { type VirtualClock, virtualClock } from "../testing/virtual_clock.ts";

const SHARDS = 16;
const gates = new Map<string, () => void>();
let bodies: string[] = [];

class Order extends WorkflowEntrypoint<unknown, unknown> {
  async run({ payload, instanceId }: WorkflowEvent<{ gate?: string; child?: string; sleep?: number }>, step: WorkflowStep): Promise<string> {
    await step.do("first", async () => {
      bodies.push(`${instanceId} first`);
      if (payload.gate !== undefined) await new Promise<void>((open) => gates.set(payload.gate as string, open));
    });
    if (payload.child !== undefined) return await step.invoke!<string>("child", { workflow: "Order", id: payload.child, params: { sleep: 5_000 } });
    if (payload.sleep !== undefined) await step.sleep("a while", payload.sleep);
    await step.do("second", () => Promise.resolve(void bodies.push(`${instanceId} second`)));
    return `${instanceId} is done`;
  }
}

/** Engines on one store, and a look at who owns what. */
interface Company {
  readonly clock: VirtualClock;
  join(options?: { readonly engine?: boolean; readonly limits?: object }): Promise<Tenure>;
  /** Ends it as a crash does. */
  kill(tenure: Tenure): void;
  /** How many shards each living engine owns, the most first, and how many nobody does. */
  owned(): Promise<{ readonly shares: readonly number[]; readonly free: number }>;
  /** Owners by shard. */
  owners(): readonly (string | undefined)[];
}

async function inCompany(body: (company: Company) => Promise<void>): Promise<void> {
  const clock = virtualClock();
  const data = memory({ shards: SHARDS, now: () => clock.now() });
  const owners: (string | undefined)[] = [];
  const alive = new Map<Tenure, () => void>();
  bodies = [];
  gates.clear();
  const observer = await data.open();
  const watched = (dead: () => boolean): StorageAdapter => ({
    name: "watched",
    async open() {
      const store = await data.open();
      return new Proxy(store, {
        get(of, name) {
          const value = Reflect.get(of, name) as unknown;
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => {
            if (name !== "listen" && dead()) return new Promise(() => {});
            const answer = Reflect.apply(value, of, args) as unknown;
            if (name === "acquire") void (answer as ReturnType<Store["acquire"]>).then((lease) => lease && (owners[args[0] as number] = args[1] as string));
            return answer;
          };
        },
      });
    },
  });
  await body({
    clock,
    async join(options = {}) {
      let dead = false;
      const process = clock.process();
      const tenure = await createTenure({ storage: watched(() => dead), clock: process.clock, ...options });
      tenure.register("Order", Order, { version: "1" });
      alive.set(tenure, () => {
        dead = true;
        process.stop();
      });
      return tenure;
    },
    kill(tenure) {
      alive.get(tenure)?.();
      alive.delete(tenure);
    },
    async owned() {
      const { members, free } = await (observer.survey as NonNullable<Store["survey"]>)("observer", 0);
      return { shares: members.map(({ shards }) => shards).sort((a, b) => b - a), free: free.length };
    },
    owners: () => [...owners],
  });
  for (const tenure of alive.keys()) await tenure.close({ timeout: 0 });
  await observer.close();
}

/** Lets so many seconds pass in small moves: a clock that is moved far passes over the rounds in which engines renew leases and look at each other. */
async function pass(clock: VirtualClock, seconds: number): Promise<void> {
  for (let n = 0; n < seconds * 4; n++) await clock.advance(250);
}

/** A tenant of a shard. */
function tenantIn(shard: number): string {
  for (let n = 0;; n++) if (shardOf(`tenant-${n}`, SHARDS) === shard) return `tenant-${n}`;
}
const orders = (tenure: Tenure, shard = 0) => tenure.tenant(tenantIn(shard)).workflow<{ gate?: string; child?: string; sleep?: number }, string>("Order");

describe("shareOf()", () => {
  const of = (counts: Record<string, number>, free: number[], shards = 16) => {
    const members = Object.entries(counts).map(([owner, n]) => ({ owner, shards: n }));
    return Object.fromEntries(members.map(({ owner }) => [owner, shareOf(owner, { members, free }, shards)]));
  };

  it("gives whoever is alone everything", () => {
    assertEquals(of({ a: 0 }, [0, 1, 2], 3), { a: { take: [0, 1, 2], fair: 3 } });
  });

  it("gives shares that differ by one at most, the larger ones to who has the most", () => {
    assertEquals(of({ a: 5, b: 6, c: 5 }, []), { a: { take: [], fair: 5 }, b: { take: [], fair: 6 }, c: { take: [], fair: 5 } });
    assertEquals(of({ a: 0, b: 16 }, []), { a: { take: [], fair: 8 }, b: { take: [], fair: 8 } });
  });

  it("gives each free shard to exactly one", () => {
    const free = [1, 4, 9, 10, 12];
    const shares = of({ a: 6, b: 5, c: 0 }, free);
    assertEquals(Object.values(shares).flatMap(({ take }) => take).sort((a, b) => a - b), free);
    assertEquals(Object.values(shares).map(({ fair }) => fair), [6, 5, 5]);
  });

  it("says nothing to who is not there", () => {
    assertEquals(shareOf("x", { members: [{ owner: "a", shards: 1 }], free: [0] }, 2), { take: [], fair: 0 });
  });
});

describe("engines on one store", () => {
  it("share its shards out when one joins, and move no more than they have to", () =>
    inCompany(async ({ join, clock, owned, owners }) => {
      await join();
      assertEquals(await owned(), { shares: [16], free: 0 });
      await join();
      await pass(clock, 5);
      assertEquals(await owned(), { shares: [8, 8], free: 0 });
      const before = owners();
      await join();
      await pass(clock, 5);
      assertEquals(await owned(), { shares: [6, 5, 5], free: 0 });
      const moved = owners().filter((owner, shard) => owner !== before[shard]);
      assertEquals([moved.length, new Set(moved).size], [5, 1]);
      const settled = owners();
      await pass(clock, 10);
      assertEquals(owners(), settled);
    }));

  it("start together and share at once", () =>
    inCompany(async ({ join, clock, owned }) => {
      await Promise.all([join(), join(), join(), join()]);
      await pass(clock, 5);
      assertEquals(await owned(), { shares: [4, 4, 4, 4], free: 0 });
    }));

  it("take over what one leaves that is closed, and only that", () =>
    inCompany(async ({ join, clock, owned, owners }) => {
      const [first] = [await join(), await join(), await join()];
      await pass(clock, 5);
      const before = owners();
      await orders(first).create({ id: "a", params: { sleep: 5_000 } });
      await first.close();
      await pass(clock, 1);
      assertEquals(await owned(), { shares: [8, 8], free: 0 });
      const moved = owners().filter((owner, shard) => owner !== before[shard]).length;
      assert(moved >= 5 && moved <= 6, `${moved} shards moved`);
    }));

  it("take over what one had that died, when its lease has run out, and go on with what it ran", () =>
    inCompany(async ({ join, kill, clock, owned }) => {
      const [first, second] = [await join(), await join()];
      await pass(clock, 5);
      for (let shard = 0; shard < SHARDS; shard++) await orders(second, shard).create({ id: "a", params: { sleep: 20_000 } });
      await pass(clock, 1);
      kill(first);
      await pass(clock, 8);
      assertEquals(await owned(), { shares: [16], free: 0 });
      await pass(clock, 20);
      for (let shard = 0; shard < SHARDS; shard++) assertEquals((await (await orders(second, shard).get("a")).status()).status, "complete");
      assertEquals([bodies.length, new Set(bodies.filter((body) => body.endsWith("second"))).size], [SHARDS * 2, 1]);
    }));

  it("wait for a body to end before its shard moves, and do not run it again", () =>
    inCompany(async ({ join, clock, owned }) => {
      const first = await join();
      const all = await Promise.all(Array.from({ length: SHARDS }, (_, shard) => orders(first, shard).create({ id: `o${shard}`, params: { gate: `g${shard}` } })));
      const second = await join();
      await pass(clock, 3);
      assertEquals((await owned()).shares, [16, 0]);
      for (const open of gates.values()) open();
      await pass(clock, 3);
      assertEquals((await owned()).shares, [8, 8]);
      assertEquals(await Promise.all(all.map((one) => one.status().then(({ output }) => output))), all.map((_, shard) => `o${shard} is done`));
      assertEquals(bodies.length, SHARDS * 2);
      assertEquals((await (await orders(second, 3).get("o3")).status()).status, "complete");
    }));

  it("take every request, whoever owns its shard, and show at once what they have acknowledged", () =>
    inCompany(async ({ join, clock }) => {
      const [first, second, api] = [await join(), await join(), await join({ engine: false })];
      await pass(clock, 5);
      for (const tenure of [first, second, api]) {
        for (let shard = 0; shard < SHARDS; shard += 3) {
          const id = `${shard}-${[first, second, api].indexOf(tenure)}`;
          const making = orders(tenure, shard).create({ id, params: { sleep: 1_000 } });
          await pass(clock, 1);
          const made = await making;
          assertEquals((await orders(tenure, shard).list()).instances.filter((one) => one.id === id).length, 1);
          assert(["running", "waiting", "complete"].includes((await made.status()).status));
          const ending = made.terminate().then(() => "terminated", (error) => (error as { code: string }).code);
          await pass(clock, 1);
          assert(["terminated", "instance.cannot_terminate"].includes(await ending));
          assert(["complete", "terminated"].includes((await made.status()).status));
        }
      }
    }));
});

describe("what goes over to another engine", () => {
  it("is a parent and its child, each of which hears of the other once", () =>
    inCompany(async ({ join, kill, clock }) => {
      const first = await join();
      await orders(first, 2).create({ id: "parent", params: { child: "child" } });
      await pass(clock, 1);
      const second = await join();
      kill(first);
      await pass(clock, 20);
      const parent = await orders(second, 2).get("parent");
      assertEquals((await parent.status()).output, "child is done");
      assertEquals(bodies, ["parent first", "child first", "child second"]);
    }));

  it("is a limit on what runs at one time", () =>
    inCompany(async ({ join, clock, owned }) => {
      const first = await join();
      for (const id of ["a", "b", "c"]) await orders(first, 5).create({ id, params: { gate: id }, concurrency: { limit: 1, key: "one" } });
      const second = await join();
      await pass(clock, 5);
      // whoever owns it now
      for (const [n, id] of ["a", "b", "c"].entries()) {
        assertEquals(bodies.filter((body) => body.endsWith("first")), ["a first", "b first", "c first"].slice(0, n + 1));
        gates.get(id)?.();
        await pass(clock, 5);
      }
      assertEquals((await owned()).shares, [8, 8]);
      assertEquals((await (await orders(second, 5).get("c")).status()).status, "complete");
    }));

  it("is a schedule, whose instances are made once each", () =>
    inCompany(async ({ join, kill, clock }) => {
      const first = await join();
      for (const shard of [1, 6, 11]) await orders(first, shard).schedules.put("s", { cron: "* * * * *", params: {} });
      await clock.advance("2 minutes");
      const second = await join();
      await clock.advance("2 minutes");
      kill(first);
      await clock.advance("2 minutes");
      for (const shard of [1, 6, 11]) {
        const { instances } = await orders(second, shard).list({ limit: 100 });
        const due = instances.map(({ id }) => Number(id.slice(2)));
        assertEquals(due.map((at) => at - (due[0] as number)), due.map((_, n) => n * 60_000));
        assertEquals(due.length, 6);
      }
    }));
});
