/** The workflows whose journals are golden: between them every kind of record. */

const flow = (body: string): string => `import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const { T } = this.env;
${body}
  }
}
`;

/** By name. */
export const SOURCES: { readonly [name: string]: string } = {
  "steps-sleeps-events": flow(`
    const a = await step.do("a", async () => { await T.body("a"); return { sku: event.payload.sku, at: event.payload.at }; });
    const early = await step.waitForEvent("early", { type: "early" });
    await step.sleep("nap", "2 hours");
    await step.sleepUntil("until", event.timestamp.getTime() + 86400000);
    const none = await step.waitForEvent("none", { type: "never", timeout: "1 hour" }).catch((error) => error.message);
    const last = await step.do("last", async () => { await T.body("last"); return new Map([[1, 2n]]); });
    return { a, early: early.payload, none, last };`),
  "retries-and-failures": flow(`
    const retried = await step.do("retried", { retries: { limit: 2, delay: "1 minute", backoff: "linear" }, timeout: "5 minutes" }, async (ctx) => {
      await T.body("retried");
      if (ctx.attempt < 3) throw new RangeError("not yet " + ctx.attempt);
      return "in the end";
    });
    const fatal = await step.do("fatal", async () => { throw new NonRetryableError("never"); }).catch((error) => error.name);
    const called = await T.body("outside");
    await step.do("ends it", { retries: { limit: 0, delay: 0 } }, async () => { throw new TypeError("the end"); });
    return [retried, fatal, called];`),
  "rolled-back": flow(`
    const undo = (name, rollback = async () => {}) => ({ rollback: async (given) => { await T.body("undo " + name); await rollback(given); }, rollbackConfig: { retries: { limit: 2, delay: "1 minute", backoff: "constant" } } });
    await step.do("a", async () => { await T.body("a"); return 1; }, undo("a"));
    await step.do("b", async () => { await T.body("b"); return 2; }, undo("b", async ({ output }) => { if (await T.attempt() < output) throw new RangeError("not yet"); }));
    const slow = step.do("slow", async () => { await T.body("slow"); return 3; }, undo("slow"));
    await step.do("c", { retries: { limit: 0, delay: 0 } }, async () => { await T.body("c"); throw new TypeError("gone"); }, undo("c"));
    await slow;`),
  "parallel-and-nested": flow(`
    const all = await Promise.all(["x", "y", "x"].map((name, i) => step.do(name, async () => { await T.body(name + i); return i; })));
    const outer = await step.do("outer", async () => {
      const inner = await step.do("x", async () => { await T.body("inner"); return "inner"; });
      await step.sleep("inside", 10);
      return [inner];
    });
    const race = await Promise.race([step.sleep("slow", "3 hours").then(() => "slow"), step.waitForEvent("w", { type: "late" }).then(({ payload }) => "event " + payload.n)]);
    await step.do("after " + race, async () => T.body("after"));
    return { all, outer, race, random: [Math.random(), crypto.randomUUID()] };`),
  "scheduled": flow(`
    const first = await step.do("first", async () => { await T.body("first"); return event.schedule; });
    await step.sleep("nap", "2 hours");
    return [first, event.schedule.cron, new Date(event.schedule.scheduledTime)];`),
  "delays-and-states": flow(`
    await step.setState({ at: "the beginning" });
    const config = { retries: { limit: 3, delay: async ({ ctx }) => { await T.body("asked"); return ctx.attempt + " minutes"; }, backoff: "linear" }, sensitive: "output" };
    const retried = await step.do("retried", config, async (ctx) => {
      await T.body("retried");
      await step.setState({ trying: new Date(0) });
      if (ctx.attempt < 3) throw new RangeError("not yet");
      return "secret";
    });
    const none = await step.do("none", { retries: { limit: 1, delay: () => "soon" } }, async () => { throw new Error("no"); }).catch((error) => error.name);
    await step.setState(new Map([["at", "the end"]]));
    const large = await step.setState("x".repeat(70000)).catch((error) => error.message);
    const last = await step.do("last", async () => { await T.body("last"); return 3; });
    return { retried: retried.length, none, large, last };`),
  "streams": flow(`
    const streamOf = (...texts) => new ReadableStream({ pull(c) { if (texts.length === 0) c.close(); else c.enqueue(new TextEncoder().encode(texts.shift())); } });
    const read = async (stream) => { let text = ""; for await (const chunk of stream) text += new TextDecoder().decode(chunk); return text; };
    const kept = await step.do("kept", async () => { await T.body("kept"); return streamOf("a ", "b"); });
    const none = await step.do("none", { sensitive: "output" }, async () => { await T.body("none"); return streamOf(); });
    const reader = kept.getReader();
    const [first, quick] = await Promise.all([reader.read(), step.do("quick", async () => { await T.body("quick"); return 1; }), step.sleep("no time", 0)]);
    reader.releaseLock();
    const retried = await step.do("retried", { retries: { limit: 1, delay: 0 } }, async ({ attempt }) => {
      await T.body("retried");
      return new ReadableStream({ pull(c) { if (attempt === 1) c.error(new RangeError("cut")); else { c.enqueue(new Uint8Array([attempt])); c.close(); } } });
    });
    await step.sleep("nap", "2 hours");
    const last = await step.do("last", async () => { await T.body("last"); return (await retried.getReader().read()).value[0]; });
    return { first: first.value.length, rest: await read(kept), none: await read(none), quick, last };`),
  "restarted-at-a-step": flow(`
    const letter = step.waitForEvent("letter", { type: "late" });
    const gone = step.do("gone", async () => { await T.body("gone"); throw new NonRetryableError("gone"); }).catch((error) => error.message);
    const slow = step.do("slow", { retries: { limit: 1, delay: "1 hour" } }, async ({ attempt }) => {
      await T.body("slow");
      if (attempt === 1) throw new RangeError("not yet");
      return attempt;
    });
    const again = await step.do("again", async () => { await T.body("again"); return 1; });
    await step.sleep("nap", "3 hours");
    const last = await step.do("last", async () => { await T.body("last"); return 3; });
    return { letter: (await letter).payload, gone: await gone, slow: await slow, again, last };`),
  "children": `${flow(`
    const first = step.invoke("first", { workflow: "Child", params: { ms: 7_200_000 }, id: "first" });
    const [second, fails] = await Promise.all([
      step.invoke("second", { workflow: "Child", params: { ms: 0 }, id: "second" }),
      step.invoke("fails", { workflow: "Child", params: { ms: 3_600_000, fails: true }, id: "fails" }).catch((error) => error.message),
    ]);
    const away = await step.invoke("away", { workflow: "Child", params: { ms: 0 }, id: "away", detach: true });
    const taken = await step.invoke("taken", { workflow: "Flow", id: "golden" }).catch((error) => error.name);
    const last = await step.do("last", async () => { await T.body("last"); return 3; });
    return { first: await first, second, fails, away: away.id ?? away, taken, last };`)}
export class Child extends WorkflowEntrypoint {
  async run(event, step) {
    await step.sleep("nap", event.payload.ms);
    if (event.payload.fails) throw new RangeError("no " + event.instanceId);
    return { by: event.instanceId, ms: event.payload.ms };
  }
}
`,
  "upgraded": flow(`
    const kept = await step.do("kept", async () => { await T.body("kept"); return 1; });
    await step.sleep("nap", "2 hours");
    const early = await step.waitForEvent("early", { type: "early" });
    return { kept, early: early.payload, last: await step.do("last", async () => { await T.body("last"); return 3; }) };`),
};

