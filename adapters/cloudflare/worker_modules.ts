/**
 * Modules as a Worker Loader takes them, made into those that a sandbox takes: texts of JavaScript.
 *
 * @module
 */
import { quote } from "../../core/errors.ts";
import type { Code } from "../../core/ports/guest.ts";
import { toBase64 } from "../../core/values/base64.ts";
import { endingOf, resolveSpecifier } from "../sandbox/prepare/names.ts";
import { DYNAMIC_WORKFLOWS, ENTRY } from "./guest/entry.generated.ts";
import { ENTRY_CLASS } from "./layer_frames.ts";
import { invalid, unsupported } from "./loader_errors.ts";

/** A module: a text, or its content by its kind. `wasm` and `py` are refused: no sandbox of ours runs them. */
export type WorkerModule =
  | string
  | { readonly js: string }
  | { readonly cjs: string }
  | { readonly text: string }
  | { readonly data: ArrayBuffer }
  | { readonly json: unknown };

/** The module of what stands beside loaded code, which imports the others of `ENTRY`. */
export const ENTRY_MODULE = "tenure-entry.js";
const MAIN_MODULE = "tenure-main.js";
const BRIDGE = ["dynamic-workflows", "@cloudflare/dynamic-workflows"];

/** What a module becomes. */
interface Made {
  /** The name under which the sandbox has it. */
  readonly name: string;
  readonly source: string;
  /** Of CommonJS: its name as it was given, and its text. */
  readonly cjs?: { readonly given: string; readonly text: string };
  /** All that it exports is its default. */
  readonly value?: true;
}

/**
 * Makes the code of a sandbox of a worker's modules.
 *
 * @param sandbox its name, for what it cannot run
 * @throws {TenureError} `unsupported` naming a module of a kind that is not there; `invalid_argument` for what is none
 */
export function wrapModules(main: string, modules: Readonly<Record<string, unknown>>, sandbox: string): Code {
  const made = new Map<string, Made>();
  for (const [given, module] of Object.entries(modules)) {
    if (given === MAIN_MODULE || Object.hasOwn(ENTRY, given)) throw invalid(`the module name ${quote(given)} is reserved`);
    const each = moduleOf(given, module, sandbox);
    if (made.has(each.name)) throw invalid(`two modules have the name ${quote(each.name)}`);
    made.set(each.name, each);
  }
  const mainName = [main, `${main}.js`].find((name) => Object.hasOwn(modules, main) && made.has(name));
  if (mainName === undefined) throw invalid(`there is no module ${quote(main)}`);
  const texts: Record<string, string> = Object.create(null);
  for (const each of made.values()) {
    texts[each.name] = each.source;
    if (each.cjs === undefined) continue;
    const inner = innerOf(each.name);
    if (made.has(inner)) throw invalid(`the module name ${quote(inner)} is reserved`);
    texts[inner] = requirable(each.name, each.cjs, made);
  }
  const all = Object.values(texts).join("\n");
  for (const name of BRIDGE) if (all.includes(name)) texts[`${name}.js`] ??= DYNAMIC_WORKFLOWS;
  Object.assign(texts, ENTRY);
  // in this order: the Web APIs are there when the tenant's modules are evaluated
  texts[MAIN_MODULE] = `import { makeEntry } from "${ENTRY_MODULE}";\nimport * as main from ${JSON.stringify(mainName)};\nexport const ${ENTRY_CLASS} = makeEntry(main);\n`;
  return { mainModule: MAIN_MODULE, modules: texts };
}

