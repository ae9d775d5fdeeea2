/** What is undone. */
import { type Case, type Client, retries } from "../case.ts";

/** A step that notes what it does, and that it is undone. */
const DO = `const make = (name, rollbackConfig) => step.do(name, async () => { await note("do " + name); return name + "!"; }, { rollback: async ({ output }) => { await note("undo " + name + " " + output); }, ...(rollbackConfig && { rollbackConfig }) });`;

async function undone(client: Client, times: number, options: object = {}): Promise<unknown> {
  const id = await client.create({ params: {}, ...options });
  const end = await client.end(id);
  for (let n = 0; n < 100 && (await client.seen()).filter((word) => word.startsWith("undo")).length < times; n++) await client.rest(50);
  return { ...end, seen: await client.seen() };
}

/** See the file. */
export const ROLLBACK: readonly Case[] = [
  {
    name: "a run that fails undoes its steps, the last one first",
    run: `${DO} await make("a"); await make("b"); await make("c"); throw new Error("no");`,
    act: (client) => undone(client, 3),
    right: { status: "errored", error: { name: "Error", message: "no" }, seen: ["do a", "do b", "do c", "undo c c!", "undo b b!", "undo a a!"] },
  },
  {
    name: "a run that succeeds undoes nothing",
    run: `${DO} await make("a"); await caught(step.do("x", ${retries(0)}, async () => { throw new Error("caught"); })); return 1;`,
    async act(client) {
      const end = await client.end(await client.create());
      await client.rest(300);
      return { ...end, seen: await client.seen() };
    },
    right: { status: "complete", output: 1, seen: ["do a"] },
  },
  {
    name: "steps in parallel are undone in the reverse order of their starts",
    run: `await Promise.all(["a", "b", "c"].map((name, n) => step.do(name, async () => { await gate(name); }, { rollback: async () => { await note("undo " + name); } }))); throw new Error("no");`,
    async act(client) {
      const acted = undone(client, 3);
      await client.rest(300);
      for (const gate of ["c", "a", "b"]) await client.open(gate);
      return await acted;
    },
    right: { status: "errored", error: { name: "Error", message: "no" }, seen: ["undo c", "undo b", "undo a"] },
  },
  {
    name: "steps without a handler are passed over",
    run: `${DO} await make("a"); await step.do("b", async () => 1); await make("c"); throw new Error("no");`,
    act: (client) => undone(client, 2),
    right: { status: "errored", error: { name: "Error", message: "no" }, seen: ["do a", "do c", "undo c c!", "undo a a!"] },
  },
  {
    name: "the step that failed is undone, too, without an output",
    run: `${DO} await make("a"); await step.do("b", ${retries(0)}, async () => { throw new Error("no"); }, { rollback: async ({ output, error, stepName }) => { await note(["undo", typeof output, error.message, stepName].join(" ")); } });`,
    act: (client) => undone(client, 2),
    right: { status: "errored", error: { name: "Error", message: "no" }, seen: ["do a", "undo undefined no b-1", "undo a a!"] },
  },
  {
    name: "a handler gets context, error, output and name",
    run: `await step.do("a", async () => ({ made: 7 }), { rollback: async (given) => { await note("undo " + JSON.stringify([Object.keys(given).sort(), given.ctx.attempt, given.ctx.step, given.error.message, given.output, given.stepName])); } }); throw new RangeError("far");`,
    act: (client) => undone(client, 1),
    right: { status: "errored", error: { name: "RangeError", message: "far" }, seen: [`undo ${JSON.stringify([["ctx", "error", "output", "stepName"], 1, { name: "a", count: 1 }, "far", { made: 7 }, "a-1"])}`] },
  },
  {
    name: "a handler is tried again as its own config says",
    run: `await step.do("a", async () => 1, { rollback: async () => { await note("undo"); throw new Error("not yet"); }, rollbackConfig: ${retries(2)} }); throw new Error("no");`,
    async act(client) {
      await undone(client, 3);
      await client.rest(300);
      return await client.seen();
    },
    right: ["undo", "undo", "undo"],
  },
  {
    name: "a handler is told of its step: the last attempt, and the config",
    run: `await step.do("a", { timeout: "1 hour", retries: { limit: 4, delay: 1, backoff: "linear" } }, async ({ attempt }) => { if (attempt < 3) throw new Error("not yet"); }, { rollback: async ({ ctx }) => { await note("undo " + JSON.stringify([ctx.attempt, ctx.step, ctx.config.timeout, ctx.config.retries.limit, ctx.config.retries.backoff])); throw new Error("not yet"); }, rollbackConfig: ${retries(1)} }); throw new Error("no");`,
    async act(client) {
      await undone(client, 2);
      return await client.seen();
    },
    right: Array.from({ length: 2 }, () => `undo ${JSON.stringify([3, { name: "a", count: 1 }, "1 hour", 4, "linear"])}`),
  },
  {
    name: "the first handler that fails stops the rollback",
    run: `${DO} await make("a"); await step.do("b", async () => 1, { rollback: async () => { await note("undo b"); throw new Error("cannot"); }, rollbackConfig: ${retries(0)} }); await make("c"); throw new Error("no");`,
    async act(client) {
      const { seen } = await undone(client, 2) as { seen: string[] };
      await client.rest(300);
      return [seen, await client.seen()];
    },
    right: [["do a", "do c", "undo c c!", "undo b"], ["do a", "do c", "undo c c!", "undo b"]],
  },
  {
    name: "terminate with rollback undoes what was done",
    run: `${DO} await make("a"); await make("b"); await note("waits"); await step.sleep("nap", "1 hour");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("waits");
      await client.rest(200);
      await client.call("terminate", id, { rollback: true });
      await client.noted("undo a a!");
      return { ...await client.end(id), seen: await client.seen() };
    },
    right: { status: "terminated", seen: ["do a", "do b", "waits", "undo b b!", "undo a a!"] },
  },
  {
    name: "terminate with rollback undoes one that is paused",
    run: `${DO} await make("a"); await note("waits"); await step.sleep("nap", "1 hour");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("waits");
      await client.rest(200);
      await client.call("pause", id);
      await client.until(id, "paused");
      await client.call("terminate", id, { rollback: true });
      await client.noted("undo a a!");
      return await client.end(id);
    },
    right: { status: "terminated" },
  },
  {
    name: "terminate without rollback undoes nothing",
    run: `${DO} await make("a"); await note("waits"); await step.sleep("nap", "1 hour");`,
    async act(client) {
      const id = await client.create();
      await client.noted("waits");
      await client.call("terminate", id);
      await client.rest(300);
      return { ...await client.end(id), seen: await client.seen() };
    },
    right: { status: "terminated", seen: ["do a", "waits"] },
  },
  {
    name: "terminate with rollback works in a tenant's code",
    run: `${DO} await make("a"); await note("waits"); await step.sleep("nap", "1 hour");`,
    async act(client) {
      const id = await client.create();
      await client.noted("waits");
      await client.rest(200);
      await client.call("terminate", id, { rollback: true });
      const end = await client.end(id);
      await client.rest(500);
      return { ...end, seen: await client.seen() };
    },
    right: { status: "terminated", seen: ["do a", "waits", "undo a a!"] },
    row: "CF-terminate-5",
  },
];
