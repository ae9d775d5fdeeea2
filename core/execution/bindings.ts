/**
 * What a platform grants to a run: plain data by value, objects with methods by reference, called by capability.
 *
 * A guest names a binding and a method; it can reach nothing that is not a method of a granted object. Arguments and
 * results cross as encoded values; an error crosses as name and message only.
 *
 * @module
 */
import type { CallResult, Caller } from "./desk.ts";
import type { Grants } from "./deliveries.ts";
import { failure } from "../instance/failures.ts";
import { decode, describeError, encode } from "../values.ts";

/** Who calls a binding: what {@linkcode perCall} is given. */
export interface BindingCall extends Caller {
  /** The tenant whose run it is. */
  readonly tenantId: string;
  /** The workflow. */
  readonly workflow: string;
  /** The instance's id. */
  readonly instance: string;
}

/** The methods of a binding. */
// deno-lint-ignore no-explicit-any
export type BindingMethods = { readonly [method: string]: (...args: any[]) => unknown };

const PER_CALL = "tenure.perCall";

/** A binding that is made for each call: see {@linkcode perCall}. */
export interface PerCallBinding {
  /** Makes its methods. */
  readonly "tenure.perCall": (call: BindingCall) => object;
}

/**
 * Makes a binding that knows its caller: tenant, instance, step, attempt, an idempotency key (the same for every
 * attempt of a step, another in each life) and a signal that aborts with the attempt.
 */
export function perCall(methods: (call: BindingCall) => object): PerCallBinding {
  return { "tenure.perCall": methods };
}

/** A run's grants, ready to be started with and called. */
export interface Granted {
  readonly grants: Grants;
  call(target: string, method: string, args: string, caller: Caller): Promise<CallResult>;
}

/** Sorts what `env` gave into data and bindings. */
export function grant(
  env: Readonly<Record<string, unknown>>,
  run: { readonly tenantId: string; readonly workflow: string; readonly instance: string },
): Granted {
  const data: Record<string, unknown> = {};
  const bindings = new Map<string, unknown>();
  for (const [name, value] of Object.entries(env)) {
    if (isData(value)) data[name] = value;
    else bindings.set(name, value);
  }
  return {
    grants: { data: encode(data), bindings: [...bindings.keys()] },
    async call(target, method, args, caller) {
      try {
        const binding = bindings.get(target);
        const list = decode(args);
        if (binding === undefined || !Array.isArray(list)) return refused(target, method);
        const object = isPerCall(binding) ? binding[PER_CALL]({ ...run, ...caller }) : binding;
        const found = methodOf(object, method);
        if (found === undefined) return refused(target, method);
        const result = await Reflect.apply(found, object, list);
        return { ok: true, value: encode(result), error: undefined };
      } catch (error) {
        const { name, message } = describeError(error);
        return { ok: false, ...failure(name, message) };
      }
    },
  };
}

function refused(target: string, method: string): CallResult {
  const what = method === "" ? target : `${target}.${method}`;
  return { ok: false, ...failure("TypeError", `Cannot call "${what}": there is no such method`) };
}

function isPerCall(value: unknown): value is PerCallBinding {
  return typeof value === "object" && value !== null && PER_CALL in value;
}

/** Plain data is passed by value. What cannot be stored is a binding, if it can be called at all. */
function isData(value: unknown): boolean {
  if (typeof value === "function" || isPerCall(value)) return false;
  try {
    encode(value);
    return true;
  } catch {
    return false;
  }
}

/** A method of the object or its class, never what every object or function has. */
function methodOf(object: unknown, method: string): ((...args: unknown[]) => unknown) | undefined {
  if (method === "") return typeof object === "function" ? object as () => unknown : undefined;
  if (method === "constructor") return undefined;
  for (let o = object; o !== null && o !== undefined; o = Object.getPrototypeOf(o)) {
    if (o === Object.prototype || o === Function.prototype) return undefined;
    if (Object.hasOwn(o as object, method)) {
      const found = (object as Record<string, unknown>)[method];
      return typeof found === "function" ? found as () => unknown : undefined;
    }
  }
  return undefined;
}
