import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DynamicWorkflowBinding, type WorkerCode, type WorkerLoader } from "../../adapters/cloudflare.ts";
import { env, exports, RpcTarget, WorkerEntrypoint } from "../../adapters/cloudflare/workers.ts";
import { type Any, failing, onPlatform, overtime, tenant } from "./_platform.ts";

class Base extends WorkerEntrypoint<Any, { tenant: string }> {
  inherited(): string {
    return `base of ${this.ctx.props.tenant}`;
  }
}

/** What a dispatcher grants by reference. */
class Api extends Base {
  own = 1;
  add(a: number, b: Map<string, number>): { sum: number; of: string } {
    return { sum: a + (b.get("b") ?? 0), of: this.ctx.props.tenant };
  }
  async slow(): Promise<string> {
    under++;
    most = Math.max(most, under);
    await new Promise<void>((done) => setImmediate(done));
    under--;
    return "done";
  }
  large(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }
  fails(): never {
    throw Object.assign(new RangeError("not so"), { stack: "secret /srv/host.ts", cause: new Error("secret"), secret: 1 });
  }
  never(): Promise<never> {
    return new Promise(() => {});
  }
  target(): RpcTarget {
    return new Counter();
  }
  async fetch(request: Request): Promise<Response> {
    return new Response(`${this.ctx.props.tenant} ${request.method} ${await request.text()}`);
  }
}
let under = 0, most = 0;

class Counter extends RpcTarget {
  readonly #from: number;
  hidden = (): string => "its own";
  constructor(from = 0) {
    super();
    this.#from = from;
  }
  next(n: number): number {
    return this.#from + n;
  }
  get value(): number {
    return this.#from;
  }
}

const loader = () => env["LOADER"] as WorkerLoader;
const stub = (of = "acme") => (exports["Api"] as Any)({ props: { tenant: of } });

function go(body: string, code: Partial<WorkerCode> = {}, ...args: unknown[]): Promise<Any> {
  const source = `import { WorkerEntrypoint } from "cloudflare:workers"; const failure = (p) => Promise.resolve(p).then(() => "none", (error) => [error.name, error.message, error.cause, error.secret, String(error.stack).includes("srv")]);
    export class Go extends WorkerEntrypoint { async go(...args) { ${body} } }`;
  return (loader().load({ mainModule: "m.js", modules: { "m.js": source }, ...code }).getEntrypoint("Go") as Any).go(...args);
}

const on = (test: Parameters<typeof onPlatform>[1], options: object = {}) => onPlatform({ dispatcher: { DynamicWorkflowBinding, Api }, ...options }, test);

