/** Pausing, ending, restarting. */
import type { Case } from "../case.ts";

const complete = (output: unknown): object => ({ status: "complete", output });
/** Two steps with a gate in the first. */
const TWO = `const a = await step.do("a", async () => { await note("a"); await gate("a"); return "a"; }); return [a, await step.do("b", async () => { await note("b"); return "b"; })];`;
const LONG = `await step.do("a", async () => { await note("a"); }); await step.sleep("nap", "1 hour");`;

/** See the file. */
export const CONTROL: readonly Case[] = [
  {
    name: "terminate ends an instance that waits, and its status stays",
    run: LONG,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("terminate", id);
      return await client.end(id);
    },
    right: { status: "terminated" },
  },
  {
    name: "terminate ends an instance whose body runs",
    run: TWO,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("terminate", id);
      const end = await client.end(id);
      await client.open("a");
      await client.rest(300);
      return { ...end, seen: await client.seen() };
    },
    right: { status: "terminated", seen: ["a"] },
  },
  {
    name: "what has ended cannot be terminated",
    run: `if (event.payload.fails) throw new Error("no"); if (event.payload.waits) await step.waitForEvent("w", { type: "go" }); return 1;`,
    async act(client) {
      const ids = [await client.create({ params: {} }), await client.create({ params: { fails: true } }), await client.create({ params: { waits: true } })];
      await client.rest(200);
      await client.call("terminate", ids[2] as string);
      return await Promise.all(ids.map(async (id) => [(await client.end(id)).status, await client.fails(client.call("terminate", id))]));
    },
    right: [["complete", "instance.cannot_terminate"], ["errored", "instance.cannot_terminate"], ["terminated", "instance.cannot_terminate"]],
  },
  {
    name: "pause lets a body that runs end, and starts no other",
    run: TWO,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("pause", id);
      const first = await client.until(id, "waitingForPause");
      await client.open("a");
      await client.until(id, "paused");
      const seen = await client.seen();
      await client.call("resume", id);
      return [first, seen, await client.end(id), await client.seen()];
    },
    right: ["waitingForPause", ["a"], complete(["a", "b"]), ["a", "b"]],
  },
  {
    name: "pause waits for all bodies that run in parallel",
    run: `const all = await Promise.all(["x", "y"].map((word) => step.do(word, async () => { await note("in"); await gate(word); return word; }))); return [all, await step.do("next", async () => { await note("next"); return 1; })];`,
    async act(client) {
      const id = await client.create();
      await client.noted("in", 2);
      await client.call("pause", id);
      await client.until(id, "waitingForPause");
      await client.open("x");
      await client.rest(300);
      const between = await client.status(id);
      await client.open("y");
      await client.until(id, "paused");
      const seen = await client.seen();
      await client.call("resume", id);
      return [between, seen, await client.end(id)];
    },
    right: ["waitingForPause", ["in", "in"], complete([["x", "y"], 1])],
  },
  {
    name: "resume takes a pause back that has not come yet",
    run: TWO,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("pause", id);
      await client.until(id, "waitingForPause");
      await client.call("resume", id);
      const then = await client.status(id);
      await client.open("a");
      return [then, await client.end(id)];
    },
    right: ["running", complete(["a", "b"])],
  },
  {
    name: "a pause in a sleep makes it longer",
    run: `const from = await step.do("from", async () => Date.now()); await note("from"); await step.sleep("nap", 4000); return await step.do("to", async () => Date.now() - from);`,
    async act(client) {
      const id = await client.create();
      await client.noted("from");
      await client.rest(300);
      await client.call("pause", id);
      await client.until(id, "paused");
      await client.rest(1500);
      await client.call("resume", id);
      const { status, output } = await client.end(id);
      return [status, (output as number) >= 5400];
    },
    right: ["complete", true],
  },
  {
    name: "an event that comes in a pause is kept for the wait",
    run: `return (await step.waitForEvent("w", { type: "go" })).payload;`,
    async act(client) {
      const id = await client.create();
      await client.rest(300);
      await client.call("pause", id);
      await client.until(id, "paused");
      await client.call("sendEvent", id, { type: "go", payload: 5 });
      await client.rest(200);
      const between = await client.status(id);
      await client.call("resume", id);
      return [between, await client.end(id)];
    },
    right: ["paused", complete(5)],
  },
  {
    name: "pause and resume of what has ended, and resume of what runs, do nothing",
    run: `if (event.payload.waits) await step.waitForEvent("w", { type: "go" }); return 1;`,
    async act(client) {
      const done = await client.create({ params: {} }), waits = await client.create({ params: { waits: true } });
      await client.end(done);
      await client.call("pause", done);
      await client.call("resume", done);
      await client.call("resume", waits);
      await client.call("sendEvent", waits, { type: "go" });
      return [await client.end(done), await client.end(waits)];
    },
    right: [complete(1), complete(1)],
  },
  {
    name: "a pause settles after a NonRetryableError that was caught",
    run: `await caught(step.do("a", async () => { throw new NonRetryableError("no"); })); await note("caught"); await step.sleep("nap", "1 hour");`,
    async act(client) {
      const id = await client.create();
      await client.noted("caught");
      await client.rest(200);
      await client.call("pause", id);
      await client.rest(800);
      return await client.status(id);
    },
    right: "paused",
    row: "CF-pause-8",
  },
  ...["complete", "errored", "terminated", "running", "paused"].map((from): Case => ({
    name: `restart begins anew from ${from}, with the same id and params`,
    run: `await step.do("a", async () => { await note("a " + event.payload.from); });
      if (event.payload.from === "errored") throw new Error("no");
      if (event.payload.from !== "complete") await step.waitForEvent("w", { type: "go" });
      return event.instanceId.length;`,
    async act(client) {
      const id = await client.create({ params: { from } });
      await client.noted(`a ${from}`);
      if (from === "terminated") await client.call("terminate", id);
      if (from === "paused") await client.call("pause", id);
      await client.until(id, ...(from === "running" ? ["running", "waiting"] : [from]));
      await client.call("restart", id);
      await client.noted(`a ${from}`, 2);
      if (from !== "complete" && from !== "errored") {
        await client.rest(200);
        await client.call("sendEvent", id, { type: "go" });
      }
      return [(await client.end(id)).status, await client.seen()];
    },
    right: [from === "errored" ? "errored" : "complete", [`a ${from}`, `a ${from}`]],
  })),
  {
    name: "restart forgets events that nobody has waited for",
    run: `await note("began"); await step.do("hold", async () => { await gate("hold"); }); return await refused(step.waitForEvent("w", { type: "go", timeout: 800 }));`,
    async act(client) {
      const id = await client.create({ params: {} });
      await client.call("sendEvent", id, { type: "go", payload: 1 });
      await client.call("sendEvent", id, { type: "go", payload: 2 });
      await client.open("hold");
      const first = await client.end(id);
      await client.call("restart", id);
      await client.noted("began", 2);
      return [first, await client.end(id)];
    },
    right: [complete("taken"), complete("WorkflowTimeoutError")],
  },
  {
    name: "restart at a step keeps what was before it",
    run: `const stamp = (name) => step.do(name, async () => { await note(name); return name; }); return [await stamp("a"), await stamp("b"), await stamp("c")];`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      await client.call("restart", id, { from: { name: "b" } });
      await client.noted("c", 2);
      return [await client.end(id), await client.seen()];
    },
    right: [complete(["a", "b", "c"]), ["a", "b", "c", "b", "c"]],
  },
  {
    name: "restart at an occurrence of a step",
    run: `const stamp = () => step.do("a", async ({ step }) => { await note("a" + step.count); return step.count; }); return [await stamp(), await stamp(), await stamp()];`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      await client.call("restart", id, { from: { name: "a", count: 3, type: "do" } });
      await client.noted("a3", 2);
      return [await client.end(id), await client.seen()];
    },
    right: [complete([1, 2, 3]), ["a1", "a2", "a3", "a3"]],
  },
  {
    name: "restart at a step that there is not is refused",
    run: `await step.sleep("nap", 10); return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return [await client.fails(client.call("restart", id, { from: { name: "x" } })), await client.fails(client.call("restart", id, { from: { name: "nap" } }))];
    },
    right: ["instance.cannot_restart", "instance.cannot_restart"],
  },
  {
    name: "restart at a step works in a tenant's code",
    run: `const stamp = (name) => step.do(name, async () => { await note(name); return name; }); return [await stamp("a"), await stamp("b")];`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      await client.call("restart", id, { from: { name: "b" } });
      await client.noted("b", 2);
      return [await client.end(id), await client.seen()];
    },
    right: [complete(["a", "b"]), ["a", "b", "b"]],
    row: "CF-terminate-5",
  },
];
