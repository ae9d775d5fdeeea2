/**
 * Cloudflare's `WorkerLoader` over a sandbox of ours.
 *
 * @module
 */
import type { CodeStore } from "../../core/code/code_store.ts";
import { TenureError } from "../../core/errors.ts";
import { grant } from "../../core/execution/bindings.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Prepared, SandboxAdapter } from "../../core/ports/guest.ts";
import { decode, encode } from "../../core/values.ts";
import { type Entered, runOf } from "./layers.ts";
import { callOnce } from "./one_shot.ts";
import { type LoadedWorker, readLimits, readWorkerCode, type WorkerCode, type WorkerLimits } from "./worker_code.ts";

/** Options of an entrypoint. */
export interface EntrypointOptions {
  /** What its `ctx.props` is: data. */
  readonly props?: unknown;
  /** Limits of a run and of a request; the smaller one of these and the code's holds. */
  readonly limits?: WorkerLimits;
}

/** A stub of one entrypoint of loaded code: `fetch`, `run` of a workflow, and the methods that its class has. */
export interface EntrypointStub {
  /** Gives a request to the entrypoint's `fetch`. */
  fetch(input: Request | URL | string, init?: RequestInit): Promise<Response>;
  /** Runs a workflow, as a part of the run whose `step` this is. */
  run(event: unknown, step: unknown): Promise<unknown>;
  /** Calls a method of the entrypoint's class: plain values in and out. */
  // what a tenant's class takes and gives is known to whoever loads it, and to no type here
  // deno-lint-ignore no-explicit-any
  readonly [method: string]: (...args: any[]) => Promise<any>;
}

/** Loaded code. */
export interface WorkerStub {
  /** The entrypoint that is exported by this name; the default export without one. */
  getEntrypoint(name?: string | null, options?: EntrypointOptions): EntrypointStub;
  /** Not there off Cloudflare: throws `unsupported`, always. */
  getDurableObjectClass(name?: string): never;
}

/** See Cloudflare's: code in, stub out. */
export interface WorkerLoader {
  /** The code of an id: `getCode` is asked when nothing is warm, and has to give the same for the same id. */
  get(id: string | null, getCode: () => WorkerCode | Promise<WorkerCode>): WorkerStub;
  /** Code that is not kept. */
  load(code: WorkerCode): WorkerStub;
}

/** What loaders are made of. */
export interface LoaderParts {
  readonly sandbox: SandboxAdapter;
  readonly clock: Clock;
  readonly codes: () => CodeStore;
  readonly limits: (tenant: string) => Limits;
  /** The limits of what belongs to no tenant yet: requests. */
  readonly usual: Limits;
  readonly log: (worker: string, level: "debug" | "info" | "warn" | "error", text: string) => void;
  /** Aborts when the server is closed. */
  readonly signal: AbortSignal;
}

/** Ids whose code stays warm. */
const WARM = 1_000;
/** What can be the name of an export. */
const SEGMENT = /^[a-zA-Z_$][\w$]*$/;

/** Makes one. */
export function createLoader(parts: LoaderParts): WorkerLoader {
  const warm = new Map<string, Promise<LoadedWorker>>();

  function ask(id: string, getCode: () => WorkerCode | Promise<WorkerCode>): Promise<LoadedWorker> {
    const known = warm.get(id);
    warm.delete(id);
    const worker = known ?? (async () => readWorkerCode(await getCode()))();
    warm.set(id, worker);
    // what failed is asked anew
    worker.catch(() => warm.get(id) === worker && warm.delete(id));
    if (warm.size > WARM) warm.delete(warm.keys().next().value as string);
    return worker;
  }

  return {
    get(id, getCode) {
      if (typeof getCode !== "function" || (typeof id !== "string" && id !== null)) {
        throw new TenureError("invalid_argument", "Cannot load the code: get() takes an id and a function");
      }
      return id === null ? stubOf(parts, "", once(getCode)) : stubOf(parts, id, () => ask(id, getCode));
    },
    load: (code) => stubOf(parts, "", once(() => code)),
  };
}

function once(getCode: () => WorkerCode | Promise<WorkerCode>): () => Promise<LoadedWorker> {
  let worker: Promise<LoadedWorker> | undefined;
  return () => worker ??= (async () => readWorkerCode(await getCode()))();
}

function stubOf(parts: LoaderParts, id: string, load: () => Promise<LoadedWorker>): WorkerStub {
  return {
    getEntrypoint(name, options = {}) {
      if (name !== undefined && name !== null && !SEGMENT.test(name)) {
        throw new TenureError("invalid_argument", "Cannot get the entrypoint: its name is not that of an export");
      }
      return entrypoint(parts, id, load, name ?? undefined, options);
    },
    getDurableObjectClass() {
      throw new TenureError("unsupported", "Cannot get a class of Durable Objects: there are none off Cloudflare");
    },
  };
}

