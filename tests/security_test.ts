/** What docs/security.md says of tenants, their ids and what they send, held against the engine as a platform runs it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { keyText } from "../core/ids.ts";
import { writeCursor } from "../core/pages.ts";
import type { StorageAdapter } from "../core/ports/store.ts";
import { keyText as storedKey } from "../core/store_rules.ts";
import { createTenure, type Tenant, type WorkflowInstance } from "../mod.ts";
import { onEach, source, type World } from "./semantics/_world.ts";

/** Codes and texts of what was refused; the id, which differs, left out where it stands whole or cut. */
async function answer(asked: () => Promise<unknown>, id: string): Promise<unknown> {
  try {
    return { answered: await asked() };
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string };
    return { name, code, message: message.replaceAll(id, "<id>").replaceAll(`${id.slice(0, 57)}…`, "<id>"), fields: Object.keys(error as object).sort() };
  }
}

const WAITING = `return (await step.waitForEvent("w", { type: "go" })).payload;`;

/** All that a tenant can ask of an instance of which it has a handle, or only the id. */
const VERBS: { readonly [verb: string]: (flow: ReturnType<Tenant["workflow"]>, handle: WorkflowInstance) => Promise<unknown> } = {
  get: (flow, { id }) => flow.get(id),
  status: (_, handle) => handle.status(),
  pause: (_, handle) => handle.pause(),
  resume: (_, handle) => handle.resume(),
  terminate: (_, handle) => handle.terminate(),
  restart: (_, handle) => handle.restart(),
  delete: (_, handle) => handle.delete(),
  sendEvent: (_, handle) => handle.sendEvent({ type: "go", payload: "forged" }),
  result: (_, handle) => handle.result(),
  history: (_, handle) => handle.history(),
};

/** Calls of a store by name, in order. */
function counted(inner: StorageAdapter): { readonly adapter: StorageAdapter; taken(): string[] } {
  let calls: string[] = [];
  const adapter: StorageAdapter = {
    name: inner.name,
    async open() {
      const store = await inner.open();
      return new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown;
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => {
            calls.push(String(name));
            return Reflect.apply(value, target, args);
          };
        },
      });
    },
  };
  return {
    adapter,
    taken() {
      const taken = calls;
      calls = [];
      return taken;
    },
  };
}

onEach("a tenant that has another's id", (test) => {
  /** A handle of beta for an id that was beta's own, and is acme's. */
  async function handles(world: World): Promise<{ flow: ReturnType<Tenant["workflow"]>; foreign: WorkflowInstance; unknown: WorkflowInstance; theirs: WorkflowInstance }> {
    const flow = await world.flow(WAITING, { tenant: "beta" });
    const [foreign, unknown] = [await flow.create({ id: "order-1" }), await flow.create({ id: "order-2" })];
    for (const handle of [foreign, unknown]) await handle.delete();
    const theirs = await world.run(WAITING, { tenant: "acme", id: "order-1" });
    await world.until(theirs, "waiting");
    return { flow, foreign, unknown, theirs };
  }

  for (const [verb, ask] of Object.entries(VERBS)) {
    test(`hears of ${verb} what it hears of an id that nobody has, and changes nothing (S1)`, async (world) => {
      const { flow, foreign, unknown, theirs } = await handles(world);
      const before = await theirs.history();
      const heard = await answer(() => ask(flow, foreign), foreign.id);
      assertEquals(heard, await answer(() => ask(flow, unknown), unknown.id));
      assertEquals((heard as { code?: string }).code, "instance.not_found");
      await world.rest();
      assertEquals([await theirs.history(), (await theirs.status()).status], [before, "waiting"]);
    });
  }

  test("may take it for its own, and sees its own only (S2)", async (world) => {
    const { flow, theirs } = await handles(world);
    const mine = await flow.create({ id: theirs.id });
    await mine.sendEvent({ type: "go", payload: "mine", id: "e" });
    assertEquals(await mine.result(), "mine");
    assertEquals((await flow.list()).instances.map(({ id, output }) => [id, output]), [["order-1", "mine"]]);
    assertEquals((await world.flows("acme").list()).instances.map(({ id, status }) => [id, status]), [["order-1", "waiting"]]);
    // an event's id is the instance's own, too (S19)
    await theirs.sendEvent({ type: "go", payload: "theirs", id: "e" });
    assertEquals(await theirs.result(), "theirs");
  });

  test("reads nothing of it with its cursors, and moves nothing of it (S1, S11)", async (world) => {
    const { flow, theirs } = await handles(world);
    const { cursor } = await world.flows("acme").list({ limit: 1 });
    assertEquals((await flow.list(cursor === undefined ? {} : { cursor })).instances, []);
    const before = await theirs.history();
    const beta = world.tenure().tenant("beta");
    const { version } = await beta.deploy(source(`return "moved";`));
    assertEquals(await beta.upgrade(version), { moved: 0, broken: [], skipped: [] });
    assertEquals(await theirs.history(), before);
  });

  test("cannot activate, run or move to a version of it (S2, S14)", async (world) => {
    const acme = world.tenure().tenant("acme"), beta = world.tenure().tenant("beta");
    await beta.deploy(source(`return "beta";`));
    const { version } = await acme.deploy(source(`return "acme";`));
    const nobodys = "0".repeat(64);
    for (const ask of [
      (v: string) => beta.activate(v),
      (v: string) => beta.upgrade(v),
      (v: string) => beta.workflow("Flow").create({ version: v }),
    ]) {
      const heard = await answer(() => ask(version), version);
      assertEquals(heard, await answer(() => ask(nobodys), nobodys));
      assertEquals((heard as { code?: string }).code, "version_not_found");
    }
    assertEquals(await (await beta.workflow("Flow").create()).result(), "beta");
  });
});

