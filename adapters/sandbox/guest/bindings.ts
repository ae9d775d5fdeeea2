/**
 * Bindings of the host as a tenant sees them: `env.AI.run(…)`.
 *
 * A binding is a name and nothing more: what may be called, and by whom, the host decides at each call.
 *
 * @module
 */
import { define, freeze, keysOf, NativeProxy, NativeTypeError, safeMap, setPrototypeOf } from "./intrinsics.ts";

/** Calls a method of a binding; `""`: the binding itself. */
export type CallBinding = (target: string, method: string, args: unknown[]) => Promise<unknown>;

// What the language itself asks of any object: as a method, `then` would make `await env.X` hang.
const reserved = new safeMap<PropertyKey, true>();
for (
  const name of [
    "then",
    "toJSON",
    "constructor",
    "prototype",
    "__proto__",
    "toString",
    "valueOf",
    "toLocaleString",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
  ]
) reserved.set(name, true);

/** Makes the object that stands for a binding. */
export function makeBinding(target: string, call: CallBinding): object {
  const stub = (): void => {};
  // Nothing of it may be there but what the traps say; functions have these two of their own.
  delete (stub as { name?: string }).name;
  delete (stub as { length?: number }).length;
  setPrototypeOf(stub, null);
  freeze(stub);
  const handler: ProxyHandler<() => void> = {
    __proto__: null,
    get(_stub: unknown, key: PropertyKey) {
      if (typeof key !== "string" || reserved.has(key)) return undefined;
      return (...args: unknown[]) => call(target, key, args);
    },
    apply(_stub: unknown, _self: unknown, args: unknown[]) {
      return call(target, "", args);
    },
    set() {
      throw new NativeTypeError(`Cannot set a property of the binding "${target}": it belongs to the platform`);
    },
  } as ProxyHandler<() => void>;
  return new NativeProxy(stub, freeze(handler));
}

/** The `env` of a run: what is granted as data, and the bindings. */
export function makeEnv(data: unknown, bindings: readonly string[], call: CallBinding): Record<string, unknown> {
  const env: Record<string, unknown> = {};
  if (typeof data === "object" && data !== null) {
    const names = keysOf(data);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      define(env, name, (data as Record<string, unknown>)[name], true);
    }
  }
  for (let i = 0; i < bindings.length; i++) {
    const name = bindings[i] as string;
    define(env, name, makeBinding(name, call), true);
  }
  return env;
}
