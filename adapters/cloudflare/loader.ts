/**
 * Cloudflare's `WorkerLoader` over a sandbox of ours.
 *
 * @module
 */
import type { CodeStore } from "../../core/code/code_store.ts";
import { TenureError } from "../../core/errors.ts";
import { isUnavailable } from "../../core/openings.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Prepared, SandboxAdapter } from "../../core/ports/guest.ts";
import { decode, encode } from "../../core/values.ts";
import { GuestDied } from "./driver.ts";
import { bodyBytes, grantWorker } from "./granting.ts";
import { ENTRY } from "./guest/entry.generated.ts";
import { currentRun, type Entered, type LayeredRun, type OpenedLayer, runOf } from "./layers.ts";
import { callOnce } from "./one_shot.ts";
import { isStep, runStepped } from "./stepped.ts";
import { noteService } from "./stubs.ts";
import { shownHeaders, type Trace, type TraceEvent, type TraceOutcome, type Traces } from "./traces.ts";
import { OUTCOMES, tracedGuest } from "./traced_guest.ts";
import type { RequestAnswer } from "./wire.ts";
import { ENTRY_MODULE } from "./worker_modules.ts";
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
  readonly traces: Traces;
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
  parts.sandbox.share?.(ENTRY, ENTRY_MODULE);

  function ask(id: string, getCode: () => WorkerCode | Promise<WorkerCode>): Promise<LoadedWorker> {
    const known = warm.get(id);
    warm.delete(id);
    const worker = known ?? (async () => readWorkerCode(await getCode(), parts.sandbox))();
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
      return id === null ? stubOf(parts, "", once(parts, getCode)) : stubOf(parts, id, () => ask(id, getCode));
    },
    load: (code) => stubOf(parts, "", once(parts, () => code)),
  };
}

