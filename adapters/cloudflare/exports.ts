/**
 * What `exports` of `cloudflare:workers` holds: a dispatcher's own entrypoints, each called with props for a stub.
 *
 * @module
 */
import { boundTo, type BoundWorkflow } from "./bound.ts";
import { DynamicWorkflowBinding, type DynamicWorkflowBindingProps } from "./bridge.ts";
import { noteBinding, noteService } from "./stubs.ts";
import { type EntrypointContext, waitUntil, WorkerEntrypoint } from "./workers.ts";
import { decode, encode } from "../../core/values.ts";

/** A dispatcher's main module. */
export type DispatcherModule = Readonly<Record<string, unknown>>;

type EntrypointClass = new (ctx: EntrypointContext, env: unknown) => WorkerEntrypoint;

/** Makes a context. */
export function contextOf(props: unknown, exports: Readonly<Record<string, unknown>>): EntrypointContext {
  return { props, exports, waitUntil, passThroughOnException() {} };
}

/** Whether an export is a class of entrypoints. */
export function isEntrypointClass(value: unknown): value is EntrypointClass {
  return typeof value === "function" && value.prototype instanceof WorkerEntrypoint;
}

/** The exports of a module by name, each a function that makes stubs. */
export function loopbacks(module: DispatcherModule, env: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const exports: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(module)) {
    if (!isEntrypointClass(value)) continue;
    exports[name] = ({ props }: { props?: unknown } = {}) => {
      const stub = stubOf(value, props, env, exports);
      // Cloudflare's own bridge, which makes its bindings by this name: they are reached as ours are
      if (name === "DynamicWorkflowBinding" && !isOurs(value)) noteBinding(stub, stub as BoundWorkflow);
      return stub;
    };
  }
  return exports;
}

function isOurs(Class: EntrypointClass): boolean {
  return Class === DynamicWorkflowBinding || Class.prototype instanceof DynamicWorkflowBinding;
}

function stubOf(Class: EntrypointClass, given: unknown, env: Readonly<Record<string, unknown>>, exports: Readonly<Record<string, unknown>>): object {
  // what the caller does with its object afterwards changes nobody's rights
  const props = given === undefined ? {} : decode(encode(given, { root: "props" }));
  const stub: Record<string, unknown> = {};
  for (let proto = Class.prototype as object; proto !== WorkerEntrypoint.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (name === "constructor" || typeof value !== "function" || name in stub) continue;
      stub[name] = (...args: unknown[]) => Reflect.apply(value, new Class(contextOf(props, exports), env), args);
    }
  }
  Object.freeze(stub);
  noteService(stub, { open: false });
  if (isOurs(Class)) {
    // now, so that what has no tenant is refused where it is made
    noteBinding(stub, boundTo(env, props as DynamicWorkflowBindingProps));
  }
  return stub;
}
