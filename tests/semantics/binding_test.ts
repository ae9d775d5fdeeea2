import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { perCall } from "../../mod.ts";
import { onEach } from "./_world.ts";

onEach("env", (test) => {
  test("holds plain data, by value", async (world) => {
    const CONFIG = { list: [1], when: new Date(5) };
    await world.reopen({ env: () => ({ CONFIG, KEY: "abc", NONE: null }) });
    const flow = `env.CONFIG.list.push(2); return env`;
    for (let i = 0; i < 2; i++) {
      assertEquals(await (await world.run(flow)).result(), { CONFIG: { list: [1, 2], when: new Date(5) }, KEY: "abc", NONE: null });
    }
    assertEquals(CONFIG.list, [1]);
  });

  test("holds nothing that was not granted", async ({ run }) => {
    const order = await run(`return [Object.keys(this.env), this.env.AI, this.env.constructor === Object]`);
    assertEquals(await order.result(), [["T"], undefined, true]);
  });

  test("is asked for with tenant, version, workflow and instance", async (world) => {
    const asked: object[] = [];
    await world.reopen({ env: (request) => (asked.push(request), {}) });
    await (await world.run(`return 1`, { id: "order-1" })).result();
    const [deployed] = await world.tenure().tenant("acme").versions();
    assertEquals(asked, [{ tenantId: "acme", version: deployed?.version, workflow: "Flow", instanceId: "order-1" }]);
  });

  test("is asked for anew by each guest and never stored", async (world) => {
    await world.reopen({ env: () => ({ KEY: "old-secret" }) });
    const order = await world.run(`await step.sleep("s", "1 day"); return env.KEY`);
    await world.until(order, "waiting");
    await world.reopen({ env: () => ({ KEY: "new" }) });
    await world.pass("1 day");
    const again = await world.flows().get(order.id);
    assertEquals(await again.result(), "new");
    assert(!JSON.stringify(await again.history()).includes("old-secret"));
  });

  test("that cannot be had is the platform's trouble: it is asked for again, the run does not fail", async (world) => {
    let trouble = true;
    await world.reopen({
      env: () => {
        if (trouble) throw new Error("the vault is sealed");
        return {};
      },
    });
    const order = await world.run(`return 1`);
    await world.pass("3 seconds");
    assertMatch((await order.status()).status, /running|queued/);
    trouble = false;
    await world.pass("3 seconds");
    assertEquals(await order.result(), 1);
  });
});

class Shop {
  prices = { apple: 3 };
  price(name: "apple"): number {
    return this.prices[name];
  }
  async order(order: { at: Date; lines: Map<string, bigint> }): Promise<unknown> {
    await Promise.resolve();
    return { at: order.at, total: order.lines.get("apple"), bytes: new Uint8Array([1]) };
  }
  fail(): never {
    throw Object.assign(new RangeError("sold out"), { secret: "s3cret" });
  }
  handle(): unknown {
    return { close() {} };
  }
}