function once({ sandbox }: LoaderParts, getCode: () => WorkerCode | Promise<WorkerCode>): () => Promise<LoadedWorker> {
  let worker: Promise<LoadedWorker> | undefined;
  return () => worker ??= (async () => readWorkerCode(await getCode(), sandbox))();
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
  const { clock, sandbox, traces } = parts;
  const own = readLimits(options.limits);
  const props = options.props === undefined ? {} : decode(encode(options.props, { root: "props" }));
  const asked = { ...(entry !== undefined && { entry }), props };

  function granted(worker: LoadedWorker, of: Parameters<typeof grantWorker>[1], limits: Limits, recorded: boolean): Pick<OpenedLayer, "granted" | "told"> {
    const subRequests = least(worker.limits.subRequests, own.subRequests);
    return {
      granted: grantWorker(worker, of, { clock, limits, subRequests, recorded }),
      told: { workflows: [...worker.workflows], services: [...worker.services.keys()], bodyBytes: bodyBytes(limits) },
    };
  }

  async function once(kind: "fetch" | "call", payload: unknown, event: TraceEvent, method?: string): Promise<unknown> {
    const worker = await load();
    const limits = limited(parts.usual, worker.limits, own);
    // no tenant's id has a control character: its VMs and these never meet
    const tenant = `\u0000loader\u0000${id === "" ? worker.version : id}`;
    const { granted: grants, told } = granted(worker, { tenantId: id, workflow: "", instance: "" }, limits, false);
    // what is told of others is not told of itself: a tail that has tails could be its own
    const trace = method === "tail" ? undefined : traces.begin({ tails: worker.tails, event, scriptName: id, entrypoint: entry });
    return callOnce({
      ...parts,
      tenant,
      version: worker.version,
      prepared: await prepare(parts, tenant, worker, limits),
      limits,
      granted: grants,
      asked: { ...asked, ...told, kind, payload, ...(method !== undefined && { method }) },
      log(level, text) {
        parts.log(id, level, text);
        trace?.log(level, text);
      },
      ended: (error, answer) => trace?.end(outcomeOf(error), { error, ...(kind === "fetch" && { status: (answer as RequestAnswer | undefined)?.status }) } as Parameters<Trace["end"]>[1]),
    });
  }

  async function fetch(input: Request | URL | string, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const body = request.body === null ? null : await bodyOf(request, parts.usual.paramsBytes);
    if (body === undefined) return new Response(`The body has more than ${parts.usual.paramsBytes} bytes`, { status: 413 });
    const { url, method, redirect } = request;
    const headers = [...request.headers];
    const answer = await once("fetch", { url, method, redirect, headers, body }, { request: { url, method, headers: shownHeaders(headers) } }) as RequestAnswer;
    return new Response(answer.body as BodyInit | null, { status: answer.status, statusText: answer.statusText, headers: answer.headers });
  }

  function run(event: Entered["event"] & { readonly payload?: unknown }, step: unknown): Promise<unknown> {
    const found = runOf(step);
    if (found === undefined && !isStep(step)) {
      throw new TenureError("invalid_argument", "Cannot run the loaded workflow: what is handed on for its step has no method do");
    }
    const entered: Entered = {
      event,
      asked: { ...asked, kind: "run", payload: event.payload },
      pin: async (tenant) => pin(parts, tenant, await load()),
      async open(version, init, of) {
        const worker = await load();
        const limits = limited(init.limits, worker.limits, own);
        const prepared = await parts.codes().get(init.tenant, version);
        const guest = await sandbox.open({ ...init, prepared, limits }, parts.signal);
        const instance = JSON.stringify([of.tenantId, of.workflow, of.instance]);
        const trace = traces.begin({ tails: worker.tails, event: { rpcMethod: "run" }, scriptName: id, entrypoint: entry, of: instance });
        const grants = granted(worker, of, limits, found !== undefined);
        return trace === undefined ? { guest, ...grants } : { guest: tracedGuest(guest, trace), log: trace.log, ...grants };
      },
    };
    return found === undefined ? wrapped(entered, step as object, currentRun()) : found.enter(entered);
  }

  /** Runs it by a step that is not the engine's own. Within a run of ours the code is pinned all the same. */
  async function wrapped(entered: Entered, step: object, of: LayeredRun | undefined): Promise<unknown> {
    let ready = (): void => {};
    const opened = of === undefined ? await alone(entered, () => ready()) : await of.open(entered, () => ready());
    if (opened === undefined) return new Promise(() => {});
    const { output, stop, collect } = runStepped({
      opened,
      entered,
      step,
      caps: sandbox.caps,
      clock,
      limits: parts.usual,
      of,
      log: (level, text) => parts.log(id, level, text),
    });
    ready = collect;
    of?.holds(stop);
    return await output;
  }

  async function alone(entered: Entered, ready: () => void): Promise<OpenedLayer> {
    const worker = await load();
    const tenant = `\u0000loader\u0000${id === "" ? worker.version : id}`;
    const limits = limited(parts.usual, worker.limits, own);
    const prepared = await prepare(parts, tenant, worker, limits);
    const guest = await sandbox.open({ tenant, version: worker.version, prepared, limits, ready }, parts.signal);
    return { guest, ...granted(worker, { tenantId: id, workflow: "", instance: String(entered.event.instanceId ?? "") }, limits, false) };
  }

  const stub = new Proxy({}, {
    get(_, key) {
      if (typeof key !== "string" || UNNAMED.has(key)) return undefined;
      if (key === "fetch") return fetch;
      return async (...args: unknown[]) => {
        const [event, step] = args;
        if (key === "run" && args.length === 2 && typeof event === "object" && event !== null) return run(event as never, step);
        return once("call", args, { rpcMethod: key }, key);
      };
    },
  }) as EntrypointStub;
  noteService(stub, { open: true });
  return stub;
}

/** How a call has ended, as a trace says it. */
function outcomeOf(error: unknown): TraceOutcome {
  if (error === undefined) return "ok";
  if (TenureError.is(error) && error.code === "closed") return "canceled";
  if (!(error instanceof GuestDied)) return "exception";
  return OUTCOMES[error.death.code] ?? "exception";
}

/** The body of a request; `undefined`: it is longer than it may be, and the rest was not read. */
async function bodyOf(request: Request, most: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > most) {
      reader.cancel().catch(() => {});
      return undefined;
    }
    chunks.push(value);
  }
  const all = new Uint8Array(length);
  chunks.reduce((at, chunk) => (all.set(chunk, at), at + chunk.byteLength), 0);
  return all;
}

function least(...given: readonly (number | undefined)[]): number | undefined {
  const known = given.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** What the language asks of any object: a stub is awaited, printed and compared like one. */
const UNNAMED: ReadonlySet<string> = new Set(["then", "toJSON", "constructor", "prototype", "toString", "valueOf"]);

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
    if (isUnavailable(error)) return undefined;
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
