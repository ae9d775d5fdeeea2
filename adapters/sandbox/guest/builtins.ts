/**
 * What the builtin modules export. See builtin_modules.ts.
 *
 * @module
 */
import { NonRetryableError, WorkflowEntrypoint } from "../../../core/entrypoint.ts";
import { define, freeze, hasOwn, NativeError, NativePromise, NativeProxy, NativeTypeError } from "./intrinsics.ts";

/** Base class of entrypoints other than workflows: there, so that code that exports some can be deployed. */
class WorkerEntrypoint {
  protected ctx: unknown;
  protected env: unknown;
  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** Base class of objects passed by reference: there, so that code that extends it can be deployed. */
class RpcTarget {}

/** There, so that code that exports some can be deployed: making one is an error. */
class DurableObject {
  constructor() {
    throw new NativeError('Cannot make a "DurableObject": there are none off Cloudflare');
  }
}

/** Nothing waits for it: what must happen belongs into a step, and what a request leaves behind to `ctx.waitUntil`. */
function waitUntil(promise: unknown): void {
  if (promise instanceof NativePromise) void ignored(promise);
}

async function ignored(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // its error is nobody's
  }
}

const { ownKeys } = Reflect;
const getOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor;

/**
 * Makes the exports of the builtin modules, by specifier.
 *
 * @param env the `env` of the run for which code runs; an empty one outside of runs
 */
export function makeBuiltins(env: () => Record<string, unknown> | undefined): Readonly<Record<string, object>> {
  const read = (): Record<string, unknown> => env() ?? nothing;
  const live = new NativeProxy({}, {
    __proto__: null,
    get: (_: object, key: string) => hasOwn(read(), key) ? read()[key] : undefined,
    has: (_: object, key: string) => hasOwn(read(), key),
    ownKeys: () => ownKeys(read()),
    getOwnPropertyDescriptor(_: object, key: string) {
      const descriptor = getOwnPropertyDescriptor(read(), key);
      // The proxy's own target has no such property, so it may not be told as one that cannot change.
      if (descriptor !== undefined) define(descriptor, "configurable", true, true);
      return descriptor;
    },
    set() {
      throw new NativeTypeError("Cannot set a property of env: it belongs to the platform");
    },
    defineProperty: () => false,
    deleteProperty: () => false,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  } as ProxyHandler<object>);
  return freeze({
    __proto__: null,
    "cloudflare:workers": exportsOf({ WorkflowEntrypoint, WorkerEntrypoint, RpcTarget, DurableObject, env: live, exports: nothing, waitUntil }),
    "cloudflare:workflows": exportsOf({ NonRetryableError }),
    "tenure": exportsOf({ WorkflowEntrypoint, NonRetryableError }),
  } as unknown as Record<string, object>);
}

const nothing: Record<string, unknown> = freeze({});

function exportsOf(exports: object): object {
  // For modules rewritten as functions: these are the exports themselves, not a default.
  define(exports, "__esModule", true);
  return freeze(exports);
}
