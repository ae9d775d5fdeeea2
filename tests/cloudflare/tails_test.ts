import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createDynamicWorkflowEntrypoint, DynamicWorkflowBinding, type TraceItem, type WorkerCode, type WorkerLoader, wrapWorkflowBinding } from "../../adapters/cloudflare.ts";
import { createTraces } from "../../adapters/cloudflare/traces.ts";
import { env, exports, WorkerEntrypoint } from "../../adapters/cloudflare/workers.ts";
import { testClock } from "../semantics/_clock.ts";
import { type Any, eventually, failing, onPlatform, overtime, tenant } from "./_platform.ts";

let told: [string, TraceItem][] = [];

/** A consumer of traces: an entrypoint of the dispatcher's. */
class Tail extends WorkerEntrypoint<unknown, { name: string }> {
  tail(items: TraceItem[]): void {
    for (const item of items) told.push([this.ctx.props.name, structuredClone(item)]);
    if (this.ctx.props.name === "fails") throw new Error("a tail's own");
    (items[0] as Any).logs = "changed";
  }
}

const loader = () => env["LOADER"] as WorkerLoader;
const tail = (name: string) => (exports["Tail"] as Any)({ props: { name } });
const SOURCE = `import { WorkerEntrypoint } from "cloudflare:workers";
  export default { async fetch(request, env, ctx) {
    console.log("asked", new URL(request.url).pathname); console.warn({ a: 1 });
    if (request.url.endsWith("/throws")) throw new RangeError("no such page");
    if (request.url.endsWith("/spin")) for (;;);
    ctx.waitUntil(Promise.resolve().then(() => console.error("afterwards")));
    return new Response("ok", { status: 201 });
  } };
  export class Api extends WorkerEntrypoint { hello() { console.debug("hello"); } }`;
const code = (more: Partial<WorkerCode> = {}): WorkerCode => ({ mainModule: "m.js", modules: { "m.js": SOURCE }, ...more });

const on = (test: Parameters<typeof onPlatform>[1], options: object = {}) => {
  told = [];
  return onPlatform({ dispatcher: { DynamicWorkflowBinding, Tail }, ...options }, test);
};
const toldOf = (items: number) => eventually(() => told.length >= items);

