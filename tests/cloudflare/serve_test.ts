import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createDynamicWorkflowEntrypoint, dispatchWorkflow, type WorkerLoader, type WorkflowRunner, wrapWorkflowBinding } from "../../adapters/cloudflare.ts";
import { WorkflowEntrypoint } from "../../adapters/cloudflare/workers.ts";
import { memory } from "../../adapters/storage/memory.ts";
import type { Store } from "../../mod.ts";
import { type Any, type Env, failing, onPlatform, tenant } from "./_platform.ts";

const GREET = `return await step.do("greet", async () => "Hello, " + event.payload.name + "!");`;
const FETCH = `
export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/status") return Response.json(await (await env.WORKFLOWS.get(url.searchParams.get("id"))).status());
    const instance = await env.WORKFLOWS.create({ params: await request.json() });
    return Response.json({ id: await instance.id }, { status: 201 });
  },
};`;

describe("serve()", () => {
  it("lets a tenant's own fetch create an instance, run it in its code and tell its status", () =>
    onPlatform({}, async ({ sources, fetch, result, loads }) => {
      sources["acme"] = tenant(GREET) + FETCH;
      const response = await fetch("acme", "/", { method: "POST", body: JSON.stringify({ name: "Ada" }) });
      assertEquals(response.status, 201);
      assertEquals(response.headers.get("content-type"), "application/json");
      const { id } = await response.json() as { id: string };
      assertEquals(await result("acme", id), "Hello, Ada!");
      assertEquals(await (await fetch("acme", `/status?id=${id}`)).json(), { status: "complete", output: "Hello, Ada!" });
      assertEquals(loads, { acme: 1 });
    }));

  it("gives the run the params alone, the name of its workflow and the env of its tenant", () =>
    onPlatform({}, async ({ sources, api, result }) => {
      sources["acme"] = tenant(`return { event: { ...event }, keys: Object.keys(event).sort(), env: Object.keys(this.env).sort(), tenant: this.env.TENANT };`);
      const id = await api("acme", "create", { params: { sku: 7 } });
      const { event, keys, env, tenant: who } = await result("acme", id);
      assertEquals(keys, ["instanceId", "payload", "timestamp", "workflowName"]);
      assertEquals([event.payload, event.instanceId, event.workflowName, event.timestamp instanceof Date], [{ sku: 7 }, id, "dynamic-workflow", true]);
      assertEquals([env, who], [["OTHERS", "TENANT", "WORKFLOWS"], "acme"]);
    }));

  it("sleeps, waits, retries and rolls back as any workflow does", () =>
    onPlatform({}, async ({ sources, api, until, clock, result }) => {
      sources["acme"] = tenant(`
        const tried = await step.do("try", { retries: { limit: 2, delay: 0, backoff: "constant" } }, async ({ attempt }) => {
          if (attempt < 3) throw new Error("not yet");
          return attempt;
        });
        await step.sleep("nap", "30 days");
        const { payload } = await step.waitForEvent("paid", { type: "paid" });
        return { tried, payload };`);
      const id = await api("acme", "create", { id: "one" });
      await until("acme", id, "waiting");
      clock.jump(30 * 86_400_000);
      await api("acme", "verb", id, "sendEvent", { type: "paid", payload: { cents: 990 } });
      assertEquals(await result("acme", id), { tried: 3, payload: { cents: 990 } });
    }));

  it("streams the results of steps, to the run after a rest and to what undoes them", () => {
    const notes: string[] = [];
    return onPlatform({ code: { env: { NOTES: { note: (word: string) => void notes.push(word) } } } }, async ({ sources, api, until, clock }) => {
      sources["acme"] = tenant(`
        const text = async (stream) => {
          let all = "";
          for await (const piece of stream) all += new TextDecoder().decode(piece);
          return all;
        };
        const stream = await step.do("stream", async () => new ReadableStream({
          start(to) { for (const word of ["a", "b", "c"]) to.enqueue(new TextEncoder().encode(word)); to.close(); },
        }), { rollback: async ({ output }) => { await this.env.NOTES.note("undone " + await text(output)); } });
        await step.sleep("nap", 1000);
        throw new Error("read " + await text(stream));`);
      await api("acme", "create", { id: "one" });
      await until("acme", "one", "waiting");
      clock.jump(1000);
      await until("acme", "one", "errored");
      const { error, rollback } = await api("acme", "verb", "one", "status");
      assertEquals([error.message, rollback], ["read abc", "complete"]);
      assertEquals(notes, ["undone abc"]);
    });
  });

  it("hands a tenant's error to the dispatcher's class and to the status", () =>
    onPlatform({}, async ({ sources, api, until }) => {
      sources["acme"] = tenant(`await step.do("no", async () => { throw new NonRetryableError("never", "MyError"); });`);
      const id = await api("acme", "create");
      await until("acme", id, "errored");
      const { error } = await api("acme", "verb", id, "status");
      assertEquals(error, { name: "MyError", message: "never" });
    }));

  it("ends an instance that no wrapped binding has made in a MissingDispatcherMetadataError", () =>
    onPlatform({}, async ({ app }) => {
      const { env } = await import("../../adapters/cloudflare/workers.ts");
      const instance = await (env["WORKFLOWS"] as Any).create({ params: { __dispatcherMetadata: { tenantId: "acme" }, params: {} } });
      const error = await failing(instance.result());
      assertEquals(error.name, "MissingDispatcherMetadataError");
      assertStringIncludes(error.message, "Did you forget to wrap the Workflow binding with wrapWorkflowBinding()?");
      assertEquals((await app.tenure.tenant("acme").workflow("dynamic-workflow").list()).instances, []);
    }));

  it("stops a tenant that waits for what never comes, and one that never yields", () =>
    onPlatform({ limits: { cpuMs: 50 } }, async ({ sources, api, until }) => {
      sources["acme"] = tenant(`if (event.payload.loop) for (;;); await new Promise(() => {});`);
      await api("acme", "create", { id: "stalled", params: {} });
      await until("acme", "stalled", "errored");
      await api("acme", "create", { id: "loop", params: { loop: true } });
      await until("acme", "loop", "errored");
      assertStringIncludes((await api("acme", "verb", "loop", "status")).error.message, "50 ms");
    }));
});