onEach("a binding", (test) => {
  const granted = { env: () => ({ SHOP: new Shop(), add: (a: number, b: number) => a + b }) };
  const told = (expression: string) => `
    const told = async () => { try { return await ${expression}; } catch (error) { return [error.name, error.message, error.secret]; } };
    return [await step.do("in a body", told), await told()];
  `;
  for (
    const [what, expression, answer] of [
      ["calls methods of a class with their this", `this.env.SHOP.price("apple")`, 3],
      ["is called itself when it is a function", `this.env.add(2, 3)`, 5],
      [
        "takes and gives values of every type",
        `this.env.SHOP.order({ at: new Date(7), lines: new Map([["apple", 5n]]) })`,
        { at: new Date(7), total: 5n, bytes: new Uint8Array([1]) },
      ],
      ["fails with name and message, and nothing else of the host's error", `this.env.SHOP.fail()`, ["RangeError", "sold out", undefined]],
      ["has no other methods", `this.env.SHOP.steal()`, ["TypeError", `Cannot call "SHOP.steal": there is no such method`, undefined]],
      ["shows no data", `this.env.SHOP.prices()`, ["TypeError", `Cannot call "SHOP.prices": there is no such method`, undefined]],
      ["is not called itself when it is an object", `this.env.SHOP()`, ["TypeError", `Cannot call "SHOP": there is no such method`, undefined]],
    ] as const
  ) {
    test(`${what}, in a body and outside`, async (world) => {
      await world.reopen(granted);
      assertEquals(await (await world.run(told(expression))).result(), [answer, answer]);
    });
  }

  for (const name of ["constructor", "__proto__", "prototype", "toString", "valueOf", "hasOwnProperty", "__defineGetter__", "then", "toJSON"]) {
    test(`gives no access to ${name}`, async (world) => {
      await world.reopen(granted);
      const order = await world.run(`
        const call = async (what) => { try { return String(await what[${JSON.stringify(name)}]("x")); } catch (error) { return error.name; } };
        return [await call(this.env.SHOP), await step.do("a", () => call(this.env.add))];
      `);
      assertEquals(await order.result(), ["TypeError", "TypeError"]);
    });
  }

  test("may be awaited, and is not a promise", async (world) => {
    await world.reopen(granted);
    assertEquals(await (await world.run(`return await (await this.env.SHOP).price("apple")`)).result(), 3);
  });

  test("cannot be changed", async (world) => {
    await world.reopen(granted);
    const order = await world.run(`
      try { this.env.SHOP.price = () => 0; } catch (error) { return [error.name, await this.env.SHOP.price("apple")]; }
    `);
    assertEquals(await order.result(), ["TypeError", 3]);
  });

  test("refuses arguments that cannot be passed, catchably, naming the place", async (world) => {
    await world.reopen(granted);
    const [[name, message]] = await (await world.run(told(`this.env.add({ a: () => {} })`))).result();
    assertEquals(name, "ValueError");
    assertMatch(message, /"arguments\[0\]\.a"/);
  });

  test("refuses to give what cannot be passed", async (world) => {
    await world.reopen(granted);
    const [[name, message]] = await (await world.run(told(`this.env.SHOP.handle()`))).result();
    assertEquals(name, "ValueError");
    assertMatch(message, /\.close/);
  });

  test("fails a step like any error, and is called again by the next attempt", async (world) => {
    let calls = 0;
    const flaky = () => {
      if (++calls < 3) throw new Error("busy");
      return calls;
    };
    await world.reopen({ env: () => ({ FLAKY: { flaky } }) });
    const order = await world.run(`return await step.do("a", { retries: { limit: 5, delay: 0 } }, () => this.env.FLAKY.flaky())`);
    assertEquals(await order.result(), 3);
  });

  test("shows nothing of the host in an error's stack", async (world) => {
    await world.reopen(granted);
    const order = await world.run(`try { await this.env.SHOP.fail(); } catch (error) { return String(error.stack); }`);
    const stack = await order.result();
    assert(!/binding_test|core\/|node:internal/.test(stack), stack);
  });
});

