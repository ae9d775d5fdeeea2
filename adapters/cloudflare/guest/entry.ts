/**
 * What runs beside a tenant's code that a Worker Loader has loaded: the Web APIs that the guest's engine lacks, and the
 * one class by which its entrypoints are reached. Bundled into `ENTRY` of entry.generated.ts.
 *
 * @module
 */
import type { SentRequest } from "../wire.ts";
import { OUTBOUND } from "../wire.ts";
import { answerOf, makeFetch, type Send } from "./fetch.ts";
import { type Remote, workflowBinding } from "./instance.ts";
import { defineWebApis, grantNetwork } from "./web.ts";

export { bytesOf, commonJs } from "./common_js.ts";

defineWebApis();

/** What an entrypoint is asked for: params of the one class. */
interface Asked {
  readonly kind: "run" | "fetch" | "call";
  /** The exported class; without one: the default export. */
  readonly entry?: string;
  readonly props: unknown;
  /** Bindings that are workflows, and those that have a `fetch` of requests. */
  readonly workflows: readonly string[];
  readonly services: readonly string[];
  /** Longest body that may go out. */
  readonly bodyBytes: number;
  readonly payload: unknown;
  /** Of a call. */
  readonly method?: string;
}

interface Event {
  readonly payload: Asked;
}

type Entrypoint = new (ctx: object, env: object) => Record<string, (...args: unknown[]) => unknown>;

/** The host, where somebody waits for an answer before the end. */
const HOST = "tenure:host";

/** Makes the class by which a module's entrypoints are reached. */
export function makeEntry(module: Readonly<Record<string, unknown>>): unknown {
  return class TenureEntry {
    readonly #ctx: object;
    readonly #env: Record<string, unknown>;

    constructor(ctx: object, env: Record<string, unknown>) {
      this.#ctx = ctx;
      this.#env = env;
    }

    run(event: Event, step: unknown): unknown {
      const { kind, entry, props, workflows, services, payload, method, bodyBytes } = event.payload;
      const env = this.#env;
      const host = env[HOST] as { answer(value: unknown): Promise<void> } | undefined;
      delete env[HOST];
      const network = env[OUTBOUND] as Remote | undefined;
      delete env[OUTBOUND];
      grantNetwork(network && ((request) => (network["fetch"] as Send)(request)));
      const put = (name: string, value: unknown) => Object.defineProperty(env, name, { value, enumerable: true, configurable: true, writable: true });
      for (const name of workflows) put(name, workflowBinding(env[name] as Remote));
      for (const name of services) put(name, service(env[name] as Remote));
      const waiting: Promise<unknown>[] = [];
      const waitUntil = (promise: unknown): void => void waiting.push(Promise.resolve(promise).catch((error) => console.error("Uncaught", error)));
      const ctx = { ...this.#ctx, props, ...(kind !== "run" && { waitUntil }) };
      if (kind === "run") return made(module, entry, ctx, env, "run").run({ ...event, payload }, step);
      return answered(module, { entry, method: kind === "fetch" ? "fetch" : method as string, payload, ctx, env, bodyBytes }, async (value) => {
        await host?.answer(value);
        while (waiting.length > 0) await waiting.shift();
      });
    }
  };
}

/** A binding whose `fetch` takes requests, as the global one does. */
function service(remote: Remote): object {
  const fetch = makeFetch(() => remote["fetch"] as Send);
  return new Proxy(remote, { get: (target, key) => key === "fetch" ? fetch : Reflect.get(target, key) });
}

interface Call {
  readonly entry: string | undefined;
  readonly method: string;
  readonly payload: unknown;
  readonly ctx: object;
  readonly env: object;
  readonly bodyBytes: number;
}

async function answered(module: Readonly<Record<string, unknown>>, { entry, method, payload, ctx, env, bodyBytes }: Call, answer: (value: unknown) => Promise<void>): Promise<void> {
  const target = made(module, entry, ctx, env, method);
  if (method === "tail") return answer(await target.call((payload as unknown[])[0], env, ctx));
  if (method !== "fetch") return answer(await target.call(...payload as unknown[]));
  const { url, headers, body, method: verb, redirect } = payload as SentRequest;
  const request = new Request(url, { method: verb, headers, body: body as Uint8Array<ArrayBuffer> | null, redirect: redirect as RequestRedirect });
  const response = await target.fetch(request, env, ctx);
  if (!(response instanceof Response)) throw new TypeError("The handler did not return a Response");
  await answer(await answerOf(response, bodyBytes));
}

/** What every object has, and no entrypoint offers. */
const PRIVATE = ["constructor", "then", "dup", "ctx", "env"];

function made(module: Readonly<Record<string, unknown>>, entry: string | undefined, ctx: object, env: object, method: string): {
  run(event: unknown, step: unknown): unknown;
  fetch(request: unknown, env: object, ctx: object): unknown;
  call(...args: unknown[]): unknown;
} {
  const name = entry ?? "default";
  const found = Object.hasOwn(module, name) ? module[name] : undefined;
  const target = typeof found === "function" ? new (found as Entrypoint)(ctx, env) : found as Record<string, unknown> | null | undefined;
  const of = typeof found === "function" ? found.prototype as object : target;
  // only what its class or the object itself offers, nothing that every object has
  const offers = method in (of ?? {}) && !(method in Object.prototype) && !PRIVATE.includes(method);
  const chosen = offers ? target?.[method] : undefined;
  if (typeof chosen !== "function") throw new TypeError(`The entrypoint "${name}" has no method "${method}"`);
  const call = (...args: unknown[]): unknown => Reflect.apply(chosen, target, args);
  return { run: call, fetch: call, call };
}
