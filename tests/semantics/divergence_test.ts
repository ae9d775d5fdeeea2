import { assertEquals, assertMatch } from "@std/assert";
import type { WorkflowInstance } from "../../mod.ts";
import { trusted } from "../../adapters/sandbox/trusted.ts";
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { describe, it } from "node:test";
import { inWorld, onEach, source, type World } from "./_world.ts";
import { whileTimePasses } from "./_upgrade.ts";

/** `env` is asked for at every start and never stored: code that branches by it is not deterministic. */
const grants = (CODE: string) => ({ env: () => ({ CODE }) });

const FLOW = `
  const a = await step.do("a", async () => { await T.note("a"); return 1; });
  if (env.CODE === "new step") await step.do("new", async () => { await T.note("new"); });
  if (env.CODE === "renamed sleep") await step.sleep("other", "1 day");
  else if (env.CODE !== "no sleep") await step.sleep("s", "1 day");
  if (env.CODE === "early end") return "early";
  return [a, await step.do("b", async () => { await T.note("b"); return 2; })];
`;

/** Runs `FLOW` into its sleep by the old code, then wakes it by another. */
async function changed(world: World, code: string): Promise<WorkflowInstance> {
  await world.reopen(grants("old"));
  const order = await world.run(FLOW, { id: "order-1" });
  await world.until(order, "waiting");
  await world.reopen(grants(code));
  return parked(world);
}

/** Wakes the instance and waits until it is parked: a guest that acts by itself is given ten seconds to issue what its history holds. */
async function parked(world: World): Promise<WorkflowInstance> {
  await world.pass("1 day");
  const order = await world.flows().get("order-1");
  await world.when("it is parked", async () => {
    world.clock.jump(1_000);
    return (await order.status()).status === "paused";
  });
  return order;
}

onEach("code that departs from its history", (test) => {
  for (
    const [code, sides] of [
      ["new step", /step "new"/],
      ["renamed sleep", /sleep "other"|sleep "s"/],
      ["no sleep", /step "b"|sleep "s"/],
    ] as const
  ) {
    test(`(${code}) parks its instance, names both sides, and runs no new body`, async (world) => {
      const order = await changed(world, code);
      const { paused } = await order.status();
      assertEquals(paused?.code, "nondeterministic");
      assertMatch(paused?.message ?? "", sides);
      assertEquals(world.notes, ["a"]);
    });

    test(`(${code}) loses nothing: after the fix resume() goes on`, async (world) => {
      await changed(world, code);
      await world.reopen(grants("old"));
      const again = await world.flows().get("order-1");
      assertEquals((await again.status()).paused?.code, "nondeterministic");
      await again.resume();
      await world.pass("1 day");
      assertEquals(await again.result(), [1, 2]);
      assertEquals(world.notes, ["a", "b"]);
    });
  }

  test("is parked again by a resume() without a fix", async (world) => {
    const order = await changed(world, "new step");
    await order.resume();
    await parked(world);
    assertEquals((await order.status()).paused?.code, "nondeterministic");
  });

  for (const verb of ["terminate", "restart", "delete"] as const) {
    test(`may be given up by ${verb}()`, async (world) => {
      const order = await changed(world, "new step");
      await order[verb]();
      if (verb === "terminate") assertEquals((await order.status()).status, "terminated");
      if (verb === "restart") await world.when("the new step ran", () => world.notes.includes("new"));
      if (verb === "delete") assertEquals((await world.flows().list()).instances, []);
    });
  }

  test("that ends early is parked, too", async (world) => {
    await world.reopen(grants("old"));
    const order = await world.run(`
      await step.do("a", async () => 1);
      if (env.CODE === "early end") return "early";
      await step.do("b", async () => 2);
      await step.sleep("s", "1 day");
      return "done";
    `, { id: "order-1" });
    await world.until(order, "waiting");
    await world.reopen(grants("early end"));
    const again = await parked(world);
    assertMatch((await again.status()).paused?.message ?? "", /step "b"/);
  });

  test("only in the order of what it starts in one turn is the same code", async (world) => {
    await world.reopen(grants("old"));
    const order = await world.run(`
      const names = env.CODE === "old" ? ["a", "b"] : ["b", "a"];
      const [one, two] = await Promise.all(names.map((name) => step.do(name, async () => name)));
      await step.sleep("s", "1 day");
      return [one, two];
    `, { id: "order-1" });
    await world.until(order, "waiting");
    await world.reopen(grants("new"));
    await world.pass("1 day");
    assertEquals(await (await world.flows().get("order-1")).result(), ["b", "a"]);
  });

  test("behind its history is not looked at: what is new there runs", async (world) => {
    await world.reopen(grants("old"));
    const order = await world.run(`
      await step.sleep("s", "1 day");
      if (env.CODE === "new") return await step.do("new", async () => "new");
      return "old";
    `, { id: "order-1" });
    await world.until(order, "waiting");
    await world.reopen(grants("new"));
    await world.pass("1 day");
    assertEquals(await (await world.flows().get("order-1")).result(), "new");
  });
});