function moduleOf(given: string, module: unknown, sandbox: string): Made {
  if (typeof module === "string") {
    if (given.endsWith(".py")) throw unsupported(`the module ${quote(given)} of the kind "py"`, `the sandbox "${sandbox}" runs no Python`);
    return { name: given, source: module };
  }
  if (Object.prototype.toString.call(module) === "[object WebAssembly.Module]") throw noWasm(given, sandbox);
  const kinds = typeof module === "object" && module !== null ? Object.keys(module) : [];
  const [kind] = kinds;
  if (kinds.length !== 1) throw invalid(`the module ${quote(given)} is neither a text nor of one kind`);
  const content = (module as Record<string, unknown>)[kind as string];
  const text = (): string => {
    if (typeof content === "string") return content;
    throw invalid(`the module ${quote(given)} is not a text`);
  };
  const value = (source: string): Made => ({ name: scriptName(given), source, value: true });
  switch (kind) {
    case "js":
      return { name: endingOf(given) === undefined || given.endsWith(".json") ? `${given}.js` : given, source: text() };
    case "cjs": {
      const name = scriptName(given);
      return { name, source: `import { load } from ${JSON.stringify(innerOf(name))};\nexport default load();`, cjs: { given, text: text() } };
    }
    case "text":
      return value(`export default ${JSON.stringify(text())};`);
    case "data":
      return value(`import { bytesOf } from "${ENTRY_MODULE}";\nexport default bytesOf("${base64Of(given, content)}");`);
    case "json": {
      const json = JSON.stringify(content) as string | undefined;
      if (json === undefined) throw invalid(`the module ${quote(given)} is no JSON`);
      return value(`export default JSON.parse(${JSON.stringify(json)});`);
    }
    case "wasm":
      throw noWasm(given, sandbox);
    default:
      throw unsupported(`the module ${quote(given)} of the kind "${kind}"`);
  }
}

/** A name of the kind that a sandbox takes for JavaScript: an import of the given one finds it. */
function scriptName(given: string): string {
  return /\.m?js$/.test(given) ? given : `${given}.js`;
}

/** The module that knows how a module of CommonJS is made, and makes it when it is first required. */
function innerOf(name: string): string {
  return name.replace(/(\.m?js)$/, ".require$1");
}

function noWasm(given: string, sandbox: string): Error {
  return unsupported(`the module ${quote(given)} of the kind "wasm"`, `the sandbox "${sandbox}" runs no WebAssembly`);
}

function base64Of(given: string, content: unknown): string {
  if (content instanceof ArrayBuffer) return toBase64(new Uint8Array(content), content.byteLength);
  if (!ArrayBuffer.isView(content)) throw invalid(`the module ${quote(given)} is no ArrayBuffer`);
  return toBase64(new Uint8Array(content.buffer, content.byteOffset, content.byteLength), content.byteLength);
}

/** Texts in the source that are required, wherever they stand: what is found in a comment costs nothing. */
const REQUIRED = /\brequire\s*\(\s*(?:"([^"\\\n]*)"|'([^'\\\n]*)')\s*\)/g;

function requirable(name: string, { given, text }: NonNullable<Made["cjs"]>, made: ReadonlyMap<string, Made>): string {
  const imports: string[] = [], table: string[] = [];
  const seen = new Set<string>();
  for (const [, double, single] of text.matchAll(REQUIRED)) {
    const specifier = double ?? single ?? "";
    if (seen.has(specifier)) continue;
    seen.add(specifier);
    const found = resolveSpecifier(specifier, { from: name, has: (other) => made.has(other) });
    // what is not there throws where it is required: that may be in a `try`
    if (found === undefined) continue;
    const target = made.get(found), at = imports.length;
    const lazily = target?.cjs !== undefined;
    imports.push(lazily ? `import { load as m${at} } from ${JSON.stringify(innerOf(found))};` : `import * as m${at} from ${JSON.stringify(found)};`);
    table.push(`[${JSON.stringify(specifier)}, () => ${lazily ? `m${at}()` : target?.value ? `m${at}.default` : `m${at}`}]`);
  }
  return `import { commonJs } from "${ENTRY_MODULE}"; ${imports.join(" ")}
export const load = commonJs(${JSON.stringify(given)}, [${table.join(", ")}], ${JSON.stringify(text)});`;
}