describe("what the engine does for a foreign id", () => {
  it("is what it does for one that nobody has, call by call (S21)", async () => {
    const { adapter, taken } = counted(memory());
    const tenure = await createTenure({ storage: adapter, sandbox: quickjs() });
    for (const tenant of ["acme", "beta"]) await tenure.tenant(tenant).deploy(source(WAITING));
    const theirs = await tenure.tenant("acme").workflow("Flow").create({ id: "order-1" });
    while ((await theirs.status()).status !== "waiting") await new Promise((done) => setImmediate(done));
    const flow = tenure.tenant("beta").workflow("Flow");
    const asked: string[][] = [];
    for (const id of ["order-1", "order-9"]) {
      taken();
      await assertRejects(() => flow.get(id), Error, "instance.not_found");
      asked.push(taken());
    }
    assertEquals(asked[0], asked[1]);
    assert((asked[0] as string[]).includes("find"));
    await tenure.close();
  });
});

/** Texts that meet where a key is joined carelessly. */
const HOSTILE = ["a", "b", "ab", "a/b", "a:b", "a b", "a\0b", "1:a", "1:1:a", "..", "../a", "%", "%2F", "a%2Fb", "é", "e\u0301", "\u{1F600}", "", ":", "/", "\0", "tenant/a", "__proto__", "constructor"];

describe("keys (S5)", () => {
  it("are distinct for distinct tenants, workflows and ids, whatever stands in them", () => {
    const seen = new Map<string, string>(), stored = new Map<string, string>();
    for (const tenant of HOSTILE) {
      for (const workflow of HOSTILE) {
        for (const id of HOSTILE) {
          const key = { tenant, workflow, id }, is = JSON.stringify(key);
          const other = seen.get(keyText(key));
          assertEquals(other, undefined, `${is} and ${other}`);
          seen.set(keyText(key), is);
          // a store's own key may rely on its refusal of U+0000
          if (is.includes("\\u0000")) continue;
          assertEquals(stored.get(storedKey(key)), undefined, is);
          stored.set(storedKey(key), is);
        }
      }
    }
    assertEquals(seen.size, HOSTILE.length ** 3);
  });

  for (const storage of ["memory", "sqlite"] as const) {
    onEach("tenants whose ids look like one another's", (test) => {
      test("have nothing in common (S5)", async (world) => {
        const tenants = ["a", "ab", "a/b", "a:b", "A", "%61", "..", "é", "e\u0301", "tenant/a", "__proto__"];
        for (const tenant of tenants) {
          const flow = await world.flow(`return ${JSON.stringify(tenant)};`, { tenant });
          assertEquals(await (await flow.create({ id: "same" })).result(), tenant);
        }
        for (const tenant of tenants) {
          assertEquals((await world.flows(tenant).list()).instances.map(({ id, output }) => [id, output]), [["same", tenant]]);
          assertEquals((await world.tenure().tenant(tenant).versions()).length, 1);
        }
        const { tenants: listed } = await world.tenure().tenants();
        assertEquals([...listed].sort(), [...tenants].sort());
      });
    }, { storage });
  }

  it("are refused before they are used when no store could keep them apart", async () => {
    const tenure = await createTenure({ storage: memory(), sandbox: quickjs() });
    for (const id of ["", "a\0", "\n", "\ud800", "x".repeat(129), "é".repeat(65), 7, null, { toString: () => "acme" }]) {
      await assertRejects(async () => tenure.tenant(id as string), Error, "Cannot use the tenant id");
    }
    await tenure.tenant("acme").deploy(source(`return 1;`));
    for (const id of ["a/b", "a:b", "..", "a\0", "é", "-a", "", "x".repeat(101), "__proto__ ", 7, { toString: () => "a" }]) {
      await assertRejects(() => tenure.tenant("acme").workflow("Flow").create({ id: id as string }), Error, "invalid id");
    }
    await tenure.close();
  });
});