describe("what loaded code has in env by reference", () => {
  it("is called as a stub, beside values, and gives values", () =>
    on(async () => {
      const answer = await go(`const { API, COUNTER, FN, N, DATA } = this.env; return [await API.add(1, new Map([["b", 2]])), await API.inherited(), await COUNTER.next(2), await FN(3), N, DATA.a];`, {
        env: { API: stub(), COUNTER: new Counter(5), FN: (n: number) => n * 2, N: 7, DATA: { a: new Date(5) } },
      });
      assertEquals(answer, [{ sum: 3, of: "acme" }, "base of acme", 7, 6, 7, new Date(5)]);
    }));

  it("has a fetch that takes requests and gives responses", () =>
    on(async () => {
      const loaded = loader().load({ mainModule: "m.js", modules: { "m.js": `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { fetch(request) { return new Response("loaded " + request.url); } twice(n) { return n * 2; } }` } }).getEntrypoint();
      const answer = await go(`const response = await this.env.API.fetch("https://api/x", { method: "PUT", body: "b" }); return [response.status, await response.text(), await (await this.env.LOADED.fetch(new Request("https://a/"))).text(), await this.env.LOADED.twice(4)];`, { env: { API: stub(), LOADED: loaded } });
      assertEquals(answer, [200, "acme PUT b", "loaded https://a/", 8]);
    }));

  it("shows errors by name and message, and nothing that is not a method of its class", () =>
    on(async () => {
      const names = ["constructor", "own", "ctx", "env", "__proto__", "toString", "hasOwnProperty", "tail", "dup", "secret"];
      const [fails, target, ...rest] = await go(
        `const all = [await failure(this.env.API.fails()), await failure(this.env.API.target())];
        for (const name of args[0]) { const of = this.env.API[name]; all.push(typeof of === "function" ? await failure(of()) : typeof of); }
        for (const name of ["hidden", "value", "constructor"]) { const of = this.env.COUNTER[name]; all.push(typeof of === "function" ? await failure(of()) : typeof of); }
        return all;`,
        { env: { API: stub(), COUNTER: new Counter(5) } },
        names,
      );
      assertEquals(fails, ["RangeError", "not so", undefined, undefined, false]);
      assertStringIncludes(target[1], "cannot be stored");
      for (const each of rest) assert(each === "undefined" || each[1].includes("there is no such method"), JSON.stringify(each));
    }));

  it("is bounded in the size of what is sent and of what comes back", () =>
    on(async () => {
      const failed = await go(`return [await failure(this.env.API.add(new Uint8Array(5_000_000), new Map())), await failure(this.env.API.large(7_000_000)), (await this.env.API.large(1_000_000)).length];`, { env: { API: stub() } });
      assertStringIncludes(failed[0][1], 'Cannot call "API.add": its arguments have');
      assertStringIncludes(failed[1][1], 'Cannot call "API.large": its result has');
      assertEquals(failed[2], 1_000_000);
    }));

  it("is called by so many at a time, and the others in their turn", () =>
    on(async () => {
      most = 0;
      assertEquals(await go(`return (await Promise.all(Array.from({ length: 180 }, () => this.env.API.slow()))).filter((word) => word === "done").length;`, { env: { API: stub() } }), 180);
      assertEquals(most, 50);
    }));

  it("is waited for as long as a call may last", () =>
    on(async ({ clock, api, sources, until, result }) => {
      sources["acme"] = tenant(`try { await this.env.API.never(); } catch ({ name, message }) { return [name, message]; }`);
      await api("acme", "create", { id: "one" });
      await until("acme", "one", "running");
      assertEquals(await overtime(clock, 100_000, result("acme", "one")), ["TimeoutError", 'Cannot call "API.never": it has not answered within 300 seconds']);
    }, { code: { env: { get API() { return stub(); } } } }));

  it("is told apart by the props that its stub was made with, which nobody changes", () =>
    on(async () => {
      const props = { tenant: "acme" };
      const made = (exports["Api"] as Any)({ props });
      props.tenant = "evil";
      assertEquals(await go(`return this.env.API.inherited();`, { env: { API: made } }), "base of acme");
    }));

  it("ends where code calls code that calls it again, as Cloudflare's does", () =>
    on(async () => {
      let calls = 0;
      const self: Any = loader().get("self", () => ({
        mainModule: "m.js",
        modules: { "m.js": `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { async again() { await this.env.COUNT(); return this.env.SELF.again(); } }` },
        env: { SELF: self, COUNT: () => void calls++ },
      })).getEntrypoint();
      const { message } = await failing(self.again());
      assertStringIncludes(message, "Subrequest depth limit exceeded");
      assertEquals(calls, 16);
    }, { limits: { memoryBytes: 8 * 2 ** 20 } }));
});

describe("methods of a tenant's own entrypoints", () => {
  const SOURCE = `import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";
    export class Api extends WorkerEntrypoint { who() { return this.ctx.props.who; } fails() { throw new RangeError("tenant's"); } target() { return new RpcTarget(); } fn() { return () => {}; } spin() { for (;;); } async many() { for (let n = 0; n < 3; n++) await this.env.PING(); } }
    export const plain = { method(a) { return a; } };`;
  const get = (props?: object, limits?: object) => loader().load({ mainModule: "m.js", modules: { "m.js": SOURCE }, env: { PING: () => 1 } }).getEntrypoint("Api", { ...(props && { props }), ...(limits && { limits }) }) as Any;

  it("have the props of their stub, and fail by name and message", () =>
    on(async () => {
      assertEquals([await get({ who: "one" }).who(), await get({ who: { deep: [1] } }).who(), await get().who()], ["one", { deep: [1] }, undefined]);
      const error = await failing(get().fails());
      assertEquals([error.name, error.message, error instanceof RangeError], ["RangeError", "tenant's", true]);
      for (const name of ["target", "fn"]) assertStringIncludes((await failing(get()[name]())).message, "cannot be stored");
      assertEquals(await (loader().load({ mainModule: "m.js", modules: { "m.js": SOURCE } }).getEntrypoint("plain") as Any).method([1]), [1]);
    }));

  it("have the limits of their stub", () =>
    on(async () => {
      assertStringIncludes((await failing(get({}, { cpuMs: 300 }).spin())).message, "300 ms");
      assertStringIncludes((await failing(get({}, { subRequests: 2 }).many())).message, "The limit of 2 binding calls");
    }));
});
