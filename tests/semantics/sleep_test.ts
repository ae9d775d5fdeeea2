import { assertEquals, assertMatch } from "@std/assert";
import { START } from "./_clock.ts";
import { drive } from "./_drive.ts";
import { onEach } from "./_world.ts";

onEach("step.sleep()", (test) => {
  for (
    const [duration, ms] of [
      [`0`, 0],
      [`1`, 1],
      [`1500`, 1_500],
      [`0.2`, 1],
      [`"1 second"`, 1_000],
      [`"2 seconds"`, 2_000],
      [`"1.5 minutes"`, 90_000],
      [`"1 hour"`, 3_600_000],
      [`"3 days"`, 259_200_000],
      [`"2 weeks"`, 1_209_600_000],
      [`"1 month"`, 2_592_000_000],
      [`"1 year"`, 31_557_600_000],
    ] as const
  ) {
    test(`(${duration}) sleeps ${ms} ms`, async (world) => {
      const order = await world.run(`await step.sleep("s", ${duration}); return "awake"`);
      if (duration === `"1 year"`) return assertMatch(await order.result().catch((error) => error.message), /longer than/);
      assertEquals(await drive(world, order), ms === 0 ? [] : [ms]);
      assertEquals(await order.result(), "awake");
    });
  }

  for (
    const duration of [
      `-1`, `NaN`, `Infinity`, `"5"`, `"10 foos"`, `"-5 seconds"`, `"5ms"`, `"soon"`, `""`, `" 1 second"`, `"1  second"`,
      `"1 Second"`, `"1e3 seconds"`, `"1 second 2"`, `null`, `undefined`, `{}`, `new Date()`, `5n`,
    ]
  ) {
    test(`(${duration}) is refused, catchably, with a clear message`, async ({ run }) => {
      const order = await run(`try { await step.sleep("s", ${duration}); } catch (error) { return [error.name, error.message]; }`);
      const [name, message] = await order.result();
      assertEquals(name, "WorkflowFatalError");
      assertMatch(message, /^Cannot use .* as the duration of a sleep: write a number of milliseconds or "<number> <unit>"/);
    });
  }

  test("refuses a bad name, catchably", async ({ run }) => {
    const order = await run(`try { await step.sleep("a\\n", 1); } catch (error) { return error.name; }`);
    assertEquals(await order.result(), "WorkflowFatalError");
  });

  test("is not a step: its limit does not count it", async (world) => {
    const order = await world.run(`for (let i = 0; i < 20; i++) await step.sleep("s", 0); return "all"`);
    assertEquals(await order.result(), "all");
  });

  test("survives a restart of the engine, and a crash, and ends at its time", async (world) => {
    const order = await world.run(`await step.sleep("s", "30 days"); return "awake"`);
    await world.until(order, "waiting");
    await world.pass("10 days");
    await world.reopen();
    await world.pass("10 days");
    await world.crash();
    const due = START + 30 * 86_400_000;
    await world.pass(due - 1 - world.clock.now());
    const again = await world.flows().get(order.id);
    assertEquals((await again.status()).status, "waiting");
    await world.pass(1);
    assertEquals(await again.result(), "awake");
  });

  test("whose time passed while no engine ran ends at once", async (world) => {
    const order = await world.run(`await step.sleep("s", "1 hour"); return "awake"`);
    await world.until(order, "waiting");
    await world.close();
    world.clock.jump(7_200_000);
    await world.reopen();
    assertEquals(await (await world.flows().get(order.id)).result(), "awake");
  });

  test("of many at once end each at its own time", async (world) => {
    const order = await world.run(`
      const ends = [];
      await Promise.all([3, 1, 2].map((n) => step.sleep("s" + n, n + " hours").then(() => ends.push(n))));
      return ends;
    `);
    for (let hour = 0; hour < 3; hour++) {
      await world.until(order, "waiting");
      await world.pass("1 hour");
    }
    assertEquals(await order.result(), [1, 2, 3]);
  });

  test("of many whose times passed together end in the order of their times", async (world) => {
    const order = await world.run(`
      const ends = [];
      await Promise.all([3, 1, 2].map((n) => step.sleep("s" + n, n + " hours").then(() => ends.push(n))));
      return ends;
    `);
    await world.until(order, "waiting");
    await world.pass("5 hours");
    assertEquals(await order.result(), [1, 2, 3]);
  });
});

onEach("step.sleepUntil()", (test) => {
  for (const [what, time] of [["a Date", `new Date(${START + 5_000})`], ["a number", `${START + 5_000}`]]) {
    test(`sleeps until ${what}`, async (world) => {
      const order = await world.run(`await step.sleepUntil("s", ${time}); return "awake"`);
      assertEquals(await drive(world, order), [5_000]);
      assertEquals(await order.result(), "awake");
    });
  }

  test("throws, catchably, when the time is past", async ({ run }) => {
    const order = await run(`try { await step.sleepUntil("s", ${START - 1}); } catch (error) { return error.message; }`);
    assertEquals(await order.result(), "You can't sleep until a time in the past, time-traveler");
  });

  for (const time of [`NaN`, `Infinity`, `new Date(NaN)`, `"2030-01-01"`, `undefined`, `null`, `{}`]) {
    test(`(${time}) is refused, catchably`, async ({ run }) => {
      const order = await run(`try { await step.sleepUntil("s", ${time}); } catch (error) { return [error.name, error.message]; }`);
      const [name, message] = await order.result();
      assertEquals(name, "WorkflowFatalError");
      assertMatch(message, /neither a valid Date nor a number/);
    });
  }

  test("is replayed after its time has passed, and what follows runs", async (world) => {
    const order = await world.run(`
      await step.sleepUntil("s", ${START + 60_000});
      await step.sleep("then", "1 day");
      return await step.do("a", async () => "done");
    `);
    await world.until(order, "waiting");
    await world.pass("1 minute");
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), "done");
  });

  test("computed from event.timestamp is the same on replay", async (world) => {
    const order = await world.run(`
      await step.sleepUntil("s", event.timestamp.getTime() + 3_600_000);
      return "awake";
    `);
    await world.until(order, "waiting");
    await world.reopen();
    const left = START + 3_600_000 - world.clock.now();
    assertEquals(await drive(world, await world.flows().get(order.id)), [left]);
  });
});
