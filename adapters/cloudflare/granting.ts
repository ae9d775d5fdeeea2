/**
 * What loaded code may call, and how much of it at a time: bindings of its env, services, the network that is granted.
 *
 * @module
 */
import { quote } from "../../core/errors.ts";
import { grant, type Granted } from "../../core/execution/bindings.ts";
import type { CallResult, Caller } from "../../core/execution/desk.ts";
import { failure } from "../../core/instance/failures.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { byteLength } from "../../core/utf8.ts";
import { decode, describeError, encode } from "../../core/values.ts";
import { currentGuest, insideGuest } from "../sandbox/trusted/node_async_hooks.ts";
import { type Fetcher, fetchThrough } from "./outbound.ts";
import { callable } from "./stubs.ts";
import type { LoadedWorker } from "./worker_code.ts";
import { OUTBOUND } from "./wire.ts";

/** Calls of one guest under way; further ones wait for their turn. */
const MOST_CALLS = 50;
/** Longest call, ms. */
const CALL_MS = 300_000;
/** Cloudflare's own bound on how deep code may call code that calls code. */
const DEPTH = 16;
const TOO_DEEP =
  "Subrequest depth limit exceeded. This request recursed through Workers too many times. This can happen e.g. if you have a Worker or Durable Object that calls other Workers or objects recursively.";

/** Where code of the host runs that loaded code has called. */
class Called {
  readonly depth: number;
  constructor(depth: number) {
    this.depth = depth;
  }
}

/** How many loaded workers stand above what runs now. */
export function callDepth(): number {
  const place = currentGuest();
  return place instanceof Called ? place.depth : 0;
}

/** What a guest's calls are bounded by. */
export interface Bounds {
  readonly clock: Clock;
  readonly limits: Limits;
  /** Calls that it may make in all; without it, `limits.subrequests` of whoever counts. */
  readonly subRequests: number | undefined;
  /** Whether what comes back outside of a step is recorded. */
  readonly recorded: boolean;
}

/** Longest body that goes into a guest or out of it where nothing is recorded, bytes: it stands there more than once. */
export function bodyBytes(limits: Limits): number {
  return Math.floor(limits.memoryBytes / 8);
}

/** Bytes are half as long again when they cross as text. */
const AS_TEXT = 1.5;

/** Grants a worker's env to one guest. */
export function grantWorker(worker: LoadedWorker, run: { readonly tenantId: string; readonly workflow: string; readonly instance: string }, { clock, limits, subRequests = Infinity, recorded }: Bounds): Granted {
  const { services, outbound } = worker;
  const inner = grant(worker.env, run);
  const depth = callDepth() + 1;
  let calls = 0, under = 0;
  const queue: (() => void)[] = [];

  async function call(target: string, method: string, args: string, caller: Caller): Promise<CallResult> {
    const name = `${target === OUTBOUND ? "" : `${target}.`}${method}`;
    if (++calls > subRequests) return refused("Error", `The limit of ${subRequests} binding calls has been reached`);
    if (depth > DEPTH) return refused("Error", TOO_DEEP);
    const sent = byteLength(args), longest = bodyBytes(limits) * AS_TEXT;
    const most = recorded && caller.step === null ? limits.resultBytes : longest;
    if (sent > longest) return refused("RangeError", `Cannot call ${quote(name)}: its arguments have ${sent} bytes, more than the limit of ${longest}`);
    if (under >= MOST_CALLS) await new Promise<void>((next) => queue.push(next));
    under++;
    try {
      const result = await timed(name, caller, (signal) => insideGuest(new Called(depth), () => made(target, method, args, { ...caller, signal }, most)));
      const got = byteLength(result.value);
      if (got <= most) return result;
      return refused("RangeError", `Cannot call ${quote(name)}: its result has ${got} bytes, more than the limit of ${most}`);
    } finally {
      under--;
      queue.shift()?.();
    }
  }

  async function made(target: string, method: string, args: string, caller: Caller, most: number): Promise<CallResult> {
    const service = target === OUTBOUND ? outbound : services.get(target);
    if (service === undefined) return inner.call(target, method, args, caller);
    try {
      const list = decode(args);
      if (!Array.isArray(list)) throw new TypeError(`Cannot call ${quote(method)}: its arguments are none`);
      const found = callable(service, method);
      if (found === undefined || (target === OUTBOUND && method !== "fetch")) throw new TypeError(`Cannot call ${quote(`${target}.${method}`)}: there is no such method`);
      const result = method === "fetch"
        ? await fetchThrough(service as Fetcher, list, { most: Math.floor(most / AS_TEXT), signal: caller.signal })
        : await Reflect.apply(found, service, list);
      return { ok: true, value: encode(result), error: undefined };
    } catch (error) {
      const { name, message } = describeError(error);
      return refused(name, message);
    }
  }

  /** The call, or its end when its time is over: whoever is called hears of it by the signal. */
  function timed(name: string, caller: Caller, run: (signal: AbortSignal) => Promise<CallResult>): Promise<CallResult> {
    const over = new AbortController();
    const aborted = (): void => over.abort(caller.signal.reason);
    caller.signal.addEventListener("abort", aborted, { once: true });
    if (caller.signal.aborted) aborted();
    return new Promise((resolve) => {
      const stop = clock.setTimer(CALL_MS, () => {
        resolve(refused("TimeoutError", `Cannot call ${quote(name)}: it has not answered within ${CALL_MS / 1000} seconds`));
        over.abort();
      });
      void run(over.signal).then((result) => {
        stop();
        caller.signal.removeEventListener("abort", aborted);
        resolve(result);
      });
    });
  }

  const bindings = [...inner.grants.bindings, ...services.keys(), ...(outbound === undefined ? [] : [OUTBOUND])];
  return { grants: { data: inner.grants.data, bindings }, call };
}

function refused(name: string, message: string): CallResult {
  return { ok: false, ...failure(name, message) };
}
