import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { serve, wrapWorkflowBinding, type WorkerLoader } from "../../adapters/cloudflare.ts";
import { DurableObject, env, exports } from "../../adapters/cloudflare/workers.ts";
import { trusted } from "../../adapters/sandbox/trusted.ts";
import { memory } from "../../adapters/storage/memory.ts";
import { type Any, failing, onPlatform } from "./_platform.ts";

describe("serve() refuses, by name and with a stable code", () => {
  const options = { storage: memory(), sandbox: trusted() };
  for (const [config, code, says] of [
    [{ durable_objects: {} }, "unsupported", '"durable_objects"'],
    [{ triggers: { crons: [] } }, "unsupported", '"triggers"'],
    [{ workflows: [{ name: "a", binding: "A", class_name: "A", script_name: "x" }] }, "unsupported", '"workflows.script_name"'],
    [{ worker_loaders: [{ binding: "L", id: 1 }] }, "unsupported", '"worker_loaders.id"'],
    [{ workflows: [{ name: "a", binding: "A" }] }, "invalid_argument", "workflows.class_name"],
    [{ workflows: [{ name: "a", binding: "A", class_name: "None" }] }, "invalid_argument", '"None"'],
    [{ worker_loaders: [{ binding: "A" }], vars: { A: 1 } }, "invalid_argument", "two bindings"],
    [null, "invalid_argument", "not an object"],
  ] as [Any, string, string][]) {
    it(`${code} of ${says} in ${JSON.stringify(config)}`, async () => {
      const error = await failing(serve({ default: {} }, { ...options, config }));
      assertEquals([error.code, error.message.includes(says)], [code, true], error.message);
    });
  }

  it("a second dispatcher in one process, until the first is closed", async () => {
    const first = await serve({ default: { fetch: () => new Response("1") } }, { ...options, storage: memory(), config: { vars: { A: 1 } } });
    assertEquals(env["A"], 1);
    assertEquals((await failing(serve({}, { ...options, config: {} }))).code, "already_serving");
    await first.close();
    assertEquals(Object.keys(env), []);
    const second = await serve({ default: { fetch: (_: Request, env: Any) => new Response(env.S) } }, { ...options, storage: memory(), sandbox: trusted(), config: {}, env: { S: "secret" } });
    assertEquals(await (await second.fetch(new Request("http://x/"))).text(), "secret");
    await second.close();
  });

  it("to let a dispatcher change its env", () =>
    onPlatform({}, () => {
      assertThrows(() => {
        env["WORKFLOWS"] = 1;
      }, TypeError);
      assertThrows(() => delete exports["DynamicWorkflowBinding"], TypeError);
      return Promise.resolve();
    }));
});

describe("wrapWorkflowBinding() refuses", () => {
  for (const metadata of [{}, { tenantId: "" }, { tenantId: 1 }, { tenantId: { toString: () => "acme" } }, { tenantId: "cloudflare:dispatcher" }, { tenantId: "a\u0000b" }, { tenantId: "x".repeat(129) }]) {
    it(`metadata in which there is no tenant: ${JSON.stringify(metadata).slice(0, 60)}`, () =>
      onPlatform({}, () => {
        assertThrows(() => wrapWorkflowBinding(metadata));
        return Promise.resolve();
      }));
  }

  it("a binding that the config does not have", () =>
    onPlatform({}, () => {
      assertThrows(() => wrapWorkflowBinding({ tenantId: "a" }, { bindingName: "NONE" }), Error, 'no Workflow binding named "NONE"');
      assertThrows(() => wrapWorkflowBinding({ tenantId: "a" }, { bindingName: "LOADER" }), Error, 'no Workflow binding named "LOADER"');
      return Promise.resolve();
    }));

  it("nothing that changes after it was made: whose it is stands then", () =>
    onPlatform({ tenantOf: ({ org }) => org }, async ({ app }) => {
      const metadata = { org: "acme", tenantId: "evil" };
      const binding = wrapWorkflowBinding(metadata);
      metadata.org = "evil";
      await binding.create({ id: "one" });
      assertEquals((await app.tenure.tenant("acme").workflow("dynamic-workflow").list()).instances.length, 1);
      assertEquals((await app.tenure.tenant("evil").workflow("dynamic-workflow").list()).instances.length, 0);
    }));
});