onEach("what a tenant sends", (test) => {
  test("about itself is data: a forged envelope changes nobody's tenant (S4, S6)", async (world) => {
    const seen: string[] = [];
    await world.reopen({
      env: ({ tenantId }) => {
        seen.push(tenantId);
        return {};
      },
    });
    const params = { __dispatcherMetadata: { tenantId: "acme" }, tenantId: "acme", params: {}, "x-tenant-id": "acme" };
    await world.flow(`return "acme's"`, { tenant: "acme" });
    const order = await world.run(`return { payload: event.payload, by: await T.note(1) };`, { tenant: "beta", params });
    assertEquals((await order.result()).payload, params);
    assertEquals(new Set(seen), new Set(["beta"]));
    assertEquals(world.calls.map(({ tenantId }) => tenantId), ["beta"]);
  });

  test("pollutes no prototype, in the host or in another run (S7)", async (world) => {
    const polluting = JSON.parse(`{
      "__proto__": { "polluted": 1 },
      "constructor": { "prototype": { "polluted": 2 } },
      "list": [{ "__proto__": { "polluted": 3 } }]
    }`) as { readonly [name: string]: unknown };
    const order = await world.run(`
      const stored = await step.do("store", async () => event.payload);
      const { payload } = await step.waitForEvent("w", { type: "go" });
      return { stored, payload, own: Object.keys(stored).sort(), clean: ({}).polluted === undefined && stored.polluted === undefined };
    `, { params: polluting });
    await order.sendEvent({ type: "go", payload: polluting });
    const { clean, own, stored, payload } = await order.result() as { clean: boolean; own: string[]; stored: object; payload: object };
    assertEquals([clean, own], [true, ["__proto__", "constructor", "list"]]);
    for (const given of [stored, payload]) {
      assertEquals(Object.getOwnPropertyDescriptor(given, "__proto__")?.value, { polluted: 1 });
      assertEquals((given as { polluted?: unknown }).polluted, undefined);
    }
    await order.history();
    assertEquals(({} as { polluted?: unknown }).polluted, undefined);
    assertEquals(await (await world.run(`return ({}).polluted === undefined;`, { tenant: "beta" })).result(), true);
  });

  test("as the names of its steps, events and bindings is data, too (S7, S19)", async (world) => {
    const order = await world.run(`
      const seen = [];
      for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
        seen.push(await step.do(name, async () => name), (await step.waitForEvent(name, { type: name })).payload);
      }
      return seen;
    `);
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    for (const name of names) await order.sendEvent({ type: name, payload: `of ${name}`, id: name });
    assertEquals(await order.result(), names.flatMap((name) => [name, `of ${name}`]));
    assertEquals((await order.history({ limit: 1_000 })).entries.filter(({ type }) => type === "settled").length, 8);
  });

  test("too much at a time is refused before any work is done for it (S11)", async (world) => {
    const flow = await world.flow(`return 1;`);
    const many = Array.from({ length: 101 }, () => ({}));
    for (const batch of [many, { instances: many }, { count: 1e9 }, { count: 101 }, { count: -1 }, { count: 0.5 }, [], 7, "x", null]) {
      await assertRejects(() => flow.createBatch(batch as never), Error, "1 to 100");
    }
    assertEquals((await flow.list()).instances, []);
    await flow.createBatch({ count: 3 });
    assertEquals((await flow.list({ limit: 1e9 })).instances.length, 3);
    for (const limit of [0, -1, 0.5, Infinity, NaN, "9"]) {
      await assertRejects(() => flow.list({ limit: limit as number }), Error, "at least 1");
    }
  });

  test("as a cursor is checked, and shows nothing that a page would not (S11)", async (world) => {
    const flow = await world.flow(WAITING);
    const order = await flow.create({ id: "order-1" });
    const forged = ["", "x", "00", "zz".repeat(9), "7b7d", writeCursor([1]), writeCursor(["1", 1]), writeCursor([1, "a", "b"]), "ab".repeat(3_000), 7, {}, null];
    for (const cursor of forged) await assertRejects(() => flow.list({ cursor: cursor as string }), Error, "Cannot read the cursor");
    await assertRejects(() => order.history({ cursor: writeCursor(["0"]) }), Error, "Cannot read the cursor");
    await assertRejects(() => order.history({ cursor: writeCursor([0, 0]) }), Error, "Cannot read the cursor");
    const strange = [[-1, ""], [1e308, "\uffff"], [0.5, "' OR 1=1 --"], [0, "order-1"]] as const;
    for (const place of strange) {
      const { instances } = await flow.list({ cursor: writeCursor(place) });
      assert(instances.every(({ id }) => id === "order-1"));
    }
    for (const place of [-1e9, 1e308, 0.5]) assert((await order.history({ cursor: writeCursor([place]) })).entries.every(({ seq }) => seq >= 0));
  });
});
