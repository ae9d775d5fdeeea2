import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { WorkerCode, WorkerLoader } from "../../adapters/cloudflare.ts";
import { env } from "../../adapters/cloudflare/workers.ts";
import { trusted } from "../../adapters/sandbox/trusted.ts";
import { type Any, failing, onPlatform } from "./_platform.ts";

/** What `Api.give()` of loaded code answers. */
const give = (main: string, modules: WorkerCode["modules"] = {}): Promise<Any> =>
  ((env["LOADER"] as WorkerLoader).load({ mainModule: "main.js", modules: { "main.js": `${main}\nexport class Api { give() { return given(); } }`, ...modules } }).getEntrypoint("Api") as Any).give();

describe("modules of loaded code", () => {
  for (const [name, sandbox] of [["quickjs", undefined], ["trusted", trusted()]] as const) {
    const on = (test: () => Promise<void>) => onPlatform(sandbox === undefined ? {} : { sandbox }, test);

    it(`may be texts, JSON and bytes, by whatever names, in ${name}`, () =>
      on(async () => {
        const bytes = Uint8Array.from({ length: 1000 }, (_, n) => n & 255);
        const main = `import page from "./page.html"; import words from "words.txt"; import config from "./config.json"; import named from "data"; import bytes from "./lib/x.bin"; import { twice } from "./lib/twice"; import view from "./view.bin";
          const given = () => [page, words, config, named, bytes instanceof ArrayBuffer, new Uint8Array(bytes), twice(2), [...new Uint8Array(view)]];`;
        const given = await give(main, {
          "page.html": { text: "<p>\u2028`${1}`</p>" },
          "words.txt": { text: "a\nb" },
          "config.json": { json: { a: [1, null], __proto__: null } },
          "data": { json: "text" },
          "lib/x.bin": { data: bytes.buffer },
          "lib/twice": { js: "export const twice = (n) => 2 * n;" },
          "view.bin": { data: bytes.subarray(3, 5) as never },
        });
        assertEquals(given, ["<p>\u2028`${1}`</p>", "a\nb", { a: [1, null] }, "text", true, bytes, 4, [3, 4]]);
      }));

    it(`may be CommonJS, evaluated once and when it is required first, in ${name}`, () =>
      on(async () => {
        const main = `import a, { } from "./a.cjs"; import order from "./order.js"; const given = () => [a.name, a.b.name, a.b.again(), a.es.default, a.words, a.sloppy, a.self, order.log, a.missing, a.file];`;
        assertEquals(
          await give(main, {
            "order.js": { cjs: "exports.log = [];" },
            "a.cjs": {
              cjs: `const { log } = require("./order"); log.push("a");
              exports.name = "a";
              log.push("before b"); exports.b = require('./lib/b'); require("./lib/b.js"); log.push("after b");
              exports.es = require( "./es.js" ); exports.words = require("./words.txt");
              exports.sloppy = (function () { undeclared = 1; return typeof this; })(); exports.self = this === module.exports;
              try { require("node:fs"); } catch (error) { exports.missing = [error.code, error.message]; }
              exports.file = [__filename, __dirname];`,
            },
            "lib/b.js": { cjs: `require("../order.js").log.push("b"); const a = require("../a.cjs"); module.exports = { name: "b", again: () => a.name };` },
            "es.js": "export default 5;",
            "words.txt": { text: "words" },
          }),
          ["a", "b", "a", 5, "words", "object", true, ["a", "before b", "b", "after b"], ["MODULE_NOT_FOUND", 'Cannot find module "node:fs" in "a.cjs"'], ["/a.cjs", "/"]],
        );
      }));

    it(`may import dynamic-workflows, by both names, in ${name}`, () =>
      on(async () => {
        const main = `import * as a from "dynamic-workflows"; import { MissingDispatcherMetadataError as E } from "@cloudflare/dynamic-workflows"; import { WorkflowEntrypoint, RpcTarget, DurableObject, WorkerEntrypoint, env, exports, waitUntil } from "cloudflare:workers";
          const told = (run) => { try { return run(); } catch (error) { return [error.name, error.message.slice(0, 61)]; } };
          const given = async () => [Object.keys(a).sort(), new E().name, told(() => a.wrapWorkflowBinding({})), await new (a.createDynamicWorkflowEntrypoint(() => {}))({}, {}).run().catch((error) => error.name),
            typeof RpcTarget, told(() => new DurableObject({}, {})), Object.keys(env), Object.keys(exports), waitUntil(Promise.reject(new Error("nobody's")))];`;
        assertEquals(await give(main), [
          ["DynamicWorkflowBinding", "MissingDispatcherMetadataError", "createDynamicWorkflowEntrypoint", "dispatchWorkflow", "wrapWorkflowBinding"],
          "MissingDispatcherMetadataError",
          ["Error", "dynamic-workflows: `DynamicWorkflowBinding` is not registered"],
          "MissingDispatcherMetadataError",
          "function",
          ["Error", 'Cannot make a "DurableObject": there are none off Cloudflare'],
          [],
          [],
          undefined,
        ]);
      }));
  }

  it("of CommonJS that do not parse, or throw, are told of by their names", () =>
    onPlatform({}, async () => {
      for (const [cjs, says] of [["const = 1;", 'in "bad.js"'], ["throw new TypeError('no')", "TypeError: no"]] as const) {
        assertStringIncludes((await failing(give(`import "./bad.js"; const given = () => 1;`, { "bad.js": { cjs } }))).message, says);
      }
    }));

  it("are bounded like any code, whatever their kind", () =>
    onPlatform({ limits: { codeBytes: 100_000 } }, async () => {
      const error = await failing(give(`const given = () => 1;`, { "large.bin": { data: new ArrayBuffer(80_000) } }));
      assertStringIncludes(error.message, "at most 100000 are allowed");
    }));
});
