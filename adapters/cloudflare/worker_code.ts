/**
 * What a Worker Loader's callback gives: checked, and made ready for a sandbox.
 *
 * @module
 */
import { hashCode } from "../../core/code/code_store.ts";
import { quote } from "../../core/errors.ts";
import type { Code, SandboxAdapter } from "../../core/ports/guest.ts";
import { BIND, remoteWorkflow } from "./bound.ts";
import { isBindingName } from "./layer_frames.ts";
import { invalid, unsupported } from "./loader_errors.ts";
import type { Fetcher } from "./outbound.ts";
import { bindingOf, isService, offered } from "./stubs.ts";
import type { Tail } from "./traces.ts";
import { type WorkerModule, wrapModules } from "./worker_modules.ts";
import { RpcTarget } from "./workers.ts";

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
  /** What the code has as its `env`: data, wrapped workflow bindings, stubs of entrypoints, `RpcTarget`s, objects with methods. */
  readonly env?: Readonly<Record<string, unknown>>;
  /** What the code's `fetch` reaches. Absent and `null` are the same: no network. */
  readonly globalOutbound?: Fetcher | null;
  /** Told of each request, call and run of the code when it is over: what it logged, what it failed with. */
  readonly tails?: readonly Tail[];
  /** Limits of a run and of a request. */
  readonly limits?: WorkerLimits;
}

/** Limits of loaded code. */
export interface WorkerLimits {
  /** Longest turn, ms: what is less than `limits.cpuMs` counts. */
  readonly cpuMs?: number;
  /** Binding calls and requests that one request or run may make. */
  readonly subRequests?: number;
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
  /** Stubs of entrypoints, which are not in `env`. */
  readonly services: ReadonlyMap<string, object>;
  readonly outbound: Fetcher | undefined;
  readonly tails: readonly Tail[];
  readonly limits: WorkerLimits;
}

const FIELDS = ["compatibilityDate", "compatibilityFlags", "allowExperimental", "mainModule", "modules", "env", "globalOutbound", "limits", "tails", "streamingTails"];

/** Consumers of traces that one worker may have. */
const MOST_TAILS = 10;

/**
 * Reads what a callback gave.
 *
 * @throws {TenureError} `unsupported` naming what is not there; `invalid_argument` for what is no code
 */
export async function readWorkerCode(given: unknown, sandbox: Pick<SandboxAdapter, "name" | "caps">): Promise<LoadedWorker> {
  if (typeof given !== "object" || given === null) throw invalid("it is not an object");
  const code = given as Record<string, unknown>;
  for (const key of Object.keys(code)) if (!FIELDS.includes(key)) throw unsupported(quote(key));
  const { streamingTails } = code;
  if (Array.isArray(streamingTails) ? streamingTails.length > 0 : streamingTails !== undefined) throw unsupported('"streamingTails"');
  const { mainModule, modules, env = {} } = code;
  if (typeof mainModule !== "string" || typeof modules !== "object" || modules === null) throw invalid("it must have mainModule and modules");
  if (typeof env !== "object" || env === null) throw invalid("its env is not an object");
  const wrapped = wrapModules(mainModule, modules as Record<string, unknown>, sandbox.name);
  return {
    code: wrapped,
    version: await hashCode(wrapped),
    ...grantable(env as Record<string, unknown>),
    outbound: readOutbound(code["globalOutbound"], sandbox),
    tails: readTails(code["tails"]),
    limits: readLimits(code["limits"]),
  };
}

/** Checks limits. */
export function readLimits(given: unknown): WorkerLimits {
  if (given === undefined || given === null) return {};
  for (const key of Object.keys(given as object)) if (key !== "cpuMs" && key !== "subRequests") throw unsupported(`"limits.${key}"`);
  const { cpuMs, subRequests } = given as { cpuMs?: unknown; subRequests?: unknown };
  if (cpuMs !== undefined && (typeof cpuMs !== "number" || !(cpuMs > 0))) throw invalid("limits.cpuMs is not a number of ms");
  if (subRequests !== undefined && !(Number.isSafeInteger(subRequests) && (subRequests as number) >= 0)) throw invalid("limits.subRequests is not a number of calls");
  return { ...(cpuMs !== undefined && { cpuMs: cpuMs as number }), ...(subRequests !== undefined && { subRequests: subRequests as number }) };
}

function readOutbound(given: unknown, { name, caps }: Pick<SandboxAdapter, "name" | "caps">): Fetcher | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof (given as Partial<Fetcher>).fetch !== "function") throw invalid("its globalOutbound has no method fetch");
  // it would have the host's network all the same, and nobody would see
  if (caps.boundary === "none") throw unsupported('"globalOutbound"', `the sandbox "${name}" keeps no code from the host's network`);
  return given as Fetcher;
}

function readTails(given: unknown): readonly Tail[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given) || given.some((tail) => typeof (tail as Partial<Tail> | null)?.tail !== "function")) throw invalid("its tails are no list of objects with a method tail");
  if (given.length > MOST_TAILS) throw invalid(`it has ${given.length} tails, more than ${MOST_TAILS}`);
  return [...given as Tail[]];
}

function grantable(env: Record<string, unknown>): Pick<LoadedWorker, "env" | "workflows" | "services"> {
  const granted: Record<string, unknown> = {};
  const workflows: string[] = [];
  const services = new Map<string, object>();
  for (const [name, value] of Object.entries(env)) {
    if (!isBindingName(name)) throw invalid(`the name ${quote(name)} in its env is none that a binding may have (no / or :, and not beginning with "tenure.")`);
    const object = typeof value === "object" && value !== null ? value : undefined;
    if (object !== undefined && BIND in object) {
      throw invalid(`env.${name} is the dispatcher's own workflow binding: give what wrapWorkflowBinding() makes of it`);
    }
    const binding = object === undefined ? undefined : bindingOf(object);
    if (binding !== undefined) {
      granted[name] = remoteWorkflow(binding);
      workflows.push(name);
    } else if (object !== undefined && isService(object)) services.set(name, object);
    else if (object instanceof RpcTarget) granted[name] = offered(object, RpcTarget.prototype);
    else granted[name] = value;
  }
  return { env: granted, workflows, services };
}
