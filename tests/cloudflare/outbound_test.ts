import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type DispatcherModule, DynamicWorkflowBinding, type WorkerCode, type WorkerLoader } from "../../adapters/cloudflare.ts";
import { env, exports, WorkerEntrypoint } from "../../adapters/cloudflare/workers.ts";
import { trusted } from "../../adapters/sandbox/trusted.ts";
import { type Any, eventually, failing, onPlatform, overtime } from "./_platform.ts";

const seen: Request[] = [];

/** The network, as a dispatcher grants it: an entrypoint of its own. */
class Gate extends WorkerEntrypoint<unknown, { tenant: string }> {
  async fetch(request: Request): Promise<Response> {
    seen.push(request);
    const { hostname, pathname } = new URL(request.url);
    if (hostname !== "allowed.example") return new Response("not for you", { status: 403 });
    switch (pathname) {
      case "/echo":
        return Response.json({ tenant: this.ctx.props.tenant, method: request.method, type: request.headers.get("content-type"), body: await request.text(), redirect: request.redirect }, { status: 201, statusText: "Made", headers: [["X-A", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] });
      case "/bytes":
        return new Response(Uint8Array.from([0, 255, 128]));
      case "/none":
        return new Response(null, { status: 204 });
      case "/throws":
        throw Object.assign(new TypeError("refused by the gate"), { stack: "secret /srv/host.ts", cause: "secret" });
      case "/nothing":
        return undefined as never;
      case "/endless":
        return new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(65_536)), cancel: () => void ended.push("cancelled") }));
      case "/trickle":
        return new Response(new ReadableStream({ pull: () => new Promise(() => {}), cancel: () => void ended.push("trickle cancelled") }));
      case "/never":
        return new Promise((_resolve, reject) => request.signal.addEventListener("abort", () => (ended.push("aborted"), reject(new Error("aborted")))));
      default:
        return new Response("?", { status: 404 });
    }
  }
  secret(): string {
    return "not reached by fetch";
  }
}
const ended: string[] = [];

const gate = (tenant = "acme") => (exports["Gate"] as Any)({ props: { tenant } });

/** Answers of `Api.go()` of loaded code. */
function go(body: string, code: Partial<WorkerCode> = {}, ...args: unknown[]): Promise<Any> {
  const source = `import { WorkerEntrypoint } from "cloudflare:workers"; const failure = (p) => Promise.resolve(p).then(() => "none", (error) => [error.name, error.message]);
    export class Api extends WorkerEntrypoint { async go(...args) { ${body} } }`;
  return ((env["LOADER"] as WorkerLoader).load({ mainModule: "m.js", modules: { "m.js": source }, ...code }).getEntrypoint("Api") as Any).go(...args);
}

const DISPATCHER: DispatcherModule = { DynamicWorkflowBinding, Gate, default: {} };
const on = (test: (platform: Parameters<Parameters<typeof onPlatform>[1]>[0]) => Promise<void>, options: object = {}) => onPlatform({ dispatcher: DISPATCHER, ...options }, test);

