import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LogContext, Logger } from "../../mod.ts";
import { onEach } from "./_world.ts";

/** A logger that keeps its lines. */
function keeping(): { readonly logger: Logger; readonly lines: [level: string, text: string, step: string | null][] } {
  const lines: [string, string, string | null][] = [];
  const on = (level: string) => (text: string, { step }: LogContext) => void lines.push([level, text, step]);
  return { lines, logger: { debug: on("debug"), info: on("info"), warn: on("warn"), error: on("error") } };
}

onEach("console", (test) => {
  test("goes to the logger, with level and step", async (world) => {
    const { logger, lines } = keeping();
    await world.reopen({ logger });
    const order = await world.run(`
      console.log("log", 1, { a: [true] });
      console.info("info"); console.debug("debug"); console.warn("warn"); console.error("error");
      await step.do("in", async () => { console.log("inside"); });
    `);
    await order.result();
    assertEquals(lines.map(([level, text, step]) => [level, text.split(" ")[0], step]), [
      ["info", "log", null],
      ["info", "info", null],
      ["debug", "debug", null],
      ["warn", "warn", null],
      ["error", "error", null],
      ["info", "inside", "in"],
    ]);
    assertMatch(lines[0]?.[1] ?? "", /^log 1 .*a.*true/);
  });

  test("says whose line it is", async (world) => {
    const seen: LogContext[] = [];
    const keep = (_text: string, context: LogContext) => void seen.push(context);
    await world.reopen({ logger: { debug: keep, info: keep, warn: keep, error: keep } });
    await (await world.run(`console.log(1)`, { id: "order-1" })).result();
    assertEquals(seen, [{ tenantId: "acme", workflow: "Flow", instanceId: "order-1", step: null }]);
  });

  test("shows each line once, however often the run is replayed", async (world) => {
    const { logger, lines } = keeping();
    await world.reopen({ logger });
    const order = await world.run(`
      console.log("start");
      const a = await step.do("a", async () => { console.log("in a"); return 1; });
      console.log("after a");
      await step.sleep("s", "1 day");
      console.log("awake");
      await step.waitForEvent("w", { type: "t" });
      console.log("end");
    `);
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 day");
    const again = await world.flows().get(order.id);
    await world.until(again, "waiting");
    await world.crash();
    await (await world.flows().get(order.id)).sendEvent({ type: "t", id: "1" });
    await (await world.flows().get(order.id)).result();
    assertEquals(lines.map(([, text]) => text), ["start", "in a", "after a", "awake", "end"]);
  });

  test("shows what each attempt says", async (world) => {
    const { logger, lines } = keeping();
    await world.reopen({ logger });
    const order = await world.run(`
      await step.do("a", { retries: { limit: 1, delay: 0 } }, async (ctx) => {
        console.log("attempt " + ctx.attempt);
        if (ctx.attempt === 1) throw new Error("no");
      });
    `);
    await order.result();
    assertEquals(lines.map(([, text]) => text), ["attempt 1", "attempt 2"]);
  });

  test("takes anything", async (world) => {
    const { logger, lines } = keeping();
    await world.reopen({ logger });
    const order = await world.run(`
      const cycle = {}; cycle.self = cycle;
      console.log(cycle, Symbol("s"), 1n, () => {}, new Map([[1, 2]]), Object.create(null), { get x() { throw new Error("no"); } });
      console.log();
      console.log("%s is %d", "x", 5);
      return "done";
    `);
    assertEquals([await order.result(), lines.length], ["done", 3]);
  });

  test("stops at limits.logBytes, and the run goes on", async (world) => {
    const { logger, lines } = keeping();
    await world.reopen({ logger, limits: { logBytes: 1_000 } });
    const order = await world.run(`for (let i = 0; i < 50; i++) console.log("x".repeat(100)); return "done"`);
    assertEquals(await order.result(), "done");
    assert(lines.length > 0 && lines.length <= 11, String(lines.length));
  });

  test("is nothing to a run without a logger", async ({ run }) => {
    assertEquals(await (await run(`console.log("x"); return "done"`)).result(), "done");
  });
});