/** The code that some of them began in, by name. */
export const BEFORE: { readonly [name: string]: string } = {
  "upgraded": flow(`
    const kept = await step.do("kept", async () => { await T.body("kept"); return 1; });
    await step.sleep("nap", "2 hours");
    return kept;`),
};

/** The steps at which some of them are begun again when they have ended. */
export const RESTARTS: { readonly [name: string]: string } = { "restarted-at-a-step": "again" };

/** The schedules that make instances of some of them. */
export const SCHEDULES: { readonly [name: string]: string } = { "scheduled": "30 * * * *" };

/** The workflow whose instances stand in the golden databases: each does what its params say. */
export const DATABASE: string = flow(`
    const { does, at } = event.payload;
    const first = await step.do("first", async () => { await T.body("first"); return { does, at: at.toISOString() }; });
    switch (does) {
      case "asleep": case "paused": case "terminated": case "restarted":
        await step.sleep("nap", "2 hours");
        break;
      case "waiting": {
        const go = await step.waitForEvent("go", { type: "go", timeout: "30 days" });
        const early = await step.waitForEvent("early", { type: "early", timeout: "1 hour" });
        first.heard = [go.payload, String(early.payload.get(1))];
        break;
      }
      case "retrying":
        first.tries = await step.do("tries", { retries: { limit: 2, delay: "1 hour", backoff: "constant" } }, async ({ attempt }) => {
          await T.body("tries");
          if (attempt < 3) throw new RangeError("not yet");
          return attempt;
        });
        break;
      case "racing":
        first.race = await Promise.race([step.sleep("slow", "3 hours").then(() => "slow"), step.sleep("fast", "1 hour").then(() => "fast")]);
        break;
      case "hanging":
        first.hung = await step.do("hangs", async ({ attempt }) => {
          await T.body("hangs");
          if (attempt === 1) await T.hang();
          return attempt;
        });
        break;
      case "errored":
        throw new TypeError("of its own");
    }
    return { ...first, last: await step.do("last", async () => { await T.body("last"); return Math.floor(1.5); }) };`);
