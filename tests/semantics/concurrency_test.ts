/** How many instances of a workflow, or of a key within it, run at one time. */
import { assertEquals, assertRejects } from "@std/assert";
import { onEach, type World } from "./_world.ts";

/** Notes that it begins, holds its place until its gate is opened, notes that it ends. */
const HOLD = `
  await step.do("hold", async () => { await T.note("begin " + event.instanceId); await T.gate(event.instanceId); await T.note("end " + event.instanceId); });
  return 1;
`;

const running = ({ notes }: World): string[] => {
  const of = (word: string): string[] => (notes as string[]).filter((note) => note.startsWith(word)).map((note) => note.slice(word.length + 1));
  return of("begin").filter((id) => !of("end").includes(id));
};

async function make(world: World, ids: readonly string[], concurrency?: { limit: number; key?: string }): Promise<void> {
  for (const id of ids) await world.flows().create({ id, ...(concurrency !== undefined && { concurrency }) });
}

onEach("concurrency of a key", (test) => {
  test("lets so many run, and the others begin in the order in which they came", async (world) => {
    await world.flow(HOLD);
    const ids = ["a", "b", "c", "d", "e"];
    await make(world, ids, { limit: 2, key: "customer-7" });
    await world.when("two run", () => running(world).length === 2);
    await world.rest();
    assertEquals(running(world), ["a", "b"]);
    assertEquals((await (await world.flows().get("c")).status()).status, "queued");
    for (const [n, id] of ids.entries()) {
      world.open(id);
      await world.when(`${id} has ended`, () => world.notes.includes(`end ${id}`));
      await world.rest();
      assertEquals(running(world), ids.slice(n + 1, n + 3));
    }
  });

  test("holds for one that is begun anew while it is being opened", async (world) => {
    let ready = (): void => {};
    const granted = new Promise<Record<string, unknown>>((done) => ready = () => done({}));
    let asked = 0;
    await world.reopen({ env: () => asked++ === 0 ? granted : {} });
    await world.flow(HOLD);
    await make(world, ["a", "b", "c"], { limit: 1, key: "one" });
    await world.when("a is being opened", () => asked === 1);
    await (await world.flows().get("a")).restart();
    await world.rest();
    ready();
    await world.rest();
    assertEquals(running(world).length, 1);
    for (const id of ["a", "b", "c"]) world.open(id);
    for (const id of ["a", "b", "c"]) assertEquals(await (await world.flows().get(id)).result(), 1);
  });

  test("is each key's own, and nobody's who has none", async (world) => {
    await world.flow(HOLD);
    await make(world, ["a", "b"], { limit: 1, key: "one" });
    await make(world, ["c", "d"], { limit: 1, key: "two" });
    await make(world, ["e", "f"]);
    await world.when("four run", () => running(world).length === 4);
    await world.rest();
    assertEquals(running(world).sort(), ["a", "c", "e", "f"]);
    for (const id of "abcdef") world.open(id);
    await world.when("all have run", () => world.notes.length === 12);
  });

  test("does not count who sleeps, and lets who wakes wait its turn", async (world) => {
    await world.flow(`await step.sleep("s", event.payload.ms); ${HOLD}`);
    for (const [id, ms] of [["a", 1_000], ["b", 2_000], ["c", 3_000]] as const) {
      await world.flows().create({ id, params: { ms }, concurrency: { limit: 1 } });
    }
    await world.until(await world.flows().get("c"), "waiting");
    await world.pass("3 seconds");
    assertEquals(running(world), ["a"]);
    for (const id of "abc") world.open(id);
    await world.when("all have run", () => world.notes.length === 6);
    assertEquals(world.notes.filter((note) => String(note).startsWith("begin")), ["begin a", "begin b", "begin c"]);
  });

  test("passes over who is terminated or paused while it waits", async (world) => {
    await world.flow(HOLD);
    await make(world, ["a", "b", "c", "d"], { limit: 1 });
    await world.when("one runs", () => running(world).length === 1);
    await (await world.flows().get("b")).terminate();
    await (await world.flows().get("c")).pause();
    for (const id of "acd") world.open(id);
    await world.when("the last has run", () => world.notes.includes("end d"));
    assertEquals(world.notes, ["begin a", "end a", "begin d", "end d"]);
    await (await world.flows().get("c")).resume();
    await world.when("the resumed one has run", () => world.notes.includes("end c"));
  });

  test("holds after a crash and a restart", async (world) => {
    await world.flow(HOLD);
    await make(world, ["a", "b", "c"], { limit: 1 });
    await world.when("one runs", () => running(world).length === 1);
    await world.crash();
    await world.when("one runs again", () => world.notes.length === 2);
    await world.rest();
    assertEquals(new Set(world.notes), new Set(["begin a"]));
    await (await world.flows().get("b")).restart();
    await world.rest();
    assertEquals(new Set(world.notes), new Set(["begin a"]));
    for (const id of "abc") world.open(id);
    await world.when("all have run", () => ["end a", "end b", "end c"].every((note) => world.notes.includes(note)));
  });

  for (const concurrency of [{ limit: 0 }, { limit: 1.5 }, { limit: 1, key: "x".repeat(257) }, { limit: "1" as never }]) {
    test(`refuses ${JSON.stringify(concurrency).slice(0, 40)}`, async (world) => {
      await world.flow(HOLD);
      await assertRejects(() => world.flows().create({ concurrency }), Error, "Cannot use a concurrency limit of");
    });
  }
});

onEach("limits.workflowConcurrency", (test) => {
  test("bounds the instances of each workflow", async (world) => {
    await world.reopen({ limits: { workflowConcurrency: 2 } });
    await world.flow(HOLD);
    await make(world, ["a", "b", "c"]);
    await world.when("two run", () => running(world).length === 2);
    await world.rest();
    assertEquals(running(world), ["a", "b"]);
    world.open("b");
    await world.when("the third runs", () => running(world).includes("c"));
    for (const id of "ac") world.open(id);
    await world.when("all have run", () => world.notes.length === 6);
  });
});