describe("loaded code under serve()", () => {
  const NAP = (word: string): string => tenant(`
    const a = await step.do("a", async () => "${word}");
    await step.sleep("nap", 1000);
    return [a, await step.do("b", async () => "${word}")];`);

  it("stays what an instance began with, whatever the callback gives after a restart of the process", () =>
    onPlatform({}, async ({ sources, api, again, until, clock, result, loads }) => {
      sources["acme"] = NAP("old");
      await api("acme", "create", { id: "sleeper" });
      await until("acme", "sleeper", "waiting");
      sources["acme"] = NAP("new");
      await again();
      clock.jump(1000);
      assertEquals(await result("acme", "sleeper"), ["old", "old"]);
      assertEquals(loads, { acme: 2 });
      await api("acme", "verb", "sleeper", "restart");
      await until("acme", "sleeper", "waiting");
      clock.jump(1000);
      assertEquals(await result("acme", "sleeper"), ["new", "new"]);
    }));

  for (const [what, gone, says] of [
    ["whose copy is gone", "copy", "it is not in the code store"],
    ["which the callback does not give any more", "callback", "its guest could not be opened"],
  ] as const) {
    it(`parks an instance ${what}, with a reason, and goes on when it is back`, () => {
      const inner = memory();
      let store: Store | undefined, there = true;
      const storage = {
        name: inner.name,
        async open() {
          store ??= await inner.open();
          const { blobs } = store;
          const get = (...of: Parameters<typeof blobs.get>) => there || gone === "callback" ? blobs.get(...of) : Promise.resolve(null);
          return { ...store, close: () => Promise.resolve(), blobs: { ...blobs, get } };
        },
      };
      return onPlatform({ storage }, async (platform) => {
        const { sources, api, again, until, clock, result, loads } = platform;
        sources["acme"] = NAP("old");
        await api("acme", "create", { id: "one" });
        await until("acme", "one", "waiting");
        there = false;
        if (gone === "callback") delete sources["acme"];
        await again();
        clock.jump(1000);
        for (let n = 1; gone === "callback" && n <= 20; n++) {
          for (let m = 0; loads["acme"] !== n + 1; m++) {
            assert(m < 10_000, `it is tried ${loads["acme"]} times`);
            await new Promise<void>((done) => setImmediate(done));
          }
          clock.jump(60_000);
        }
        await until("acme", "one", "paused");
        const one = await platform.app.tenure.tenant("acme").workflow("dynamic-workflow").get("one");
        assertEquals((await one.status()).paused?.code, "code_unavailable");
        assertStringIncludes((await one.status()).paused?.message ?? "", says);
        there = true;
        sources["acme"] = NAP("old");
        await one.resume();
        assertEquals(await result("acme", "one"), ["old", "old"]);
      });
    });
  }

  it("keeps its version when it is restarted at a step", () =>
    onPlatform({}, async ({ sources, api, again, until, clock, result }) => {
      sources["acme"] = NAP("old");
      await api("acme", "create", { id: "one" });
      await until("acme", "one", "waiting");
      clock.jump(1000);
      assertEquals(await result("acme", "one"), ["old", "old"]);
      sources["acme"] = NAP("new");
      await again();
      await api("acme", "verb", "one", "restart", { from: { name: "b" } });
      assertEquals(await result("acme", "one"), ["old", "old"]);
    }));

  it("is asked for once while it is warm, and anew after a callback that failed", () =>
    onPlatform({}, async ({ api, sources, loads, result }) => {
      assertStringIncludes((await failing(api("acme", "list"))).message, "is neither a text nor of one kind");
      sources["acme"] = tenant(GREET);
      const ids = await Promise.all([1, 2, 3].map((name) => api("acme", "create", { params: { name } })));
      await Promise.all(ids.map((id) => result("acme", id)));
      assertEquals(loads["acme"], 2);
    }));

  it("sees modules of every kind that is text, and answers by the methods of its entrypoints", () =>
    onPlatform({}, async () => {
      const { env } = await import("../../adapters/cloudflare/workers.ts");
      const stub = (env["LOADER"] as WorkerLoader).load(CODE()).getEntrypoint("Api", { props: { by: 3 } });
      assertEquals(await stub["all"]?.(21), ["some\nwords", { a: [1] }, 42, 5, 3]);
      for (const method of ["hidden", "constructor", "toString", "hasOwnProperty", "nothing", "env"]) {
        const called = (stub[method] as unknown) === undefined ? undefined : await failing((stub[method] as Any)());
        assert(called === undefined || called.message.includes("has no method"), method);
      }
    }));

  const CODE = () => ({
    mainModule: "main.ts",
    modules: {
      "main.ts": `import { WorkerEntrypoint } from "cloudflare:workers"; import words from "words.js"; import data from "data.js"; import { twice } from "./twice.js";
        export class Api extends WorkerEntrypoint<{ N: number }, { by: number }> { all(n: number) { return [words, data, twice(n), this.env.N, this.ctx.props.by]; } hidden = 1; }`,
      "words.js": { text: "some\nwords" },
      "data.js": { json: { a: [1] } },
      "twice.js": { js: "export const twice = (n) => 2 * n;" },
    },
    env: { N: 5 },
  });

  it("goes on after its answer with what it has given to waitUntil, and may call what is granted", () => {
    const notes: string[] = [];
    let noted = (): void => {};
    const done = new Promise<void>((resolve) => noted = resolve);
    const LOG = { note: (word: string) => void (notes.push(word), word === "after" && noted()) };
    return onPlatform({ code: { env: { LOG } } }, async ({ sources, fetch, clock }) => {
      sources["acme"] = `export default { async fetch(request, env, ctx) {
        ctx.waitUntil((async () => { await env.LOG.note("before"); await new Promise((r) => setTimeout(r, 0)); await env.LOG.note("after"); })());
        return new Response(request.method + " " + await request.text(), { headers: { "X-A": "b" } });
      } };`;
      const response = await fetch("acme", "/", { method: "PUT", body: "text" });
      assertEquals([await response.text(), response.headers.get("x-a")], ["PUT text", "b"]);
      // its timer has no time to wait for, but is one
      for (let n = 0; n < 50; n++) await new Promise<void>((resolve) => setImmediate(resolve));
      clock.jump(1);
      await done;
      assertEquals(notes, ["before", "after"]);
    });
  });
});