const HISTORY = [
  `const a = await step.do("a", async () => { await T.note("a"); return 1; });`,
  `const b = await step.do("b", async () => { await T.note("b"); return 2; });`,
  `await step.sleep("nap", "1 day");`,
  `return [a, b, await step.do("c", async () => { await T.note("c"); return 3; })];`,
];
const [A, B, SLEEP, C] = HISTORY as [string, string, string, string];
const another = (name: string): string => `await step.do("${name}", async () => { await T.note("${name}"); });`;
const said = (what: string): string => what.includes('"') ? what : `step "${what}"`;

/** How code changes its mind, what its history holds there, and what it does instead. */
const CHANGES: readonly (readonly [change: string, code: readonly string[], expected: string, found: string | null])[] = [
  ["another branch", [A, another("tails"), SLEEP, C.replace(" b,", "")], "b", "tails"],
  ["a renamed step", [A.replace(`"a", async`, `"alpha", async`), B, SLEEP, C], "a", "alpha"],
  ["a renamed sleep", [A, B, SLEEP.replace("nap", "rest"), C], `sleep "nap"`, `sleep "rest"`],
  ["swapped steps", [B, A, SLEEP, C], "a", "b"],
  ["a removed step at the beginning", [B, SLEEP, C.replace(" b,", "").replace("[a", "[b")], "a", "b"],
  ["a removed step", [A, SLEEP, C.replace(" b,", "")], "b", `sleep "nap"`],
  ["an inserted step at the beginning", [another("new"), ...HISTORY], "a", "new"],
  ["an inserted step", [A, another("new"), B, SLEEP, C], "b", "new"],
  ["an inserted step at the end of its history", [A, B, another("new"), SLEEP, C], `sleep "nap"`, "new"],
  ["a wait in place of a step", [A, `const b = await step.waitForEvent("b", { type: "b" });`, SLEEP, C], "b", `wait "b"`],
  ["the end", [A, `return "early";`], "b", "the end of the run"],
  ["nothing to wait for", [A, `await new Promise(() => {});`], "b", null],
];

