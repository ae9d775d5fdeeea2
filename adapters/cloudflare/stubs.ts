/**
 * Stubs that may be given to loaded code by reference: which they are, and what of them can be called.
 *
 * @module
 */
import type { BoundWorkflow } from "./bound.ts";

/** The workflow binding behind a stub that `wrapWorkflowBinding` has made. */
const bindings = new WeakMap<object, BoundWorkflow>();
/** Stubs of entrypoints; `true`: any name is a method. */
const services = new WeakMap<object, boolean>();

/** Says that a stub is a workflow binding. */
export function noteBinding(stub: object, binding: BoundWorkflow): void {
  bindings.set(stub, binding);
}

/** The workflow binding that a stub is. */
export function bindingOf(stub: object): BoundWorkflow | undefined {
  return bindings.get(stub);
}

/** Says that a stub is that of an entrypoint. */
export function noteService(stub: object, { open }: { readonly open: boolean }): void {
  services.set(stub, open);
}

/** Whether it is one. */
export function isService(stub: object): boolean {
  return services.has(stub);
}

/** A method of a service, or of an object that is given for one. */
export function callable(service: object, method: string): ((...args: unknown[]) => unknown) | undefined {
  if (services.get(service) === false && !Object.hasOwn(service, method)) return undefined;
  if (!services.has(service) && method !== "fetch") return undefined;
  const found = (service as Record<string, unknown>)[method];
  return typeof found === "function" ? found as (...args: unknown[]) => unknown : undefined;
}

/** The methods that an object offers to whoever has it by reference: those of its class, and nothing that is its own. */
export function offered(target: object, root: object): Readonly<Record<string, (...args: unknown[]) => unknown>> {
  const methods: Record<string, (...args: unknown[]) => unknown> = Object.create(null);
  for (let proto = Object.getPrototypeOf(target) as object | null; proto !== null && proto !== root && proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (name === "constructor" || typeof value !== "function" || name in methods) continue;
      methods[name] = (...args) => Reflect.apply(value, target, args);
    }
  }
  return Object.freeze(methods);
}
