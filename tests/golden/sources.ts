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
};