function entrypoint(parts: LoaderParts, id: string, load: () => Promise<LoadedWorker>, entry: string | undefined, options: EntrypointOptions): EntrypointStub {
  const own = readLimits(options.limits);
  const props = options.props === undefined ? {} : decode(encode(options.props, { root: "props" }));
  const asked = { ...(entry !== undefined && { entry }), props };

  async function once(kind: "fetch" | "call", payload: unknown, method?: string): Promise<unknown> {
    const worker = await load();
    const limits = limited(parts.usual, worker.limits, own);
    // no tenant's id has a control character: its VMs and these never meet
    const tenant = `\u0000loader\u0000${id === "" ? worker.version : id}`;
    return callOnce({
      ...parts,
      tenant,
      version: worker.version,
      prepared: await prepare(parts, tenant, worker, limits),
      limits,
      granted: grant(worker.env, { tenantId: id, workflow: "", instance: "" }),
      asked: { ...asked, kind, payload, workflows: [...worker.workflows], ...(method !== undefined && { method }) },
      log: (level, text) => parts.log(id, level, text),
    });
  }

  async function fetch(input: Request | URL | string, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
    const most = parts.usual.paramsBytes;
    if (body !== null && body.length > most) return new Response(`The body has more than ${most} bytes`, { status: 413 });
    const answer = await once("fetch", { url: request.url, method: request.method, headers: [...request.headers], body }) as Answer;
    const { status, statusText, headers } = answer;
    return new Response(answer.body as BodyInit | null, { status, statusText, headers });
  }

  function run(event: Entered["event"] & { readonly payload?: unknown }, step: unknown): Promise<unknown> {
    const found = runOf(step);
    if (found === undefined) {
      throw new TenureError("unsupported", "Cannot run the loaded workflow: its step is none that the engine has made; hand on the step that run() was given");
    }
    return found.enter({
      event,
      asked: { ...asked, kind: "run", payload: event.payload },
      pin: async (tenant) => pin(parts, tenant, await load()),
      async open(version, init, of) {
        const worker = await load();
        const limits = limited(init.limits, worker.limits, own);
        const prepared = await parts.codes().get(init.tenant, version);
        const guest = await parts.sandbox.open({ ...init, prepared, limits }, parts.signal);
        return { guest, granted: grant(worker.env, of), workflows: worker.workflows };
      },
    });
  }

  return new Proxy({}, {
    get(_, key) {
      if (typeof key !== "string" || UNNAMED.has(key)) return undefined;
      if (key === "fetch") return fetch;
      return async (...args: unknown[]) => {
        const [event, step] = args;
        if (key === "run" && args.length === 2 && typeof event === "object" && event !== null) return run(event as never, step);
        return once("call", args, key);
      };
    },
  }) as EntrypointStub;
}

/** What the language asks of any object: a stub is awaited, printed and compared like one. */
const UNNAMED: ReadonlySet<string> = new Set(["then", "toJSON", "constructor", "prototype", "toString", "valueOf"]);

interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: [string, string][];
  readonly body: Uint8Array | null;
}

/** Prepared code by tenant, as long as the code is warm. */
const prepared = new WeakMap<LoadedWorker, Map<string, Promise<Prepared>>>();

function prepare({ sandbox }: LoaderParts, tenant: string, worker: LoadedWorker, limits: Limits): Promise<Prepared> {
  let known = prepared.get(worker);
  if (known === undefined) prepared.set(worker, known = new Map());
  const found = known.get(tenant) ?? sandbox.prepare(tenant, worker.code, limits);
  known.set(tenant, found);
  found.catch(() => known.delete(tenant));
  return found;
}

/** Keeps the code for its tenant by its hash: from here on the instance runs this, whatever the callback gives. */
async function pin(parts: LoaderParts, tenant: string, worker: LoadedWorker): Promise<string> {
  const codes = parts.codes();
  const known = await codes.get(tenant, worker.version).catch((error) => {
    if (TenureError.is(error) && error.code === "code_unavailable") return undefined;
    throw error;
  });
  if (known === undefined) {
    await codes.put(tenant, worker.version, worker.code, parts.sandbox.name, await prepare(parts, tenant, worker, parts.limits(tenant)));
  }
  return worker.version;
}

function limited(limits: Limits, ...given: readonly WorkerLimits[]): Limits {
  return { ...limits, cpuMs: Math.min(limits.cpuMs, ...given.map(({ cpuMs }) => cpuMs ?? Infinity)) };
}
