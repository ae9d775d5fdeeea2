import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { failing, onPlatform, type Platform, tenant } from "./_platform.ts";

const WAIT = tenant(`
  const first = await step.do("first", async () => 1);
  const { payload } = await step.waitForEvent("go", { type: "go" });
  return { first, payload, tenant: this.env.TENANT, given: event.payload };`);

/** Both tenants run the same code; the first one's instance waits. */
function withInstance(test: (platform: Platform) => Promise<void>): Promise<void> {
  return onPlatform({}, async (platform) => {
    platform.sources["acme"] = platform.sources["evil"] = WAIT;
    await platform.api("acme", "create", { id: "order-1", params: { sku: 7 } });
    await platform.until("acme", "order-1", "waiting");
    await test(platform);
    assertEquals((await platform.api("acme", "verb", "order-1", "status")).status, "waiting");
    await platform.api("acme", "verb", "order-1", "sendEvent", { type: "go", payload: "mine" });
    assertEquals(await platform.result("acme", "order-1"), { first: 1, payload: "mine", tenant: "acme", given: { sku: 7 } });
  });
}

describe("a tenant that knows another's instance by its exact id", () => {
  const verbs: readonly (readonly [string, ...unknown[]])[] = [
    ["status"],
    ["sendEvent", { type: "go", payload: "theirs" }],
    ["terminate"],
    ["terminate", { rollback: true }],
    ["delete"],
    ["restart"],
    ["restart", { from: { name: "first" } }],
    ["pause"],
    ["resume"],
    ["subscribe"],
  ];
  for (const [verb, ...args] of verbs) {
    it(`hears of ${verb}(${args.map((arg) => JSON.stringify(arg)).join()}) the same as for an id that nobody has`, () =>
      withInstance(async ({ api }) => {
        const foreign = await failing(api("evil", "verb", "order-1", verb, ...args));
        const unknown = await failing(api("evil", "verb", "order-2", verb, ...args));
        assert(foreign.message.startsWith("(instance.not_found)"), foreign.message);
        assertEquals(foreign.message.replace("order-1", "order-2"), unknown.message);
      }));
  }

  it("does not find it in its list, and does not delete it in a batch", () =>
    withInstance(async ({ api }) => {
      assertEquals((await api("evil", "list")).instances, []);
      const { deleted, errors } = await api("evil", "deleteBatch", ["order-1"]);
      assertEquals([deleted, errors.map(({ code }: { code: number }) => code)], [[], [10_400]]);
      assertEquals((await api("acme", "list")).instances.map(({ id }: { id: string }) => id), ["order-1"]);
    }));

  it("may have one of the same id, which is its own", () =>
    withInstance(async ({ api, result }) => {
      assertEquals(await api("evil", "create", { id: "order-1", params: { sku: 8 } }), "order-1");
      await api("evil", "verb", "order-1", "sendEvent", { type: "go", payload: "theirs" });
      assertEquals(await result("evil", "order-1"), { first: 1, payload: "theirs", tenant: "evil", given: { sku: 8 } });
    }));

  it("is not taken for the other one by an envelope in its params, by metadata or by a version", () =>
    withInstance(async ({ api, result }) => {
      const params = { __dispatcherMetadata: { tenantId: "acme" }, params: { sku: 9 } };
      const forged = { id: "forged", params, metadata: { tenantId: "acme" }, version: "host:other", tenantId: "acme" };
      await api("evil", "create", forged);
      await api("evil", "batch", { instances: [{ ...forged, id: "forged-2" }] });
      await api("evil", "batch", [{ ...forged, id: "forged-3" }]);
      await api("evil", "batch", { count: 1, params, metadata: { tenantId: "acme" } });
      const all = (await api("evil", "list")).instances.map(({ id }: { id: string }) => id);
      assertEquals(all.length, 4);
      for (const id of all) {
        await api("evil", "verb", id, "sendEvent", { type: "go" });
        assertEquals(await result("evil", id), { first: 1, payload: undefined, tenant: "evil", given: params });
      }
      assertEquals((await api("acme", "list")).instances.length, 1);
    }));

});

describe("a tenant's own instances", () => {
  it("may have one id in two workflows", () =>
    onPlatform({}, async ({ sources, api, result }) => {
      sources["acme"] = tenant(`return event.workflowName + " " + event.payload;`);
      assertEquals([await api("acme", "create", { id: "one", params: 1 }), await api("acme", "create", { id: "one", params: 2 }, "OTHERS")], ["one", "one"]);
      assertEquals(await result("acme", "one"), "dynamic-workflow 1");
      assertEquals(await result("acme", "one", "other-workflow"), "other-workflow 2");
      await api("acme", "verb", "one", "delete");
      assertEquals(await result("acme", "one", "other-workflow"), "other-workflow 2");
    }));

  it("can do with them all that the binding offers", () =>
    onPlatform({}, async ({ sources, api, until, result }) => {
      sources["acme"] = tenant(`
        await step.do("undo me", async () => {}, { rollback: async () => {} });
        const a = await step.do("a", async () => (this.env.N = 1));
        const { payload } = await step.waitForEvent("go", { type: "go" });
        return payload;`);
      assertEquals(await api("acme", "batch", [{ id: "a" }, { id: "b" }, { id: "a" }]), ["a", "b"]);
      assertEquals(await api("acme", "batch", { instances: [{ id: "b" }, { id: "c" }] }), { created: ["c"], errors: [10_405] });
      const taken = await failing(api("acme", "create", { id: "a" }));
      assert(taken.message.startsWith("(instance.already_exists)"));
      await Promise.all(["a", "b", "c"].map((id) => until("acme", id, "waiting")));
      await api("acme", "verb", "a", "pause");
      await until("acme", "a", "paused");
      await api("acme", "verb", "a", "resume");
      await api("acme", "verb", "a", "restart", { from: { name: "go", type: "waitForEvent" } });
      await api("acme", "verb", "a", "sendEvent", { type: "go", payload: 1 });
      assertEquals(await result("acme", "a"), 1);
      await api("acme", "verb", "b", "terminate", { rollback: true });
      await until("acme", "b", "terminated");
      assertEquals(await api("acme", "events", "b", ["rollback_step_completed", "workflow_terminated"]).then((types) => types.at(-1)), "workflow_terminated");
      await api("acme", "verb", "c", "delete");
      assertEquals((await api("acme", "deleteBatch", ["a", "c"])).errors.length, 1);
      assertEquals((await api("acme", "list")).instances.map(({ id }: { id: string }) => id), ["b"]);
    }));
});