onEach("code that changes its mind", (test) => {
  for (const [change, code, expected, found] of CHANGES) {
    const choice = `if (env.CODE === "changed") { ${code.join("\n")} } else { ${HISTORY.join("\n")} }`;
    const sides = [said(expected), found === null ? null : found.startsWith("the end") ? found : said(found)] as const;

    test(`(${change}) parks its instance with both sides named: no body runs, nothing is lost, and the fix goes on`, async (world) => {
      await world.reopen(grants("old"));
      await world.until(await world.run(choice, { id: "order-1" }), "waiting");
      await world.reopen(grants("changed"));
      const order = await parked(world);
      const { paused, ...status } = await order.status();
      assertEquals([status.status, paused?.code, world.notes], ["paused", "nondeterministic", ["a", "b"]]);
      for (const side of sides) assertEquals([side, side === null || paused?.message.includes(side)], [side, true]);
      await world.reopen(grants("old"));
      const again = await world.flows().get("order-1");
      await again.resume();
      await world.pass("1 day");
      assertEquals([await again.result(), world.notes], [[1, 2, 3], ["a", "b", "c"]]);
    });

    test(`(${change}) is found by a dry run over all that live, before it breaks any of them`, async (world) => {
      const orders = [];
      for (const id of ["order-1", "order-2"]) orders.push(await world.run(HISTORY.join("\n"), { id }));
      for (const order of orders) await world.until(order, "waiting");
      const { version } = await world.tenure().tenant("acme").deploy(source(code.join("\n")));
      const dry = world.tenure().tenant("acme").upgrade(version, { dryRun: true });
      const { moved, broken } = await whileTimePasses(world, 1_000, dry);
      assertEquals([moved, broken.map((each) => [each.id, each.code, each.expected, each.found])], [
        0,
        ["order-1", "order-2"].map((id) => [id, "nondeterministic", ...sides]),
      ]);
      await world.pass("1 day");
      for (const order of orders) assertEquals(await order.result(), [1, 2, 3]);
    });
  }
});

onEach("Math.random(), Date.now() and crypto outside of bodies", (test, sandbox) => {
  if (!sandbox.caps.mediated) return test("are the host's in a sandbox without walls", async ({ run, clock }) => {
    const order = await run(`return Date.now()`);
    assertEquals(Math.abs(await order.result() - clock.now()) > 1_000, true);
  });

  test("are the same on replay, so a decision by them is", async (world) => {
    const order = await world.run(`
      const seen = [Math.random(), crypto.randomUUID(), Date.now(), [...crypto.getRandomValues(new Uint8Array(4))]];
      await step.do("chosen-" + Math.floor(Math.random() * 1e6), async () => 1);
      await step.sleep("s", "1 day");
      return [seen, await step.do("b", async () => seen)];
    `);
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 day");
    const [now, then] = await (await world.flows().get(order.id)).result();
    assertEquals(now, then);
  });

  test("differ between instances", async ({ flow }) => {
    const flows = await flow(`return [Math.random(), crypto.randomUUID()]`);
    const [one, two] = [await (await flows.create()).result(), await (await flows.create()).result()];
    assertEquals(one[0] === two[0] || one[1] === two[1], false);
  });

  test("show the time of what was delivered last", async (world) => {
    const order = await world.run(`
      const before = Date.now();
      await step.sleep("s", "1 hour");
      return [before - event.timestamp, Date.now() - event.timestamp, new Date() - event.timestamp];
    `);
    await world.until(order, "waiting");
    await world.pass("1 hour");
    assertEquals(await order.result(), [0, 3_600_000, 3_600_000]);
  });
});

for (const sandbox of [trusted({ runAhead: true }), quickjs()]) {
  describe(`a run that waits for nothing that can happen, on ${sandbox.name}`, () => {
    for (
      const [what, body] of [
        ["before any step", `await new Promise(() => {})`],
        ["after a step", `await step.do("a", async () => 1); await new Promise(() => {});`],
        ["after a sleep", `await step.sleep("s", 0); await new Promise(() => {});`],
      ] as const
    ) {
      it(`${what} is errored, and says why`, () =>
        inWorld(sandbox, {}, async ({ run, until }) => {
          const order = await run(body);
          await until(order, "errored");
          assertEquals((await order.status()).error, {
            name: "WorkflowFatalError",
            message: "The workflow stopped: nothing that it waits for can happen any more",
          });
        }));
    }

    it("but has a sleep or a wait open is not", () =>
      inWorld(sandbox, {}, async ({ run, until, pass }) => {
        const order = await run(`step.sleep("s", "1 hour"); await new Promise(() => {})`);
        await until(order, "waiting");
        await pass("1 hour");
        await until(order, "errored");
      }));
  });
}
