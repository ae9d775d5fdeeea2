/**
 * What runs beside a tenant's code that a Worker Loader has loaded: the Web APIs that the guest's engine lacks, and the
 * one class by which its entrypoints are reached. Bundled into `ENTRY` of entry.generated.ts.
 *
 * @module
 */
import { GuestRequest, GuestResponse } from "./body.ts";
import { GuestHeaders } from "./headers.ts";
import { type Remote, workflowBinding } from "./instance.ts";
import { GuestURLSearchParams } from "./search_params.ts";
import { GuestURL } from "./url.ts";

const given = { Headers: GuestHeaders, Request: GuestRequest, Response: GuestResponse, URL: GuestURL, URLSearchParams: GuestURLSearchParams };
for (const [name, value] of Object.entries(given)) {
  Object.defineProperty(value, "name", { value: name, configurable: true });
  // where there is no wall, the host's own are there
  if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** What an entrypoint is asked for: params of the one class. */
interface Asked {
  readonly kind: "run" | "fetch" | "call";
  /** The exported class; without one: the default export. */
  readonly entry?: string;
  readonly props: unknown;
  /** Bindings that are workflows. */
  readonly workflows: readonly string[];
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
      const { kind, entry, props, workflows, payload, method } = event.payload;
      const env = this.#env;
      const host = env[HOST] as { answer(value: unknown): Promise<void> } | undefined;
      delete env[HOST];
      for (const name of workflows) {
        Object.defineProperty(env, name, { value: workflowBinding(env[name] as Remote), enumerable: true, configurable: true, writable: true });
      }
      const waiting: Promise<unknown>[] = [];
      const waitUntil = (promise: unknown): void => void waiting.push(Promise.resolve(promise).catch((error) => console.error("Uncaught", error)));
      const ctx = { ...this.#ctx, props, ...(kind !== "run" && { waitUntil }) };
      if (kind === "run") return made(module, entry, ctx, env, "run").run({ ...event, payload }, step);
      return answered(module, { entry, method: kind === "fetch" ? "fetch" : method as string, payload, ctx, env }, async (value) => {
        await host?.answer(value);
        while (waiting.length > 0) await waiting.shift();
      });
    }
  };
}

interface Call {
  readonly entry: string | undefined;
  readonly method: string;
  readonly payload: unknown;
  readonly ctx: object;
  readonly env: object;
}

async function answered(module: Readonly<Record<string, unknown>>, { entry, method, payload, ctx, env }: Call, answer: (value: unknown) => Promise<void>): Promise<void> {
  const target = made(module, entry, ctx, env, method);
  if (method !== "fetch") return answer(await target.call(...payload as unknown[]));
  const { url, headers, body, method: verb } = payload as { url: string; method: string; headers: [string, string][]; body: Uint8Array | null };
  const response = await target.fetch(new Request(url, { method: verb, headers, body: body as Uint8Array<ArrayBuffer> }), env, ctx);
  if (!(response instanceof Response)) throw new TypeError("The handler did not return a Response");
  const bytes = new Uint8Array(await response.arrayBuffer());
  await answer({ status: response.status, statusText: response.statusText, headers: [...response.headers], body: bytes.length === 0 ? null : bytes });
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