describe("fetch in loaded code", () => {
  for (const globalOutbound of [null, undefined]) {
    it(`throws as Cloudflare's does when globalOutbound is ${globalOutbound}`, () =>
      on(async () => {
        assertEquals(await go(`return failure(fetch("https://allowed.example/"));`, globalOutbound === null ? { globalOutbound } : {}), [
          "Error",
          "This worker is not permitted to access the internet via global functions like fetch(). It must use capabilities (such as bindings in 'env') to talk to the outside world.",
        ]);
        assertEquals(await go(`return [await failure(fetch("/x")), await failure(fetch("https://a/", { method: "GET", body: "x" }))].map(([name]) => name);`), ["TypeError", "TypeError"]);
      }));
  }

  it("goes through the dispatcher's entrypoint, whole, with its props, and back", () =>
    on(async () => {
      const answer = await go(
        `const response = await fetch(new Request("https://allowed.example/echo?q=1", { method: "POST", body: "text ü" }), { redirect: "manual" });
        const bytes = await fetch("https://allowed.example/bytes"), none = await fetch(new URL("https://allowed.example/none"));
        return [response.status, response.statusText, response.ok, response.url, [...response.headers].filter(([name]) => name !== "content-type"), await response.json(), new Uint8Array(await bytes.arrayBuffer()), none.status, none.body, (await fetch("https://other.example/")).status];`,
        { globalOutbound: gate() },
      );
      assertEquals(answer, [
        201,
        "Made",
        true,
        "https://allowed.example/echo?q=1",
        [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-a", "1"]],
        { tenant: "acme", method: "POST", type: "text/plain;charset=UTF-8", body: "text ü", redirect: "manual" },
        Uint8Array.from([0, 255, 128]),
        204,
        null,
        403,
      ]);
    }));

  it("takes any object with a fetch for its network, and loaded code as well", () =>
    on(async () => {
      const loaded = (env["LOADER"] as WorkerLoader).load({ mainModule: "m.js", modules: { "m.js": `export default { fetch: (request) => new Response("loaded " + new URL(request.url).pathname) };` } }).getEntrypoint();
      for (const [globalOutbound, says] of [[{ fetch: () => new Response("plain") }, "plain"], [loaded, "loaded /x"]] as const) {
        assertEquals(await go(`return (await fetch("https://a.example/x")).text();`, { globalOutbound: globalOutbound as never }), says);
      }
    }));

  it("hears of what goes wrong by name and message alone", () =>
    on(async () => {
      const failed = await go(`return [await failure(fetch("https://allowed.example/throws")), await failure(fetch("https://allowed.example/nothing")), await failure(fetch("https://allowed.example/endless"))];`, { globalOutbound: gate() });
      assertEquals(failed.slice(0, 2), [["TypeError", "refused by the gate"], ["TypeError", 'Cannot fetch "https://allowed.example/nothing": what answers for it gave no Response']]);
      assertStringIncludes(failed[2].join(), "the body of the answer has more than");
      assertEquals(ended.splice(0), ["cancelled"]);
    }));

  it("reaches nothing but http and https, and nothing of the entrypoint but its fetch", () =>
    on(async () => {
      const before = seen.length;
      const urls = ["file:///etc/passwd", "data:,x", "blob:https://a/b", "node:fs", "ftp://a/", "javascript:1"];
      const failed = await go(`return Promise.all(args[0].map((url) => failure(fetch(url))));`, { globalOutbound: gate() }, urls);
      for (const [name, message] of failed) assertEquals([name, message.includes("neither http nor https")], ["TypeError", true]);
      assertEquals(seen.length, before);
    }));

  it("is aborted by its signal, and by its time", () =>
    on(async ({ clock }) => {
      const aborted = go(`const controller = new AbortController(); const asked = failure(fetch("https://allowed.example/never", { signal: controller.signal })); controller.abort(new Error("enough"));
        return [await asked, await failure(fetch("https://allowed.example/", { signal: AbortSignal.abort(new Error("before")) }))];`, { globalOutbound: gate() });
      assertEquals(await aborted, [["Error", "enough"], ["Error", "before"]]);
      ended.length = 0;
      const late = go(`const failed = await failure(fetch("https://allowed.example/never")); return failed;`, { globalOutbound: gate() }).catch((error) => error);
      const asked = seen.length;
      await eventually(() => seen.length > asked);
      // the call and who waits for it have the same time
      const failed = await overtime(clock, 100_000, late);
      assertStringIncludes(JSON.stringify(failed) + String(failed), "within 300 seconds");
      await eventually(() => ended.includes("aborted"));
    }));

  it("does not wait for a body that never ends for longer than a call may last", () =>
    on(async ({ clock }) => {
      const asked = seen.length;
      const late = go(`return failure(fetch("https://allowed.example/trickle"));`, { globalOutbound: gate() }).catch((error) => error);
      await eventually(() => seen.length > asked);
      const failed = await overtime(clock, 100_000, late);
      assertStringIncludes(JSON.stringify(failed) + String(failed), "within 300 seconds");
      await eventually(() => ended.includes("trickle cancelled"));
    }));

  it("counts to limits.subRequests, with the calls of bindings", () =>
    on(async () => {
      const code = { globalOutbound: gate(), env: { API: gate() }, limits: { subRequests: 2 } };
      assertEquals(await go(`return [(await fetch("https://a/")).status, (await this.env.API.fetch("https://a/")).status, await failure(fetch("https://a/"))];`, code), [403, 403, ["Error", "The limit of 2 binding calls has been reached"]]);
    }));

  it("is recorded outside of a step, and made anew by no replay", () => {
    let asked = 0;
    const globalOutbound = { fetch: () => new Response(`answer ${++asked}`) };
    return onPlatform({ code: { globalOutbound } }, async ({ sources, api, until, again, clock, result }) => {
      sources["acme"] = `import { WorkflowEntrypoint, WorkerEntrypoint } from "cloudflare:workers";
        export class Api extends WorkerEntrypoint { async create(options) { return (await this.env.WORKFLOWS.create(options)).id; } }
        export class TenantWorkflow extends WorkflowEntrypoint { async run(event, step) {
          const first = await (await fetch("https://a/1")).text();
          const inStep = await step.do("ask", async () => (await fetch("https://a/2")).text());
          await step.sleep("nap", 1000);
          return [first, inStep, await (await fetch("https://a/3")).text()];
        } }`;
      await api("acme", "create", { id: "one" });
      await until("acme", "one", "waiting");
      await again();
      clock.jump(1000);
      assertEquals(await result("acme", "one"), ["answer 1", "answer 2", "answer 3"]);
    });
  });

  it("is refused a network of its own where there is no wall", () =>
    on(async () => {
      assertStringIncludes((await failing(go(`return 1;`, { globalOutbound: gate() }))).message, '"globalOutbound" is not supported: the sandbox "trusted" keeps no code from the host\'s network');
    }, { sandbox: trusted() }));
});

describe("a request of a guest, as the host takes it", () => {
  it("is refused when it is none, whatever a tenant has sent", async () => {
    const { fetchThrough } = await import("../../adapters/cloudflare/outbound.ts");
    const good = { url: "https://a/", method: "GET", headers: [], body: null, redirect: "follow" };
    const bounds = { most: 10, signal: new AbortController().signal };
    const fetcher = { fetch: () => new Response("ok") };
    for (const change of [{ url: 1 }, { url: "https://" }, { method: {} }, { headers: {} }, { headers: [["a"]] }, { headers: [["a", 1]] }, { headers: [["a b", "c"]] }, { headers: [["a", "c\r\nd: e"]] }, { body: "text" }, { redirect: "x" }, { method: "TRACE" }, { method: "GET", body: new Uint8Array(1) }, { url: "https://user:word@a/" }]) {
      await failing(fetchThrough(fetcher, [{ ...good, ...change }], bounds));
    }
    for (const args of [[], [null], ["https://a/"], [[]]]) assertStringIncludes((await failing(fetchThrough(fetcher, args, bounds))).message, "no request");
    assertEquals((await fetchThrough(fetcher, [good], bounds)).status, 200);
  });
});
