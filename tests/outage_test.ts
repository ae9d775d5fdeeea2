/** A storage that fails: the platform hears of it, a tenant's workflow never does (I9, I10). */
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createTenure, type StorageAdapter, type Store, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "tenure";
import { memory } from "tenure/storage/memory";

/** What befalls the n-th commit. */
type Fault = "fails" | "is applied and fails" | undefined;

/** A storage whose commits fail as planned, and then work. */
function faulty(plan: (commit: number) => Fault): StorageAdapter {
  const storage = memory();
  let commits = 0;
  return {
    name: "faulty",
    async open(): Promise<Store> {
      const store = await storage.open();
      return {
        ...store,
        async commit(id, batches) {
          const fault = plan(++commits);
          if (fault === "fails") throw new Error("disk I/O error");
          const answer = await store.commit(id, batches);
          if (fault !== undefined) throw new Error("connection reset");
          return answer;
        },
      };
    },
  };
}

const bodies: string[] = [];

class Three extends WorkflowEntrypoint<unknown, number> {
  async run(event: WorkflowEvent<number>, step: WorkflowStep): Promise<number[]> {
    const results: number[] = [];
    for (const n of [1, 2, 3]) {
      results.push(await step.do(`step ${n}`, (ctx) => {
        bodies.push(`${event.payload} ${n} ${ctx.attempt}`);
        return Promise.resolve(n);
      }));
    }
    return results;
  }
}

/** Runs five instances over such a storage; answers their results, and all bodies that ran. */
async function run(plan: (commit: number) => Fault): Promise<{ results: unknown[]; ran: string[] }> {
  bodies.length = 0;
  const tenure = await createTenure({ storage: faulty(plan) });
  tenure.register("Three", Three, { version: "1" });
  const three = tenure.tenant("acme").workflow<number, number[]>("Three");
  const instances = await Promise.all([0, 1, 2, 3, 4].map((params) => three.create({ id: `i${params}`, params })));
  const results = await Promise.all(instances.map((i) => i.result()));
  await tenure.close();
  return { results, ran: [...bodies].sort() };
}

const EXPECTED = {
  results: Array(5).fill([1, 2, 3]),
  ran: [0, 1, 2, 3, 4].flatMap((i) => [1, 2, 3].map((n) => `${i} ${n} 1`)),
};

describe("a commit whose outcome is unknown", () => {
  for (const fault of ["fails", "is applied and fails"] as const) {
    it(`that ${fault} is resolved, whichever it is, and no body runs twice`, async () => {
      for (let k = 1; k <= 6; k++) assertEquals(await run((n) => n === k ? fault : undefined), EXPECTED);
    });

    it(`that ${fault}, each second time, is resolved`, async () => {
      assertEquals(await run((n) => n % 2 === 0 ? fault : undefined), EXPECTED);
    });
  }
});
