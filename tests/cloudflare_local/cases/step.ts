/** Bodies, their attempts and what comes of them. */
import { type Case, type Client, retries } from "../case.ts";

async function once(client: Client): Promise<unknown> {
  return await client.end(await client.create());
}

async function withSeen(client: Client): Promise<unknown> {
  return { ...await client.end(await client.create()), seen: await client.seen() };
}

const complete = (output: unknown): object => ({ status: "complete", output });

/** See the file. */
export const STEP: readonly Case[] = [
  {
    name: "a step runs its body once and gives its result to the run",
    run: `return await step.do("greet", async () => { await note("ran"); return "Hello, " + event.payload.name; });`,
    async act(client) {
      const id = await client.create({ params: { name: "Ada" } });
      return { ...await client.end(id), seen: await client.seen() };
    },
    right: { status: "complete", output: "Hello, Ada", seen: ["ran"] },
  },
  {
    name: "a body is tried as often as its limit says, and once more",
    run: `return await step.do("try", ${retries(2)}, async ({ attempt }) => { await note(attempt); if (attempt < 3) throw new Error("not yet"); return attempt; });`,
    act: withSeen,
    right: { ...complete(3), seen: ["1", "2", "3"] },
  },
  {
    name: "a limit of 0 is one attempt",
    run: `return await caught(step.do("try", ${retries(0)}, async () => { await note("ran"); throw new Error("never"); }));`,
    act: withSeen,
    right: { ...complete({ name: "Error", message: "never" }), seen: ["ran"] },
  },
  {
    name: "a step that has used up its attempts fails the instance with its last error",
    run: `await step.do("try", ${retries(1)}, async ({ attempt }) => { await note(attempt); throw new RangeError("attempt " + attempt); });`,
    act: withSeen,
    right: { status: "errored", error: { name: "RangeError", message: "attempt 2" }, seen: ["1", "2"] },
  },
  {
    name: "a failing step that is caught does not fail the instance",
    run: `const error = await caught(step.do("try", ${retries(0)}, async () => { throw new TypeError("no"); }));
      return [error, await step.do("next", async () => "went on")];`,
    act: once,
    right: complete([{ name: "TypeError", message: "no" }, "went on"]),
  },
  {
    name: "the error of a step is an instance of its class in the run",
    run: `try { await step.do("try", ${retries(0)}, async () => { throw new RangeError("far"); }); } catch (error) { return [error instanceof RangeError, error instanceof Error, error.name]; }`,
    act: once,
    right: complete([true, true, "RangeError"]),
  },
  {
    name: "an error with an empty message is retried like any",
    run: `return await step.do("try", ${retries(1)}, async ({ attempt }) => { if (attempt === 1) throw new Error(""); return attempt; });`,
    act: once,
    right: complete(2),
  },
  {
    name: "an error of an own class keeps its name",
    run: `class Mine extends Error { name = "Mine"; }
      return await caught(step.do("try", ${retries(0)}, async () => { throw new Mine("own"); }));`,
    act: once,
    right: complete({ name: "Mine", message: "own" }),
    row: "CF-failure-7",
  },
  {
    name: "an error that a run throws outside of steps ends it at once",
    run: `await note("ran"); throw new SyntaxError("outside");`,
    act: withSeen,
    right: { status: "errored", error: { name: "SyntaxError", message: "outside" }, seen: ["ran"] },
  },
  {
    name: "a NonRetryableError has one attempt, and keeps its message",
    run: `await step.do("try", ${retries(3)}, async () => { await note("ran"); throw new NonRetryableError("for good"); });`,
    act: withSeen,
    right: { status: "errored", error: { name: "NonRetryableError", message: "for good" }, seen: ["ran"] },
  },
  {
    name: "a NonRetryableError with a name of its own keeps it",
    run: `await step.do("try", ${retries(3)}, async () => { await note("ran"); throw new NonRetryableError("for good", "Mine"); });`,
    act: async (client) => ({ seen: ((await withSeen(client)) as { seen: unknown }).seen }),
    right: { seen: ["ran"] },
    row: "CF-nonretryable-5",
  },
  {
    name: "a NonRetryableError with an empty message has one attempt",
    run: `return await refused(step.do("try", ${retries(3)}, async () => { await note("ran"); throw new NonRetryableError(""); }));`,
    act: withSeen,
    right: { ...complete("NonRetryableError"), seen: ["ran"] },
  },
  {
    name: "a NonRetryableError can be caught, and the run goes on",
    run: `const error = await refused(step.do("try", ${retries(3)}, async () => { throw new NonRetryableError("for good"); }));
      return [error, await step.do("next", async () => 1)];`,
    act: once,
    right: complete(["NonRetryableError", 1]),
  },
  {
    name: "an attempt that takes too long is timed out, and tried again",
    run: `return await step.do("slow", { ...${retries(1)}, timeout: 1500 }, async ({ attempt }) => { await note(attempt); if (attempt === 1) await gate("never"); return attempt; });`,
    act: withSeen,
    right: { ...complete(2), seen: ["1", "2"] },
  },
  {
    name: "a time-out reads the same in the run and outside",
    run: `await step.do("slow", { ...${retries(0)}, timeout: "1 second" }, async () => { await gate("never"); });`,
    act: once,
    right: { status: "errored", error: { name: "Error", message: "WorkflowTimeoutError: Execution timed out after 1000ms" } },
  },
  {
    name: "a time-out that is caught has its name",
    run: `return await refused(step.do("slow", { ...${retries(0)}, timeout: 200 }, async () => { await gate("never"); }));`,
    act: once,
    right: complete("WorkflowTimeoutError"),
  },
  {
    name: "a delay function is asked, and its answer is waited for",
    run: `const times = [];
      await step.do("try", { retries: { limit: 1, delay: ({ ctx, error }) => { note("asked " + ctx.attempt + " " + error.message); return 300; }, backoff: "constant" } }, async ({ attempt }) => { await note(attempt); if (attempt === 1) throw new Error("once"); });
      return true;`,
    act: withSeen,
    right: { ...complete(true), seen: ["1", "asked 1 once", "2"] },
  },
  {
    name: "a delay function that throws ends the step, naming the cause",
    run: `const error = await caught(step.do("try", { retries: { limit: 3, delay: () => { throw new Error("no delay"); } } }, async () => { await note("ran"); throw new Error("once"); }));
      return [/NonRetryableDelayError/.test(error.name + error.message), /no delay/.test(error.message)];`,
    act: withSeen,
    right: { ...complete([true, true]), seen: ["ran"] },
  },
  {
    name: "a delay function that answers with no duration ends the step",
    run: `const error = await caught(step.do("try", { retries: { limit: 3, delay: () => "soon" } }, async () => { await note("ran"); throw new Error("once"); }));
      return /NonRetryableDelayError/.test(error.name + error.message);`,
    act: withSeen,
    right: { ...complete(true), seen: ["ran"] },
  },
  {
    name: "a context has the delay that is static, and none that is a function",
    run: `return [await step.do("a", { retries: { limit: 1, delay: "2 seconds" } }, async ({ config }) => config.retries), await step.do("b", { retries: { limit: 1, delay: () => 5 } }, async ({ config }) => config.retries)];`,
    act: once,
    right: complete([{ limit: 1, delay: "2 seconds", backoff: "exponential" }, { limit: 1, backoff: "exponential" }]),
  },
  ...["constant", "linear", "exponential"].map((backoff, n): Case => ({
    name: `the backoff ${backoff} waits as long as it says`,
    run: `await step.do("try", { retries: { limit: 3, delay: 150, backoff: "${backoff}" } }, async ({ attempt }) => { await note(Date.now()); if (attempt < 4) throw new Error("not yet"); });`,
    async act(client) {
      const { status } = await client.end(await client.create());
      const at = (await client.seen()).map(Number), least = [[150, 150, 150], [150, 300, 450], [150, 300, 600]][n] as number[];
      // a clock may be a little behind another
      return [status, at.slice(1).map((each, n) => each - (at[n] as number) >= (least[n] as number) - 20)];
    },
    right: ["complete", [true, true, true]],
  })),
  {
    name: "a context has attempt, name, count and defaults",
    run: `return await step.do("a", async ({ attempt, step, config }) => ({ attempt, step, limit: config.retries.limit, backoff: config.retries.backoff, timeout: config.timeout }));`,
    act: once,
    right: complete({ attempt: 1, step: { name: "a", count: 1 }, limit: 5, backoff: "exponential", timeout: "10 minutes" }),
  },
  {
    name: "the delay before a retry is 10 seconds by default",
    run: `return await step.do("a", async ({ config }) => config.retries.delay);`,
    act: once,
    right: complete("10 seconds"),
    row: "CF-config-9",
  },
  {
    name: "what is configured is merged with the defaults",
    run: `return [await step.do("a", { timeout: "1 minute" }, async ({ config }) => [config.timeout, config.retries.limit]), await step.do("b", { retries: { limit: 1, delay: 7 } }, async ({ config }) => [config.timeout, config.retries])];`,
    act: once,
    right: complete([["1 minute", 5], ["10 minutes", { limit: 1, delay: 7, backoff: "exponential" }]]),
  },
  {
    name: "a body that changes its context changes no retries",
    run: `await caught(step.do("a", ${retries(1)}, async (ctx) => { await note(ctx.config.retries.limit); ctx.config.retries.limit = 9; throw new Error("no"); }));`,
    act: async (client) => ({ seen: ((await withSeen(client)) as { seen: unknown }).seen }),
    right: { seen: ["1", "1"] },
  },
  {
    name: "steps of one name are counted",
    run: `const body = async ({ step }) => step.name + "-" + step.count; return [await step.do("a", body), await step.do("b", body), await step.do("a", body), await step.do("a", body)];`,
    act: once,
    right: complete(["a-1", "b-1", "a-2", "a-3"]),
  },
  {
    name: "steps in parallel run at once, and are numbered as they start",
    run: `return await Promise.all([1, 2, 3].map((n) => step.do("a", async ({ step }) => { await note("in"); await gate("out"); return n + "-" + step.count; })));`,
    async act(client) {
      const id = await client.create();
      await client.noted("in", 3);
      await client.open("out");
      return await client.end(id);
    },
    right: complete(["1-1", "2-2", "3-3"]),
  },
  {
    name: "of a race the first one wins, and the other runs to its end",
    run: `const won = await Promise.race([step.do("slow", async () => { await gate("slow"); await note("slow"); return "slow"; }), step.do("fast", async () => "fast")]);
      await step.waitForEvent("go", { type: "go" });
      return won;`,
    async act(client) {
      const id = await client.create();
      await client.rest(200);
      await client.open("slow");
      await client.noted("slow");
      await client.call("sendEvent", id, { type: "go", payload: 1 });
      return await client.end(id);
    },
    right: complete("fast"),
  },
  {
    name: "a step that nobody awaits does not hold the end of the run",
    run: `step.do("left", async () => { await note("in"); await gate("out"); await note("out"); }); await step.do("next", async () => { await gate("next"); }); return "done";`,
    async act(client) {
      const id = await client.create();
      await client.noted("in");
      await client.open("next");
      const end = await client.end(id);
      await client.open("out");
      await client.noted("out");
      return end;
    },
    right: complete("done"),
  },
  {
    name: "a step in a step gives its result to the body",
    run: `return await step.do("outer", async () => 1 + await step.do("inner", async () => { await note("inner"); return 41; }));`,
    act: withSeen,
    right: { ...complete(42), seen: ["inner"] },
  },
  {
    name: "steps in a step are counted within it",
    run: `const outer = (name) => step.do(name, () => step.do("inner", async ({ step }) => step.count)); return [await outer("a"), await outer("b")];`,
    act: once,
    right: complete([1, 1]),
    row: "CF-nested-2",
  },
  {
    name: "names are of at most 256 characters, none of control, and may be empty",
    run: `const tried = []; for (const name of ["", "x".repeat(256), "x".repeat(257), "a\\u0000b", "a\\nb", "ä😀"]) tried.push(await refused(step.do(name, async () => "ran"))); return tried;`,
    act: once,
    right: complete(["taken", "taken", "WorkflowFatalError", "WorkflowFatalError", "WorkflowFatalError", "taken"]),
  },
  {
    name: "configs that say nothing that is known are refused, catchably",
    run: `const tried = []; for (const config of [{ retries: { limit: 1 } }, { retries: { delay: 1 } }, { unknown: 1 }, { retries: { limit: 1, delay: "soon" } }, { timeout: 0 }, { sensitive: "all" }, { sensitive: true }, { retries: { limit: -1, delay: 1 } }]) tried.push(await refused(step.do("a", config, async () => "ran"))); return tried;`,
    act: once,
    right: complete(Array.from({ length: 8 }, () => "WorkflowFatalError")),
  },
  {
    name: "configs with zeros and with a delay function are taken",
    run: `const tried = []; for (const config of [{}, { retries: { limit: 0, delay: 0 } }, { retries: { limit: 1, delay: () => 1 } }, { sensitive: "output" }, { timeout: 5000 }, { timeout: "1 hour" }]) tried.push(await caught(step.do("a", config, async () => "ran"))); return tried;`,
    act: once,
    right: complete(Array.from({ length: 6 }, () => "ran")),
  },
  {
    name: "exactly as many steps as the limit says are let through",
    run: `for (let n = 0; n < 24; n++) await step.do("a", async () => n); return "all";`,
    act: once,
    right: complete("all"),
  },
  {
    name: "the step after the limit fails the instance",
    run: `for (let n = 0; n < 25; n++) await step.do("a", async () => n); return "all";`,
    async act(client) {
      const { status, error } = await client.end(await client.create());
      return { status, says: /The limit of 24 steps has been reached/.test(error?.message ?? "") };
    },
    right: { status: "errored", says: true },
  },
  {
    name: "a sleep is no step: the limit does not count it",
    run: `for (let n = 0; n < 24; n++) await step.do("a", async () => n); await step.sleep("nap", 10); return "all";`,
    act: once,
    right: complete("all"),
  },
];