describe("tails of loaded code", () => {
  it("are told of a request what it logged, when it is over, each of them", () =>
    on(async () => {
      const app = loader().get("shop", () => code({ tails: [tail("a"), tail("fails"), tail("b")] })).getEntrypoint();
      await app.fetch("https://shop.example/x?token=1", { headers: { "X-Api-Key": "secret", "X-Plain": "seen" } });
      await toldOf(3);
      assertEquals(told.map(([name]) => name), ["a", "fails", "b"]);
      const item = (told[2] as [string, TraceItem])[1];
      assertEquals(item.event, { request: { url: "https://shop.example/x?token=1", method: "GET", headers: { "x-api-key": "REDACTED", "x-plain": "seen" } }, response: { status: 201 } });
      assertEquals(item.logs.map(({ level, message }) => [level, ...message]), [["log", "asked /x"], ["warn", "{a: 1}"], ["error", "afterwards"]]);
      assertEquals([item.outcome, item.exceptions, item.scriptName, item.entrypoint, item.truncated], ["ok", [], "shop", "default", false]);
    }));

  it("are told of what it failed with, by name and message", () =>
    on(async () => {
      const app = (limits = {}) => loader().load(code({ tails: [tail("a")], limits })).getEntrypoint();
      await failing(app().fetch("https://a/throws"));
      await failing(app({ cpuMs: 200 }).fetch("https://a/spin"));
      await (loader().load(code({ tails: [tail("a")] })).getEntrypoint("Api") as Any).hello();
      await failing((loader().load(code({ tails: [tail("a")] })).getEntrypoint("Api") as Any).nothing());
      await toldOf(4);
      const [throws, spins, hello, nothing] = told.map(([, item]) => item) as [TraceItem, TraceItem, TraceItem, TraceItem];
      assertEquals([throws.outcome, throws.exceptions.map(({ name, message }) => [name, message]), throws.scriptName], ["exception", [["RangeError", "no such page"]], null]);
      assertEquals(spins.outcome, "exceededCpu");
      assertEquals([hello.event, hello.entrypoint, hello.logs.map(({ message }) => message[0])], [{ rpcMethod: "hello" }, "Api", ["hello"]]);
      assertEquals([nothing.outcome, nothing.exceptions[0]?.name], ["exception", "TypeError"]);
    }));

  it("are told of a run, each time that it rests or ends, and of no line twice", () =>
    on(async ({ clock, until, result }) => {
      await wrapWorkflowBinding({ tenantId: "acme" }).create({ id: "one" });
      await until("acme", "one", "waiting");
      // the first part is told a second after it, the second one when the run has woken and ended
      await overtime(clock, 1_000, failing(result("acme", "one")));
      await overtime(clock, 1_000, toldOf(2));
      assertEquals(told.map(([, { logs, outcome, event }]) => [logs.map(({ message }) => message[0]), outcome, event]), [
        [["before", "in the step"], "ok", { rpcMethod: "run" }],
        [["after"], "exception", { rpcMethod: "run" }],
      ]);
      assertEquals(told[1]?.[1].exceptions.map(({ name, message }) => [name, message]), [["RangeError", "at last"]]);
    }, {
      dispatcher: {
        DynamicWorkflowBinding,
        Tail,
        DynamicWorkflow: createDynamicWorkflowEntrypoint<Any>(({ env }) =>
          env.LOADER.get("runs", () => ({
            mainModule: "m.js",
            modules: { "m.js": tenant(`console.log("before"); await step.do("a", async () => console.log("in the step")); await step.sleep("nap", 3000); console.log("after"); throw new RangeError("at last");`) },
            tails: [tail("a")],
          })).getEntrypoint("TenantWorkflow")
        ),
      },
    }));

  it("may be loaded code, which is told nothing of itself", () =>
    on(async () => {
      const notes: unknown[] = [];
      const modules = { "m.js": `export default { tail(events, env, ctx) { console.log("mine"); return env.NOTE(events.map(({ logs }) => logs.map(({ message }) => message[0]))); }, fetch() { console.log("asked"); return new Response(); } };` };
      const watched: Any = loader().get("own", () => ({ mainModule: "m.js", modules, env: { NOTE: (note: unknown) => void notes.push(note) }, tails: [watched] })).getEntrypoint();
      await watched.fetch("https://a/");
      await eventually(() => notes.length > 0);
      // and nothing more: what it was told of would be told of
      for (let n = 0; n < 50; n++) await new Promise<void>((done) => setImmediate(done));
      assertEquals(notes, [[["asked"]]]);
    }));

  it("are told of so much, and that there was more", () =>
    on(async () => {
      const flood = (body: string) => loader().load({ mainModule: "m.js", modules: { "m.js": `export default { fetch() { ${body} return new Response(); } };` }, tails: [tail("a")] }).getEntrypoint().fetch("https://a/");
      await flood(`for (let n = 0; n < 5000; n++) console.log(n);`);
      await flood(`for (let n = 0; n < 100; n++) console.log("x".repeat(50_000));`);
      await toldOf(2);
      const [lines, bytes] = told.map(([, item]) => item) as [TraceItem, TraceItem];
      assertEquals([lines.logs.length, bytes.truncated], [1000, true]);
      assert(bytes.logs.length > 0 && bytes.logs.reduce((all, { message }) => all + (message[0] as string).length, 0) <= 262_144);
    }));
});

describe("traces", () => {
  it("go to tails that do not answer so many at a time, and are dropped then, which is said once", () => {
    const clock = testClock();
    let dropped = 0, tails = 0;
    const traces = createTraces(clock.process().clock, () => void dropped++);
    const start = { tails: [{ tail: () => (tails++, new Promise(() => {})) }], event: { rpcMethod: "a" }, scriptName: "", entrypoint: undefined };
    for (let n = 0; n < 150; n++) traces.begin(start)?.end("ok");
    assertEquals([tails, dropped], [100, 1]);
  });

  it("are none where nobody wants to know", () => {
    assertEquals(createTraces(testClock().process().clock, () => {}).begin({ tails: [], event: { rpcMethod: "a" }, scriptName: "", entrypoint: undefined }), undefined);
  });
});
