/** The Web APIs that loaded code finds, as they are in a guest of the sandbox: docs/cloudflare.md lists them. */
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { DynamicWorkflowBinding, type WorkerLoader } from "../../adapters/cloudflare.ts";
import { env } from "../../adapters/cloudflare/workers.ts";
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import { type Any, onPlatform, tenant } from "./_platform.ts";

/** What each expression comes to in a guest; an error is its name. */
const API: readonly (readonly [string, unknown])[] = [
  [`["URL", "URLSearchParams", "Headers", "Request", "Response", "DOMException", "TextEncoder", "TextDecoder", "AbortController", "AbortSignal", "ReadableStream"].map((name) => globalThis[name].name).join()`, "URL,URLSearchParams,Headers,Request,Response,DOMException,TextEncoder,TextDecoder,AbortController,AbortSignal,ReadableStream"],
  [`["Blob", "FormData", "File", "WritableStream", "TransformStream", "WebSocket", "WebAssembly", "SharedArrayBuffer", "caches", "process", "Buffer", "require", "__send", "__tenure"].filter((name) => name in globalThis)`, []],
  [`const url = new URL("../b?x=1#h", "https://Bücher.example:443/a/c"); url.port = "8080"; url.searchParams.append("y", "ü"); return [url.href, url.origin, URL.canParse("x:"), URL.parse("x")]`, ["https://xn--bcher-kva.example:8080/b?x=1&y=%C3%BC#h", "https://xn--bcher-kva.example:8080", true, null]],
  [`[...new URLSearchParams([["b", "1"], ["a", "2"]])].flat().join() + new URLSearchParams({ q: "a b" })`, "b,1,a,2q=a+b"],
  [`[...new TextEncoder().encode("ü")].join() + new TextDecoder().decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)) + new TextDecoder("utf-8", { fatal: false }).decode(Uint8Array.of(0xff))`, "195,188a\ufffd"],
  [`atob(btoa("\\u00ff")) + btoa("a")`, "\u00ffYQ=="],
  [`btoa("\\u0100")`, "InvalidCharacterError"],
  [`const m = new Map([["a", new Date(5)]]); const c = structuredClone({ m, again: m }); return [c.m === c.again, c.m !== m, c.m.get("a").getTime()]`, [true, true, 5]],
  [`structuredClone(() => {})`, "ValueError"],
  [`const c = new AbortController(); const heard = []; c.signal.addEventListener("abort", ({ type }) => heard.push(type)); c.abort(); return [heard, c.signal.reason.name, AbortSignal.any([c.signal]).aborted]`, [["abort"], "AbortError", true]],
  [`const id = crypto.randomUUID(); return /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id) && crypto.getRandomValues(new Uint32Array(4)).some((word) => word > 0)`, true],
  [`[...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc")))].map((byte) => byte.toString(16).padStart(2, "0")).join("")`, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [`crypto.subtle.generateKey("AES")`, "NotSupportedError"],
  [`const order = []; setTimeout((word) => order.push(word), 0, "timer"); queueMicrotask(() => order.push("job")); await null; return order`, ["job"]],
  [`[typeof console.log, typeof console.error, typeof performance.now(), typeof setInterval, typeof clearTimeout, self === globalThis]`, ["function", "function", "number", "function", "function", true]],
  [`const r = new Response("ab"); const chunks = []; for await (const chunk of r.body) chunks.push(new TextDecoder().decode(chunk)); return [chunks, r.bodyUsed]`, [["ab"], true]],
  [`new Response(new ReadableStream({ start(to) { to.enqueue(new TextEncoder().encode('{"a":')); to.enqueue(new TextEncoder().encode("1}")); to.close(); } })).json()`, { a: 1 }],
  [`const [a, b] = new Response("twice").body.tee(); return Promise.all([new Response(a).text(), new Response(b).text()])`, ["twice", "twice"]],
  [`new Response("x").formData()`, "TypeError"],
  [`new Response("x").blob()`, "TypeError"],
  [`const h = new Headers([["A", "1"], ["a", "2"]]); return [h.get("A"), [...h.keys()], Object.prototype.toString.call(h)]`, ["1, 2", ["a"], "[object Headers]"]],
  [`new Headers({ "a b": "c" })`, "TypeError"],
  [`const q = new Request("https://a/", { method: "post", body: "x" }); const c = q.clone(); return [q.method, await q.text(), await c.text(), q.headers.get("content-type")]`, ["POST", "x", "x", "text/plain;charset=UTF-8"]],
  [`[Response.json({ a: 1 }).headers.get("content-type"), Response.redirect("https://a/b", 301).status, new Response(null, { status: 204 }).body]`, ["application/json", 301, null]],
  [`new DOMException("x", "AbortError").code`, 20],
];

describe("a guest of loaded code", () => {
  it("has the Web APIs that are listed, and they do as they should", () =>
    onPlatform({ dispatcher: { DynamicWorkflowBinding } }, async () => {
      const body = API.map(([code]) => `async () => { ${code.includes("return ") ? code : `return ${code}`} }`).join(",\n");
      const source = `export class Api { async all() { const out = []; for (const run of [${body}]) out.push(await run().catch((error) => error.name)); return out; } }`;
      const stub = (env["LOADER"] as WorkerLoader).load({ mainModule: "m.js", modules: { "m.js": source } }).getEntrypoint("Api");
      const found = await (stub as Any).all() as unknown[];
      API.forEach(([code, expected], n) => assertEquals(found[n], expected, code));
    }));

  it("shows a run the same time and chance whenever it is replayed", () =>
    onPlatform({}, async ({ sources, api, until, again, clock, result }) => {
      sources["acme"] = tenant(`
        const digest = async (text) => [...new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text)))].join();
        const all = async () => [Date.now(), performance.now(), Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(4)).join(), await digest(String(Math.random())), new Date().toISOString()];
        const before = await all();
        const kept = await step.do("keep", async () => before);
        await step.sleep("nap", 1000);
        return [before, kept];`);
      await api("acme", "create", { id: "one" });
      await until("acme", "one", "waiting");
      await again();
      clock.jump(1000);
      const [before, kept] = await result("acme", "one");
      assertEquals(before, kept);
    }));
});

describe("quickjs().share()", () => {
  const code = (library: string) => ({ mainModule: "main.js", modules: { "library.js": library, "main.js": `import { said, count } from "library.js"; export class W { run() { return [said, count(), typeof globalThis.mark]; } }` } });
  const LIBRARY = `let n = 0; globalThis.mark = 1; export const said = "ours"; export const count = () => ++n;`;

  async function output(sandbox: ReturnType<typeof quickjs>, tenantId: string, library: string): Promise<string> {
    const prepared = await sandbox.prepare(tenantId, code(library), DEFAULT_LIMITS);
    const guest = await sandbox.open({ tenant: tenantId, version: library, prepared, limits: DEFAULT_LIMITS, ready() {} }, new AbortController().signal);
    const { out } = await guest.turn(`{"d":"start","now":1,"seed":"s","class":"W","event":{"timestamp":1,"instanceId":"i","workflowName":"w"},"bindings":[]}\nj{"params":{},"env":{}}`, 1);
    guest.drop();
    return out.join();
  }

  it("changes nothing of what code does, and shares nothing that a run changes", async () => {
    const plain = quickjs(), shared = quickjs();
    shared.share?.({ "library.js": LIBRARY }, "library.js");
    const expected = await output(plain, "a", LIBRARY);
    for (const tenantId of ["a", "a", "b"]) assertEquals(await output(shared, tenantId, LIBRARY), expected);
    await plain.close();
    await shared.close();
  });

  it("counts for the very text alone: another module of that name is a tenant's own", async () => {
    const shared = quickjs();
    shared.share?.({ "library.js": LIBRARY }, "library.js");
    await output(shared, "a", LIBRARY);
    assertEquals((await output(shared, "b", LIBRARY.replace("ours", "mine"))).includes("mine"), true);
    assertEquals(await output(shared, "c", LIBRARY), await output(shared, "a", LIBRARY));
    await shared.close();
  });

  it("does without when the library does not evaluate", async () => {
    const shared = quickjs();
    const broken = `export const said = 1, count = () => 1; throw new Error("broken");`;
    shared.share?.({ "library.js": broken }, "library.js");
    let failed = "";
    await shared.prepare("a", code(broken), DEFAULT_LIMITS).catch((error: Error) => failed = error.message);
    assertEquals(failed.includes("broken"), true);
    await shared.close();
  });
});
