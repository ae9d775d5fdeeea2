import { assert, assertEquals } from "@std/assert";
import { onEach } from "./_world.ts";

onEach("a step with sensitive output", (test) => {
  const body = `
    const key = await step.do("key", { sensitive: "output" }, async (ctx) => { await T.note(ctx.config.sensitive); return { key: "s3cret" }; });
    await step.sleep("s", "1 day");
    return await step.do("length", async () => key.key.length);
  `;

  test("hands the value on, also after a replay, and shows [REDACTED] in its place", async (world) => {
    const order = await world.run(body);
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 day");
    const same = await world.flows().get(order.id);
    assertEquals(await same.result(), 6);
    assertEquals(world.notes, ["output"]);
    const { entries } = await same.history();
    assert(!JSON.stringify(entries).includes("s3cret"));
    assertEquals(entries.filter(({ type, ok }) => type === "settled" && ok).map(({ name, value }) => [name, value]), [
      ["key", "[REDACTED]"],
      ["s", undefined],
      ["length", 6],
    ]);
  });

  test("shows its errors", async ({ run, until }) => {
    const order = await run(`await step.do("key", { sensitive: "output", retries: { limit: 0, delay: 0 } }, async () => { throw new RangeError("far"); })`);
    await until(order, "errored");
    assertEquals((await order.history()).entries.find(({ type }) => type === "settled")?.error, { name: "RangeError", message: "far" });
  });
});
