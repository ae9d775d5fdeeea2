/**
 * What a Worker Loader's callback gives: checked, and made ready for a sandbox.
 *
 * @module
 */
import { hashCode } from "../../core/code/code_store.ts";
import { quote, TenureError } from "../../core/errors.ts";
import type { Code } from "../../core/ports/guest.ts";
import { BIND, type BoundWorkflow, remoteWorkflow } from "./bound.ts";
import { ENTRY } from "./guest/entry.generated.ts";
import { ENTRY_CLASS, isBindingName } from "./layer_frames.ts";

/** A module by its kind. Ours are text: `wasm`, `data`, `py` and `cjs` are refused. */
export type WorkerModule = string | { readonly js: string } | { readonly text: string } | { readonly json: unknown };

/** Code as `LOADER.get` takes it. */
export interface WorkerCode {
  /** Noted, and of no effect: there is one version of everything here. */
  readonly compatibilityDate?: string;
  /** Noted, and of no effect. */
  readonly compatibilityFlags?: readonly string[];
  /** Name of the module whose exports are the entrypoints. */
  readonly mainModule: string;
  /** By name. */
  readonly modules: Readonly<Record<string, WorkerModule>>;
  /** What the code has as its `env`: data, wrapped workflow bindings, and objects with methods. */
  readonly env?: Readonly<Record<string, unknown>>;
  /** Absent and `null` are the same: no network. */
  readonly globalOutbound?: null;
  /** Limits of a run and of a request. */
  readonly limits?: WorkerLimits;
}

/** Limits of loaded code. */
export interface WorkerLimits {
  /** Longest turn, ms: what is less than `limits.cpuMs` counts. */
  readonly cpuMs?: number;
}

/** Loaded code. */
export interface LoadedWorker {
  readonly code: Code;
  /** Its content hash. */
  readonly version: string;
  /** Its env, with workflow bindings as a guest calls them. */
  readonly env: Readonly<Record<string, unknown>>;
  /** Names in it that are workflow bindings. */
  readonly workflows: readonly string[];
  readonly limits: WorkerLimits;
}

const ENTRY_MODULE = "tenure-entry.js";
const MAIN_MODULE = "tenure-main.js";

const FIELDS = ["compatibilityDate", "compatibilityFlags", "allowExperimental", "mainModule", "modules", "env", "globalOutbound", "limits", "tails", "streamingTails"];

/** The workflow binding behind a stub that `wrapWorkflowBinding` has made. */
const bindings = new WeakMap<object, BoundWorkflow>();

/** Says that a stub is a workflow binding. */
export function noteBinding(stub: object, binding: BoundWorkflow): void {
  bindings.set(stub, binding);
}

/**
 * Reads what a callback gave.
 *
 * @throws {TenureError} `unsupported` naming what is not there; `invalid_argument` for what is no code
 */
export async function readWorkerCode(given: unknown): Promise<LoadedWorker> {
  if (typeof given !== "object" || given === null) throw invalid("it is not an object");
  const code = given as Record<string, unknown>;
  for (const key of Object.keys(code)) if (!FIELDS.includes(key)) throw unsupported(quote(key));
  if (code["globalOutbound"] !== undefined && code["globalOutbound"] !== null) throw unsupported('"globalOutbound": code has no network here');
  for (const key of ["tails", "streamingTails"]) if (Array.isArray(code[key]) ? (code[key] as unknown[]).length > 0 : code[key] !== undefined) throw unsupported(quote(key));
  const { mainModule, modules, env = {} } = code;
  if (typeof mainModule !== "string" || typeof modules !== "object" || modules === null) throw invalid("it must have mainModule and modules");
  if (typeof env !== "object" || env === null) throw invalid("its env is not an object");
  const wrapped = wrap(mainModule, modules as Record<string, unknown>);
  return { code: wrapped, version: await hashCode(wrapped), ...grantable(env as Record<string, unknown>), limits: readLimits(code["limits"]) };
}

/** Checks limits. */
export function readLimits(given: unknown): WorkerLimits {
  if (given === undefined || given === null) return {};
  for (const key of Object.keys(given as object)) if (key !== "cpuMs") throw unsupported(`"limits.${key}"`);
  const { cpuMs } = given as { cpuMs?: unknown };
  if (cpuMs !== undefined && (typeof cpuMs !== "number" || !(cpuMs > 0))) throw invalid("limits.cpuMs is not a number of ms");
  return cpuMs === undefined ? {} : { cpuMs: cpuMs as number };
}

function wrap(main: string, modules: Record<string, unknown>): Code {
  const texts: Record<string, string> = Object.create(null);
  for (const [name, module] of Object.entries(modules)) {
    if (name === ENTRY_MODULE || name === MAIN_MODULE) throw invalid(`the module name ${quote(name)} is reserved`);
    texts[name] = textOf(name, module);
  }
  if (!Object.hasOwn(texts, main)) throw invalid(`there is no module ${quote(main)}`);
  texts[ENTRY_MODULE] = ENTRY;
  // in this order: the Web APIs are there when the tenant's modules are evaluated
  texts[MAIN_MODULE] = `import { makeEntry } from "${ENTRY_MODULE}";\nimport * as main from ${JSON.stringify(main)};\nexport const ${ENTRY_CLASS} = makeEntry(main);\n`;
  return { mainModule: MAIN_MODULE, modules: texts };
}

function textOf(name: string, module: unknown): string {
  if (typeof module === "string") return module;
  const kinds = typeof module === "object" && module !== null ? Object.keys(module) : [];
  const [kind] = kinds;
  if (kinds.length !== 1) throw invalid(`the module ${quote(name)} is neither a text nor of one kind`);
  const content = (module as Record<string, unknown>)[kind as string];
  switch (kind) {
    case "js":
      if (typeof content === "string") return content;
      throw invalid(`the module ${quote(name)} is not a text`);
    case "text":
      if (typeof content === "string") return `export default ${JSON.stringify(content)};`;
      throw invalid(`the module ${quote(name)} is not a text`);
    case "json":
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(content))});`;
    default:
      throw unsupported(`the module ${quote(name)} of the kind "${kind}"`);
  }
}

function grantable(env: Record<string, unknown>): Pick<LoadedWorker, "env" | "workflows"> {
  const granted: Record<string, unknown> = {};
  const workflows: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!isBindingName(name)) throw invalid(`the name ${quote(name)} in its env has a character that none may have (/ :)`);
    const object = typeof value === "object" && value !== null ? value : undefined;
    if (object !== undefined && BIND in object) {
      throw invalid(`env.${name} is the dispatcher's own workflow binding: give what wrapWorkflowBinding() makes of it`);
    }
    const binding = object === undefined ? undefined : bindings.get(object);
    if (binding === undefined) granted[name] = value;
    else {
      granted[name] = remoteWorkflow(binding);
      workflows.push(name);
    }
  }
  return { env: granted, workflows };
}

function invalid(why: string): TenureError {
  return new TenureError("invalid_argument", `Cannot load the code: ${why}`);
}

function unsupported(what: string): TenureError {
  return new TenureError("unsupported", `Cannot load the code: ${what} is not supported`);
}