describe("a dispatcher's own class under serve()", () => {
  class Logged extends WorkflowEntrypoint<Env> {
    async run(event: Any, step: Any): Promise<unknown> {
      const before = await step.do("note", () => Promise.resolve("before"));
      const output = await dispatchWorkflow({ env: this.env, ctx: this.ctx }, event, step, ({ env, metadata }) => {
        const { tenantId } = metadata as { tenantId: string };
        return env.LOADER.get(`${tenantId}/logged`, () => ({ mainModule: "m.js", modules: { "m.js": SOURCE }, env: { T: tenantId } })).getEntrypoint("TenantWorkflow") as unknown as WorkflowRunner;
      });
      const after = await step.do("note", () => Promise.resolve("after"));
      return { before, output, after };
    }
  }
  const SOURCE = `import { WorkflowEntrypoint } from "cloudflare:workers";
    export class TenantWorkflow extends WorkflowEntrypoint { async run(event, step) {
      const note = await step.do("note", async ({ step: { count } }) => this.env.T + count);
      await step.sleep("nap", 500);
      if (event.payload.fails) throw new TypeError("tenant");
      return [note, await step.do("last", async () => Math.random() >= 0)];
    } }`;

  it("may run steps before and after the tenant's, all in one journal", () =>
    onPlatform({ dispatcher: { DynamicWorkflow: Logged } }, async ({ sources, api, until, clock, result, again }) => {
      sources["acme"] = tenant("");
      await api("acme", "create", { id: "one", params: {} });
      await until("acme", "one", "waiting");
      await again();
      clock.jump(500);
      assertEquals(await result("acme", "one"), { before: "before", output: ["acme2", true], after: "after" });
    }));

  it("meets a tenant's error as what it is", () =>
    onPlatform({ dispatcher: { DynamicWorkflow: class extends Logged {
      override async run(event: Any, step: Any): Promise<unknown> {
        return await super.run(event, step).catch((error: unknown) => [error instanceof TypeError, (error as Error).message]);
      }
    } } }, async ({ sources, api, until, clock, result }) => {
      sources["acme"] = tenant("");
      await api("acme", "create", { id: "one", params: { fails: true } });
      await until("acme", "one", "waiting");
      clock.jump(500);
      assertEquals(await result("acme", "one"), [true, "tenant"]);
    }));

  it("may run two loaded workflows one after the other", () =>
    onPlatform({ dispatcher: { DynamicWorkflow: class extends WorkflowEntrypoint<Env> {
      async run(event: Any, step: Any): Promise<unknown> {
        const load = (word: string) => this.env.LOADER.load({ mainModule: "m.js", modules: { "m.js": `export class W { async run(event, step) { return step.do("s", async ({ step }) => "${word}" + step.count); } }` } }).getEntrypoint("W");
        return [await load("a").run(event, step), await load("b").run(event, step)];
      }
    } } }, async ({ sources, api, result }) => {
      sources["acme"] = tenant("");
      assertEquals(await result("acme", await api("acme", "create")), ["a1", "b2"]);
    }));

  it("is told when what it hands on is no step", () =>
    onPlatform({ dispatcher: { DynamicWorkflow: class extends WorkflowEntrypoint<Env> {
      async run(event: Any): Promise<unknown> {
        return await this.env.LOADER.load({ mainModule: "m.js", modules: { "m.js": `export class W { run() {} }` } }).getEntrypoint("W").run(event, {});
      }
    } } }, async ({ sources, api, result }) => {
      sources["acme"] = tenant("");
      assertStringIncludes((await failing(result("acme", await api("acme", "create")))).message, "what is handed on for its step has no method do");
    }));

  it("is a class that createDynamicWorkflowEntrypoint() makes, or extends", () => {
    const Made = createDynamicWorkflowEntrypoint(() => ({ run: () => Promise.resolve(1) }));
    assert(Made.prototype instanceof WorkflowEntrypoint);
    assertStringIncludes((() => {
      try {
        return String(wrapWorkflowBinding({}));
      } catch (error) {
        return (error as Error).message;
      }
    })(), "`DynamicWorkflowBinding` is not registered on `cloudflare:workers` exports");
  });
});