onEach("a call outside of bodies", (test) => {
  test("is made once and recorded: a replay gets its outcome", async (world) => {
    const order = await world.run(`
      const one = await T.count("call");
      await step.sleep("s", "1 day");
      return [one, await T.count("call")];
    `);
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), [1, 2]);
  });

  test("that failed is recorded, too", async (world) => {
    let calls = 0;
    const env = () => ({ X: { fail: () => { throw new RangeError(`no ${++calls}`); } } });
    await world.reopen({ env });
    const order = await world.run(`
      const error = await this.env.X.fail().catch((error) => error);
      await step.sleep("s", "1 day");
      return [error instanceof RangeError, error.message];
    `);
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 day");
    assertEquals([await (await world.flows().get(order.id)).result(), calls], [[true, "no 1"], 1]);
  });

  test("that was under way in a crash is made again, with the same key", async (world) => {
    const order = await world.run(`return await T.gate("g")`);
    await world.when("it is made", () => world.calls.length === 1);
    await world.crash();
    await world.when("it is made again", () => world.calls.length === 2);
    world.open("g", 1);
    assertEquals(await (await world.flows().get(order.id)).result(), 1);
    const [one, two] = world.calls;
    assertEquals([one?.idempotencyKey, two?.attempt], [two?.idempotencyKey, 2]);
  });

  test("may be made with others at once", async ({ run, open, when, calls }) => {
    const order = await run(`return await Promise.all(["a", "b"].map((n) => T.gate(n)))`);
    await when("both are made", () => calls.length === 2);
    open("b", "b");
    open("a", "a");
    assertEquals(await order.result(), ["a", "b"]);
  });
});

onEach("perCall()", (test) => {
  test("says whose call it is", async ({ run, calls }) => {
    const order = await run(`await T.note(1); await step.do("in", async () => { await T.note(2); })`, { id: "order-1" });
    await order.result();
    const who = calls.map(({ tenantId, workflow, instance, step, attempt }) => ({ tenantId, workflow, instance, step, attempt }));
    const mine = { tenantId: "acme", workflow: "Flow", instance: "order-1", attempt: 1 };
    assertEquals(who, [{ ...mine, step: null }, { ...mine, step: "in" }]);
  });

  test("gives every attempt of a step the same keys, one for each place of a call", async ({ run, calls }) => {
    const order = await run(`
      await step.do("a", { retries: { limit: 1, delay: 0 } }, async (ctx) => {
        await T.note("one");
        await T.note("two");
        if (ctx.attempt === 1) throw new Error("no");
      });
    `);
    await order.result();
    const [one, two, again, andAgain] = calls.map(({ idempotencyKey }) => idempotencyKey);
    assertEquals([one, two], [again, andAgain]);
    assertNotEquals(one, two);
    assertEquals(calls.map(({ attempt }) => attempt), [1, 1, 2, 2]);
  });

  test("gives each step, instance, workflow and tenant keys of its own", async (world) => {
    const body = `await step.do("a", async () => T.note(1)); await step.do("a", async () => T.note(2));`;
    for (const tenant of ["acme", "globex"]) {
      for (const id of ["1", "2"]) await (await world.run(body, { tenant, id })).result();
    }
    assertEquals(new Set(world.calls.map(({ idempotencyKey }) => idempotencyKey)).size, 8);
  });

  test("keeps the key over a crash", async (world) => {
    const order = await world.run(`return await step.do("a", () => T.gate("g"))`);
    await world.when("it runs", () => world.calls.length === 1);
    await world.crash();
    await world.when("it runs again", () => world.calls.length === 2);
    world.open("g", "done");
    assertEquals(await (await world.flows().get(order.id)).result(), "done");
    assertEquals(world.calls[0]?.idempotencyKey, world.calls[1]?.idempotencyKey);
  });

  test("has a signal that aborts when the attempt times out", async ({ run, calls, when, pass }) => {
    const order = await run(`
      await step.do("a", { retries: { limit: 0, delay: 0 }, timeout: "1 minute" }, () => T.gate("never")).catch(() => {});
    `);
    await when("it runs", () => calls.length === 1);
    assertEquals(calls[0]?.signal.aborted, false);
    await pass("1 minute");
    await order.result();
    assertEquals(calls[0]?.signal.aborted, true);
  });

  test("may answer with another object for each tenant", async (world) => {
    const DATA: Record<string, string> = { acme: "a", globex: "g" };
    await world.reopen({ env: () => ({ DB: perCall(({ tenantId }) => ({ read: () => DATA[tenantId] })) }) });
    const read = async (tenant: string) => (await world.run(`return await this.env.DB.read()`, { tenant })).result();
    assertEquals([await read("acme"), await read("globex")], ["a", "g"]);
  });
});
