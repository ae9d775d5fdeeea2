/** What the simulator found (`npm run sim`), each as the smallest case that shows it. */
import { assertEquals } from "@std/assert";
import { onEach } from "./semantics/_world.ts";

const types = async (order: { history(): Promise<{ entries: readonly { type: string }[] }> }): Promise<string[]> =>
  (await order.history()).entries.map(({ type }) => type);

onEach("a journal", (test) => {
  test("ends with the end of the run: a step that times out after it is not recorded", async ({ run, pass }) => {
    const order = await run(`
      step.do("slow", { timeout: 100, retries: { limit: 0, delay: 0 } }, () => T.gate("never")).catch(() => {});
      return 1;
    `);
    assertEquals(await order.result(), 1);
    const ended = await types(order);
    await pass("1 second");
    assertEquals(await types(order), ended);
  });
});

onEach("after a crash", (test) => {
  test("what ran is cut off, counted and run again, also when a message finds it before recovery does", async ({ run, crash, rest, open, flows }) => {
    const order = await run(`return await step.do("a", () => T.gate("a"))`);
    await crash({ engine: false });
    flows().get(order.id).then((from) => from.sendEvent({ type: "any" })).catch(() => {});
    await rest();
    await crash({ engine: true });
    open("a", 1);
    const after = await flows().get(order.id);
    assertEquals(await after.result(), 1);
    assertEquals((await types(after)).filter((type) => type === "interrupted").length, 1);
  });
});