describe("a Worker Loader refuses", () => {
  const good = { mainModule: "m.js", modules: { "m.js": "export default { fetch: () => new Response('ok') }" } };
  for (const [code, says] of [
    [{ ...good, globalOutbound: {} }, "globalOutbound has no method fetch"],
    [{ ...good, tails: [{}] }, "its tails are no list"],
    [{ ...good, tails: {} }, "its tails are no list"],
    [{ ...good, tails: Array.from({ length: 11 }, () => ({ tail() {} })) }, "11 tails"],
    [{ ...good, streamingTails: {} }, '"streamingTails"'],
    [{ ...good, limits: { subRequests: -1 } }, "limits.subRequests"],
    [{ ...good, limits: { memory: 1 } }, '"limits.memory"'],
    [{ ...good, other: 1 }, '"other"'],
    [{ ...good, modules: { ...good.modules, "a.wasm": { wasm: new Uint8Array() } } }, 'the module "a.wasm" of the kind "wasm" is not supported: the sandbox "quickjs" runs no WebAssembly'],
    [{ ...good, modules: { ...good.modules, "a.wasm": new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)) } }, 'the module "a.wasm" of the kind "wasm"'],
    [{ mainModule: "m.js", modules: { "m.js": { py: "" } } }, 'the kind "py"'],
    [{ ...good, modules: { ...good.modules, "a.py": "" } }, 'the sandbox "quickjs" runs no Python'],
    [{ ...good, modules: { ...good.modules, a: { cjs: 1 } } }, 'the module "a" is not a text'],
    [{ ...good, modules: { ...good.modules, a: { data: "text" } } }, 'the module "a" is no ArrayBuffer'],
    [{ ...good, modules: { ...good.modules, a: { json: undefined } } }, 'the module "a" is no JSON'],
    [{ ...good, modules: { ...good.modules, a: { text: "", js: "" } } }, 'the module "a" is neither'],
    [{ ...good, modules: { ...good.modules, "a.txt": { text: "" }, "a.txt.js": "" } }, 'two modules have the name "a.txt.js"'],
    [{ mainModule: "m.js", modules: {} }, 'no module "m.js"'],
    [{ mainModule: "tenure-main.js", modules: { "tenure-main.js": "" } }, "reserved"],
    [{ ...good, env: { "a/b": 1 } }, '"a/b"'],
    [{ ...good, env: { "tenure.outbound": 1 } }, '"tenure.outbound"'],
    [null, "not an object"],
  ] as [Any, string][]) {
    it(`code with ${says}`, () =>
      onPlatform({}, async () => {
        const error = await failing((env["LOADER"] as WorkerLoader).load(code).getEntrypoint().fetch("http://x/"));
        assertStringIncludes(error.message, says);
        assertEquals(["unsupported", "invalid_argument"].includes(error.code as string), true);
      }));
  }

  it("to give the dispatcher's own binding to a tenant", () =>
    onPlatform({}, async () => {
      const stub = (env["LOADER"] as WorkerLoader).load({ ...good, env: { WORKFLOWS: env["WORKFLOWS"] } });
      assertStringIncludes((await failing(stub.getEntrypoint().fetch("http://x/"))).message, "wrapWorkflowBinding()");
    }));

  it("what needs Durable Objects", () =>
    onPlatform({}, () => {
      assertThrows(() => (env["LOADER"] as WorkerLoader).load(good).getDurableObjectClass("A"), Error, "there are none off Cloudflare");
      assertThrows(() => new DurableObject(), Error, "there are none off Cloudflare");
      return Promise.resolve();
    }));

  it("a body that is larger than params may be, with the status that says so", () =>
    onPlatform({ limits: { paramsBytes: 10 } }, async () => {
      const stub = (env["LOADER"] as WorkerLoader).load(good).getEntrypoint();
      assertEquals((await stub.fetch("http://x/", { method: "POST", body: "12345678901" })).status, 413);
      assertEquals(await (await stub.fetch("http://x/", { method: "POST", body: "1" })).text(), "ok");
    }));

  it("a tenant's code the network, unknown imports and an answer that is none", () =>
    onPlatform({}, async () => {
      const load = (source: string) => (env["LOADER"] as WorkerLoader).load({ mainModule: "m.js", modules: { "m.js": source } }).getEntrypoint().fetch("http://x/");
      await assertRejects(() => load("export default { fetch: () => fetch('http://y/') }"), Error, "This worker is not permitted to access the internet via global functions like fetch()");
      await assertRejects(() => load("import 'left-pad'; export default {}"), Error, "left-pad");
      await assertRejects(() => load("export default { fetch: () => 1 }"), TypeError, "did not return a Response");
      await assertRejects(() => load("export default { fetch: () => new Promise(() => {}) }"), Error, "never comes");
      await assertRejects(() => load("export default {}"), TypeError, "no method");
    }));
});
