/** Creating, looking, pausing, ending, restarting. */
import { type Case, type Client, retries } from "../case.ts";

const complete = (output: unknown): object => ({ status: "complete", output });
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Two steps with a gate in the first. */
const TWO = `const a = await step.do("a", async () => { await note("a"); await gate("a"); return "a"; }); return [a, await step.do("b", async () => { await note("b"); return "b"; })];`;
const LONG = `await step.do("a", async () => { await note("a"); }); await step.sleep("nap", "1 hour");`;

/** What a subscription tells, by type. */
async function types(client: Client, id: string, options: object = {}): Promise<string[]> {
  return (await client.call("events", id, options) as { type: string }[]).map(({ type }) => type);
}

/** See the file. */
export const CONTROL: readonly Case[] = [
  {
    name: "an instance has the id and the params that it was given",
    run: `return [event.instanceId, event.payload];`,
    async act(client) {
      const id = await client.create({ id: client.id("mine"), params: { sku: 7 } });
      return [id === client.id("mine"), JSON.stringify((await client.end(id)).output) === JSON.stringify([id, { sku: 7 }])];
    },
    right: [true, true],
  },
  {
    name: "an instance without an id gets a UUID",
    run: `return 1;`,
    async act(client) {
      return [await client.bind("create"), await client.bind("create", {})].map((id) => UUID.test(id as string));
    },
    right: [true, true],
  },
  {
    name: "params that are not given are an empty object",
    run: `return event.payload;`,
    async act(client) {
      return await client.end(await client.create());
    },
    right: complete({}),
    row: "CF-create-14",
  },
  {
    name: "an id that is taken is refused, whatever became of its instance",
    run: `if (event.payload.wait) await step.waitForEvent("w", { type: "go" }); return 1;`,
    async act(client) {
      const done = await client.create({ params: {} }), waits = await client.create({ params: { wait: true } });
      await client.end(done);
      return [await client.fails(client.create({ id: done })), await client.fails(client.create({ id: waits }))];
    },
    right: ["instance.already_exists", "instance.already_exists"],
  },
  {
    name: "ids that can be none are refused",
    run: `return 1;`,
    async act(client) {
      const tried: string[] = [];
      for (const id of ["", "a b", "a\nb", "#a", "-a", "x".repeat(101), "ä"]) tried.push(await client.fails(client.bind("create", { id })));
      return tried.map((message) => /invalid id/.test(message));
    },
    right: [true, true, true, true, true, true, true],
  },
  {
    name: "an id that nobody has is not found",
    run: `return 1;`,
    async act(client) {
      return [await client.fails(client.bind("get", client.id("nobody"))), await client.fails(client.call("status", client.id("nobody")))];
    },
    right: ["instance.not_found", "instance.not_found"],
  },
  {
    name: "a status has no output before the end, and an error only then",
    run: `await step.do("a", async () => { await note("in"); await gate("go"); }); if (event.payload.fails) throw new Error("no"); return 1;`,
    async act(client) {
      const shape = async (id: string): Promise<unknown> => {
        const { status, output = null, error = null } = await client.call("status", id) as { status: string; output?: unknown; error?: unknown };
        return [status, output, error];
      };
      const good = await client.create({ params: {} }), bad = await client.create({ params: { fails: true } });
      await client.noted("in", 2);
      const before = await shape(good);
      await client.open("go");
      await client.end(good);
      await client.end(bad);
      return [before, await shape(good), await shape(bad)];
    },
    right: [["running", null, null], ["complete", 1, null], ["errored", null, { name: "Error", message: "no" }]],
  },
  {
    name: "a status shows nothing but itself",
    run: `return await step.do("a", async () => 1);`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return Object.keys(await client.call("status", id) as object).filter((key) => !["status", "output", "error"].includes(key));
    },
    right: [],
    row: "CF-status-12",
  },
  {
    name: "a batch makes its instances in order",
    run: `return event.payload.n;`,
    async act(client) {
      const ids = [1, 2, 3].map((n) => client.id(n));
      const made = await client.bind("createBatch", ids.map((id, n) => ({ id, params: { n } }))) as string[];
      return [made.join() === ids.join(), await Promise.all(made.map(async (id) => (await client.end(id)).output))];
    },
    right: [true, [0, 1, 2]],
  },
  {
    name: "a batch leaves out what is taken or repeated",
    run: `return 1;`,
    async act(client) {
      await client.create({ id: client.id("taken") });
      const made = await client.bind("createBatch", ["taken", "new", "new"].map((word) => ({ id: client.id(word) }))) as string[];
      return made.map((id) => id.split("-").at(-1));
    },
    right: ["new"],
  },
  {
    name: "a batch of none, and one of more than a hundred, is refused",
    run: `return 1;`,
    async act(client) {
      const none = await client.fails(client.bind("createBatch", [])), many = await client.fails(client.bind("createBatch", Array.from({ length: 101 }, () => ({}))));
      return [none, many].map((message) => message.startsWith("It did not fail"));
    },
    right: [false, false],
  },
  {
    name: "a batch in its newer form says what could not be made and why",
    run: `return 1;`,
    direct: true,
    async act(client) {
      await client.create({ id: client.id("taken") });
      const { created, errors } = await client.bind("createBatch", { instances: ["taken", "new", "new"].map((word) => ({ id: client.id(word) })) }) as { created: string[]; errors: { index: number; code: number }[] };
      return [created.map((id) => id.split("-").at(-1)), errors.map(({ index, code }) => [index, code])];
    },
    right: [["new"], [[0, 10405], [2, 10415]]],
  },
  {
    name: "a batch of a number makes so many alike",
    run: `return event.payload;`,
    direct: true,
    async act(client) {
      const { created, errors } = await client.bind("createBatch", { count: 3, params: { a: 1 } }) as { created: string[]; errors: unknown[] };
      return [await Promise.all(created.map(async (id) => (await client.end(id)).output)), errors];
    },
    right: [[{ a: 1 }, { a: 1 }, { a: 1 }], []],
  },
  {
    name: "a batch in its newer form works in a tenant's code",
    run: `return 1;`,
    async act(client) {
      const { created } = await client.bind("createBatch", { instances: [{ id: client.id("new") }] }) as { created: string[] };
      return created.length;
    },
    right: 1,
    row: "CF-batch-8",
  },
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
  {
    name: "delete forgets an instance, and its id is free",
    run: `await note("ran"); return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create({ id: client.id("mine") });
      await client.end(id);
      await client.call("delete", id);
      const gone = await client.fails(client.bind("get", id));
      await client.create({ id });
      return [gone, await client.end(id), await client.seen()];
    },
    right: ["instance.not_found", complete(1), ["ran", "ran"]],
  },
  {
    name: "delete stops an instance that runs",
    run: TWO,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("delete", id);
      await client.open("a");
      await client.rest(300);
      return [await client.fails(client.call("status", id)), await client.seen()];
    },
    right: ["instance.not_found", ["a"]],
  },
  {
    name: "deleteBatch says of each position whether it was there",
    run: `return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      const { deleted, errors } = await client.bind("deleteBatch", [client.id("no"), id, client.id("no")]) as { deleted: unknown[]; errors: { id: string; code: number }[] };
      return [deleted.length, errors.map(({ id, code }) => [id === client.id("no"), code])];
    },
    right: [1, [[true, 10400], [true, 10400]]],
  },
  {
    name: "deleteBatch of none, of more than a hundred and of what can be no id is refused",
    run: `return 1;`,
    direct: true,
    async act(client) {
      const tried: boolean[] = [];
      for (const ids of [[], Array.from({ length: 101 }, (_, n) => `a${n}`), ["a.b"]]) tried.push((await client.fails(client.bind("deleteBatch", ids))).startsWith("It did not fail"));
      return tried;
    },
    right: [false, false, false],
  },
  {
    name: "delete works in a tenant's code",
    run: `return 1;`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      await client.call("delete", id);
      return await client.fails(client.call("status", id));
    },
    right: "instance.not_found",
    row: "CF-delete-7",
  },
  {
    name: "subscribe tells what has happened, up to the end",
    run: `await step.do("a", async () => 1); await step.sleep("nap", 20); return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return await types(client, id);
    },
    right: ["workflow_queued", "workflow_started", "workflow_running", "step_started", "attempt_started", "attempt_completed", "step_completed", "sleep_started", "sleep_completed", "workflow_completed"],
  },
  {
    name: "subscribe tells of a pause and of what goes on",
    run: `await step.do("a", async () => { await note("a"); await gate("a"); }); return (await step.waitForEvent("w", { type: "go" })).payload;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("pause", id);
      await client.until(id, "waitingForPause");
      await client.open("a");
      await client.until(id, "paused");
      await client.call("resume", id);
      await client.rest(200);
      await client.call("sendEvent", id, { type: "go", payload: 1 });
      await client.end(id);
      return (await types(client, id)).slice(3);
    },
    right: ["step_started", "attempt_started", "workflow_waiting_for_pause", "attempt_completed", "step_completed", "wait_started", "workflow_paused", "workflow_running", "wait_completed", "workflow_completed"],
    row: "CF-subscribe-10",
  },
  {
    name: "subscribe tells of attempts that fail",
    run: `await step.do("a", ${retries(1)}, async ({ attempt }) => { if (attempt === 1) throw new Error("once"); }); await step.do("b", ${retries(0)}, async () => { throw new RangeError("no"); });`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      const told = await client.call("events", id) as { type: string; attempt?: number; error?: { name: string; message: string } }[];
      return told.slice(3).map(({ type, attempt, error }) => [type, attempt, type.startsWith("attempt") ? error?.message : undefined]);
    },
    right: [
      ["step_started"], ["attempt_started", 1], ["attempt_errored", 1, "once"], ["attempt_started", 2], ["attempt_completed", 2], ["step_completed"],
      ["step_started"], ["attempt_started", 1], ["attempt_errored", 1, "no"], ["step_errored"], ["workflow_errored"],
    ].map(([type, attempt, message]) => [type, attempt, message]),
  },
  {
    name: "subscribe tells of a wait that timed out, and of an end from outside",
    run: `await refused(step.waitForEvent("w", { type: "go", timeout: 200 })); await note("after"); await step.sleep("nap", "1 hour");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("after");
      await client.rest(300);
      await client.call("terminate", id);
      await client.end(id);
      return (await types(client, id)).slice(3);
    },
    right: ["wait_started", "wait_timed_out", "sleep_started", "workflow_terminated"],
  },
  {
    name: "subscribe tells of a rollback",
    run: `await step.do("a", async () => 1, { rollback: async () => {} }); throw new Error("no");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return (await types(client, id)).slice(7);
    },
    right: ["rollback_started", "rollback_step_started", "rollback_attempt_started", "rollback_attempt_completed", "rollback_step_completed", "rollback_completed", "workflow_errored"],
  },
  {
    name: "what subscribe tells has the fields of its type",
    run: `await step.do("a", { retries: { limit: 2, delay: "1 second", backoff: "linear" }, timeout: "1 minute" }, async () => ({ made: 1 })); await step.sleep("nap", 20); return "out";`,
    direct: true,
    async act(client) {
      const id = await client.create({ params: { p: 1 } });
      await client.end(id);
      const told = await client.call("events", id) as Record<string, unknown>[];
      return told.slice(2).map(({ eventId, timestamp, instanceId, params: _, ...event }) => [typeof eventId, typeof timestamp, instanceId === id, event]);
    },
    right: [
      { type: "workflow_running" },
      { type: "step_started", stepName: "a-1", config: { retries: { limit: 2, delay: "1 second", backoff: "linear" }, timeout: "1 minute" } },
      { type: "attempt_started", stepName: "a-1", attempt: 1 },
      { type: "attempt_completed", stepName: "a-1", attempt: 1 },
      { type: "step_completed", stepName: "a-1", output: { made: 1 } },
      { type: "sleep_started", stepName: "nap-1", durationMs: 20 },
      { type: "sleep_completed", stepName: "nap-1" },
      { type: "workflow_completed", output: "out" },
    ].map((event) => ["number", "number", true, event]),
  },
  {
    name: "a sensitive output is hidden from who subscribes",
    run: `return await step.do("a", { sensitive: "output" }, async () => "secret") === "secret";`,
    direct: true,
    async act(client) {
      const id = await client.create();
      const { output } = await client.end(id);
      const told = await client.call("events", id, { filter: ["step_completed"] }) as { output: unknown }[];
      return [output, told.map(({ output }) => output)];
    },
    right: [true, ["[REDACTED]"]],
  },
  {
    name: "subscribe goes on behind a cursor",
    run: `await step.do("a", async () => 1); return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      const told = await client.call("events", id) as { type: string; eventId: number }[];
      return await types(client, id, { cursor: told[4]?.eventId as number });
    },
    right: ["attempt_completed", "step_completed", "workflow_completed"],
  },
  {
    name: "subscribe keeps to a filter, and ends all the same",
    run: `await step.do("a", async () => 1); throw new Error("no");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return await types(client, id, { filter: ["step_completed"] });
    },
    right: ["step_completed"],
  },
  {
    name: "subscribe works in a tenant's code",
    run: `return 1;`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return (await types(client, id)).at(-1);
    },
    right: "workflow_completed",
    row: "CF-subscribe-9",
  },
  {
    name: "one id in two workflows is two instances",
    run: `return event.payload;`,
    async act(client) {
      const id = await client.create({ id: client.id("both"), params: { of: "tenant" } });
      const other = (method: string, body: object): Promise<Response> => client.fetch("/direct", { method: "POST", body: JSON.stringify({ verb: method, ...body }) });
      await other("create", { args: [{ id, params: { of: "dispatcher" } }] });
      for (let n = 0; n < 100; n++) {
        const { value } = await (await other("status", { id, args: [] })).json() as { value: { status: string; output: unknown } };
        if (value.status === "complete") return [await client.end(id), value.output];
        await client.rest(50);
      }
      return "never";
    },
    right: [complete({ of: "tenant" }), { of: "dispatcher" }],
  },
];
