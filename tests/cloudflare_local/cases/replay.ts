/** What a replay, and a killed engine, leave as it was. On a local engine of Cloudflare's `resume` replays a run. */
import { type Case, type Client, retries } from "../case.ts";

const complete = (output: unknown): object => ({ status: "complete", output });

async function replayed(client: Client, id: string): Promise<void> {
  await client.call("pause", id);
  await client.until(id, "paused");
  await client.call("resume", id);
}

/** On a local engine of Cloudflare's nothing goes on by itself after a restart; on ours it may have ended by now. */
async function wake(client: Client, id: string): Promise<void> {
  await client.call("sendEvent", id, { type: "wake", payload: 0 }).catch(() => {});
}

/** How it ends when the engine dies after the first body has begun. */
async function endAfterDeath(client: Client): Promise<unknown> {
  const id = await client.create();
  await client.noted("in");
  await client.rest(200);
  await client.restart();
  await wake(client, id);
  return await client.end(id);
}

/** See the file. */
export const REPLAY: readonly Case[] = [
  {
    name: "a replay runs no body that has ended again",
    run: `const a = await step.do("a", async () => { await note("a"); return 1; }); const error = await caught(step.do("b", ${retries(0)}, async () => { await note("b"); throw new RangeError("no"); })); await step.waitForEvent("w", { type: "go" }); return [a, error];`,
    async act(client) {
      const id = await client.create();
      await client.noted("b");
      await client.rest(300);
      await replayed(client, id);
      await client.call("sendEvent", id, { type: "go" });
      return { ...await client.end(id), seen: await client.seen() };
    },
    right: { ...complete([1, { name: "RangeError", message: "no" }]), seen: ["a", "b"] },
  },
  {
    name: "an event is received once, also across a replay",
    run: `const a = (await step.waitForEvent("a", { type: "go" })).payload; await note("got"); await step.waitForEvent("hold", { type: "hold" }); return [a, await refused(step.waitForEvent("b", { type: "go", timeout: 1000 }))];`,
    async act(client) {
      const id = await client.create();
      await client.call("sendEvent", id, { type: "go", payload: 1 });
      await client.noted("got");
      await client.rest(300);
      await replayed(client, id);
      await client.rest(300);
      await client.call("sendEvent", id, { type: "hold" });
      return await client.end(id);
    },
    right: complete([1, "WorkflowTimeoutError"]),
    row: "CF-event-6",
  },
  {
    name: "a NonRetryableError that was caught is not run again by a replay",
    run: `await caught(step.do("a", async () => { await note("a"); throw new NonRetryableError("no"); })); await step.waitForEvent("w", { type: "go" }); return 1;`,
    restarts: true,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.rest(300);
      await client.restart();
      await client.call("sendEvent", id, { type: "go" });
      return { ...await client.end(id), seen: await client.seen() };
    },
    right: { ...complete(1), seen: [] },
    row: "CF-nonretryable-4",
  },
  {
    name: "sleepUntil is replayed after its time",
    run: `await step.sleepUntil("nap", new Date(event.payload.until)); await note("slept"); await step.waitForEvent("w", { type: "go" }); return "after";`,
    async act(client) {
      const id = await client.create({ params: { until: Date.now() + 4000 } });
      await client.noted("slept");
      await client.rest(200);
      await replayed(client, id);
      await client.call("sendEvent", id, { type: "go" });
      return await client.end(id);
    },
    right: complete("after"),
    row: "CF-until-3",
  },
  {
    name: "chance outside of steps is the same in a replay",
    run: `const chance = Math.random(); await note(chance); await note("then"); await step.waitForEvent("w", { type: "go" }); return await step.do("a", async () => chance);`,
    restarts: true,
    async act(client) {
      const id = await client.create();
      await client.noted("then");
      await client.rest(300);
      const [first] = await client.seen();
      await client.restart();
      await client.call("sendEvent", id, { type: "go" });
      return String((await client.end(id)).output) === first;
    },
    right: true,
    row: "CF-code-2",
  },
  {
    name: "a sleep goes on after the engine was killed, by itself",
    run: `await step.sleep("nap", 15000); return "slept";`,
    restarts: true,
    async act(client) {
      const id = await client.create();
      await client.restart();
      await client.rest(18_000);
      return await client.status(id);
    },
    right: "complete",
    row: "CF-durable-2",
  },
  {
    name: "an event after the engine was killed completes the wait",
    run: `const a = await step.do("a", async () => { await note("a"); return 1; }); return [a, (await step.waitForEvent("w", { type: "go" })).payload];`,
    restarts: true,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.rest(300);
      await client.restart();
      await client.call("sendEvent", id, { type: "go", payload: 2 });
      return { ...await client.end(id), seen: await client.seen() };
    },
    right: { ...complete([1, 2]), seen: [] },
  },
  {
    name: "twelve early events keep their order when the engine is killed",
    run: `await step.waitForEvent("go", { type: "go" }); const got = []; for (let n = 0; n < 12; n++) got.push((await step.waitForEvent("w" + n, { type: "n", timeout: "5 seconds" })).payload); return got;`,
    restarts: true,
    async act(client) {
      const id = await client.create();
      for (let n = 0; n < 12; n++) await client.call("sendEvent", id, { type: "n", payload: n });
      await client.restart();
      await client.call("sendEvent", id, { type: "go" });
      return await client.end(id);
    },
    right: complete([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    row: "CF-event-7",
  },
  {
    name: "a body that the engine's death cut off runs again as attempt 2",
    run: `return await step.do("a", ${retries(3)}, async ({ attempt }) => { await note("in"); if (attempt === 1) await gate("never"); return attempt; });`,
    restarts: true,
    act: endAfterDeath,
    right: complete(2),
  },
  {
    name: "what has ended is there after the engine was killed",
    run: `if (event.payload.fails) throw new TypeError("no"); if (event.payload.waits) await step.waitForEvent("w", { type: "go" }); return "kept";`,
    restarts: true,
    async act(client) {
      const ids = [await client.create({ params: {} }), await client.create({ params: { fails: true } }), await client.create({ params: { waits: true } })];
      await client.rest(300);
      await client.call("terminate", ids[2] as string);
      await Promise.all(ids.map((id) => client.end(id)));
      await client.restart();
      return await Promise.all(ids.map((id) => client.end(id)));
    },
    right: [complete("kept"), { status: "errored", error: { name: "TypeError", message: "no" } }, { status: "terminated" }],
  },
  {
    name: "what is paused is paused after the engine was killed, and goes on",
    run: `const a = await step.do("a", async () => { await note("a"); return 1; }); await step.waitForEvent("w", { type: "go" }); return a;`,
    restarts: true,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.rest(200);
      await client.call("pause", id);
      await client.until(id, "paused");
      await client.restart();
      const between = await client.status(id);
      await client.call("resume", id);
      await client.call("sendEvent", id, { type: "go" });
      return [between, await client.end(id)];
    },
    right: ["paused", complete(1)],
  },
  {
    name: "terminate with rollback after the engine was killed undoes what succeeded and what failed",
    run: `await step.do("a", async () => "a!", { rollback: async ({ output }) => { await note("undo a " + output); } });
      await caught(step.do("b", ${retries(0)}, async () => { throw new Error("no"); }, { rollback: async () => { await note("undo b"); } }));
      await note("waits"); await step.sleep("nap", "1 hour");`,
    direct: true,
    restarts: true,
    async act(client) {
      const id = await client.create();
      await client.noted("waits");
      await client.rest(300);
      await client.restart();
      await client.call("terminate", id, { rollback: true });
      await client.noted("undo a a!");
      const undone = (await client.seen()).filter((word) => word.startsWith("undo"));
      return [(await client.end(id)).status, undone];
    },
    right: ["terminated", ["undo b", "undo a a!"]],
  },
  {
    name: "an id that was created before the engine was killed is still taken",
    run: `return 1;`,
    restarts: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      await client.restart();
      return await client.fails(client.create({ id }));
    },
    right: "instance.already_exists",
  },
  {
    name: "a retry that was due while the engine was dead comes, and counts on",
    run: `return await step.do("a", { retries: { limit: 2, delay: 1500, backoff: "constant" } }, async ({ attempt }) => { await note("in"); if (attempt === 1) throw new Error("once"); return attempt; });`,
    restarts: true,
    act: endAfterDeath,
    right: complete(2),
  },
];
