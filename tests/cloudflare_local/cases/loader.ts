/** The Worker Loader by itself. */
import type { Case } from "../case.ts";

const code = (main: string, more: object = {}): { compatibilityDate: string; mainModule: string; modules: object } => ({
  compatibilityDate: "2026-01-01",
  mainModule: "main.js",
  modules: { "main.js": main },
  ...more,
});
const API = `import { WorkerEntrypoint } from "cloudflare:workers";
  export class Api extends WorkerEntrypoint {
    add(a, b) { return a + b; }
    props() { return this.ctx.props; }
    env() { return Object.entries(this.env).sort(); }
    async throws() { throw new RangeError("far"); }
    #hidden() { return 1; }
    field = 1;
  }
  export default { fetch(request) { return new Response("default " + new URL(request.url).pathname, { status: 202 }); } };`;

/** See the file. */
export const LOADER: readonly Case[] = [
  {
    name: "loaded code answers by the methods of its entrypoints",
    run: ``,
    act: (client) => client.loaded({ code: code(API), entry: "Api", method: "add", args: [2, 3] }),
    right: 5,
  },
  {
    name: "an entrypoint has the props that its stub was made with",
    run: ``,
    act: (client) => client.loaded({ code: code(API), entry: "Api", props: { by: [1, { deep: true }] }, method: "props" }),
    right: { by: [1, { deep: true }] },
  },
  {
    name: "loaded code has the env that it was loaded with, and nothing else",
    run: ``,
    act: (client) => client.loaded({ code: code(API.replace("env()", "given()"), { env: { A: 1, B: { c: ["d"] } } }), entry: "Api", method: "given" }),
    right: [["A", 1], ["B", { c: ["d"] }]],
  },
  {
    name: "loaded code without an env has an empty one",
    run: ``,
    act: (client) => client.loaded({ code: code(API.replace("env()", "given()")), entry: "Api", method: "given" }),
    right: [],
  },
  {
    name: "the default export answers requests",
    run: ``,
    act: (client) => client.loaded({ code: code(API), method: "fetch", args: ["https://any.example/path?q=1"] }),
    right: [202, "default /path"],
  },
  {
    name: "an error of loaded code reaches who called",
    run: ``,
    act: (client) => client.fails(client.loaded({ code: code(API), entry: "Api", method: "throws" })),
    right: "far",
  },
  {
    name: "what is not a method of the class cannot be called",
    run: ``,
    async act(client) {
      const tried: boolean[] = [];
      for (const method of ["nothing", "field", "hidden"]) tried.push((await client.fails(client.loaded({ code: code(API), entry: "Api", method }))).startsWith("It did not fail"));
      return tried;
    },
    right: [false, false, false],
  },
  {
    name: "an entrypoint that is not exported cannot be called",
    run: ``,
    act: async (client) => (await client.fails(client.loaded({ code: code(API), entry: "Nobody", method: "add", args: [1, 2] }))).startsWith("It did not fail"),
    right: false,
  },
  {
    name: "modules import one another, and may be texts and data",
    run: ``,
    act: (client) =>
      client.loaded({
        code: {
          compatibilityDate: "2026-01-01",
          mainModule: "src/main.js",
          modules: {
            "src/main.js": `import { WorkerEntrypoint } from "cloudflare:workers"; import { twice } from "./lib/twice.js"; import words from "../words.js"; import data from "./data.json";
              export class Api extends WorkerEntrypoint { async all() { return [twice(4), words, data.a, (await import("./lib/twice.js")).twice(1)]; } }`,
            "src/lib/twice.js": { js: `import { two } from "../../two.js"; export const twice = (n) => n * two;` },
            "two.js": "export const two = 2;",
            "words.js": { text: "some\nwords" },
            "src/data.json": { json: { a: [1] } },
          },
        },
        entry: "Api",
        method: "all",
      }),
    right: [8, "some\nwords", [1], 2],
  },
  {
    name: "a text may have any name",
    run: ``,
    act: (client) =>
      client.loaded({
        code: code("", { modules: { "main.js": `import words from "./words.txt"; export default { fetch: () => new Response(words) };`, "words.txt": { text: "words" } } }),
        method: "fetch",
        args: ["https://any.example/"],
      }),
    right: [200, "words"],
  },
  {
    name: "a module may be of CommonJS",
    run: ``,
    act: (client) =>
      client.loaded({
        code: code("", { modules: { "main.js": `import lib from "./lib.cjs"; export default { fetch: () => new Response(lib.name + lib.twice(2)) };`, "lib.cjs": { cjs: `exports.name = "cjs"; exports.twice = (n) => 2 * n;` } } }),
        method: "fetch",
        args: ["https://any.example/"],
      }),
    right: [200, "cjs4"],
  },
  {
    name: "a body may be bytes or a stream",
    run: ``,
    act: (client) =>
      client.loaded({
        code: code(`export default { async fetch() {
          const bytes = new Uint8Array(await new Response(new Uint8Array([1, 2, 3])).arrayBuffer());
          const stream = new ReadableStream({ start(to) { to.enqueue(new TextEncoder().encode("streamed")); to.close(); } });
          return new Response(JSON.stringify([[...bytes], await new Response(stream).text()]));
        } };`),
        method: "fetch",
        args: ["https://any.example/"],
      }),
    right: [200, '[[1,2,3],"streamed"]'],
  },
  {
    name: "what loaded code fetches goes to the fetcher that it was given",
    run: ``,
    act: (client) =>
      client.loaded({
        code: code(`export default { async fetch() {
          const answer = await fetch("https://far.example/path?q=1", { method: "POST", headers: { "x-own": "1" }, body: "body" });
          return new Response(answer.status + " " + await answer.text());
        } };`),
        outbound: true,
        method: "fetch",
        args: ["https://any.example/"],
      }),
    right: [200, "203 POST https://far.example/path?q=1 1 body"],
  },
  {
    name: "a URL is the standard's",
    run: ``,
    act: (client) =>
      client.loaded({
        code: code(`export default { fetch() {
          const url = new URL("../x y?q=ä&q=2#h", "https://user:pw@EXAMPLE.com:443/a/b/");
          return new Response(JSON.stringify([url.href, url.origin, url.searchParams.getAll("q"), URL.canParse("nope"), new URL("https://ä.example/").hostname]));
        } };`),
        method: "fetch",
        args: ["https://any.example/"],
      }),
    right: [200, '["https://user:pw@example.com/a/x%20y?q=%C3%A4&q=2#h","https://example.com",["ä","2"],false,"xn--4ca.example"]'],
  },
  {
    name: "bytes are digested as by the standard",
    run: ``,
    act: (client) =>
      client.loaded({
        code: code(`export default { async fetch() {
          const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
          return new Response([...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
        } };`),
        method: "fetch",
        args: ["https://any.example/"],
      }),
    right: [200, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  },
  {
    name: "code of one id is loaded once",
    run: ``,
    async act(client) {
      const ask = (word: string): Promise<unknown> => client.loaded({ id: client.id("warm"), code: code(`export default { fetch: () => new Response("${word}") };`), method: "fetch", args: ["https://any.example/"] });
      return [await ask("first"), await ask("second")];
    },
    right: [[200, "first"], [200, "first"]],
  },
  {
    name: "code that does not parse is an error of who loads it",
    run: ``,
    act: async (client) => (await client.fails(client.loaded({ code: code("export default {"), method: "fetch", args: ["https://any.example/"] }))).startsWith("It did not fail"),
    right: false,
  },
  {
    name: "code whose main module is missing is an error of who loads it",
    run: ``,
    act: async (client) => (await client.fails(client.loaded({ code: { ...code(API), mainModule: "other.js" }, method: "fetch", args: ["https://any.example/"] }))).startsWith("It did not fail"),
    right: false,
  },
  {
    name: "two loaded workers share no globals",
    run: ``,
    async act(client) {
      const main = `globalThis.count = (globalThis.count ?? 0) + 1; export default { fetch: () => new Response(String(globalThis.count)) };`;
      const ask = (): Promise<unknown> => client.loaded({ code: code(main), method: "fetch", args: ["https://any.example/"] });
      return [await ask(), await ask()];
    },
    right: [[200, "1"], [200, "1"]],
  },
  {
    name: "TypeScript is taken",
    run: ``,
    act: (client) =>
      client.loaded({
        code: { compatibilityDate: "2026-01-01", mainModule: "main.ts", modules: { "main.ts": `export default { fetch: (): Response => new Response("typed" as string) };` } },
        method: "fetch",
        args: ["https://any.example/"],
      }),
    right: [200, "typed"],
    row: "CF-loader-12",
  },
];
