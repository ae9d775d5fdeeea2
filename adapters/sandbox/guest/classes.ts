/**
 * The workflow classes of a module.
 *
 * @module
 */
import { descriptorOf, hasOwn, keysOf } from "./intrinsics.ts";
import type { WorkflowClass } from "./runtime.ts";

/** The class that a module exports by a name, when it has a `run` method. Total: a tenant's module may be anything. */
export function findClass(namespace: object, name: string): WorkflowClass | undefined {
  try {
    if (!hasOwn(namespace, name)) return undefined;
    const value = (namespace as Record<string, unknown>)[name];
    if (typeof value !== "function") return undefined;
    const prototype: unknown = descriptorOf(value, "prototype")?.value;
    if (typeof prototype !== "object" || prototype === null) return undefined;
    return typeof (prototype as { run?: unknown }).run === "function" ? value as WorkflowClass : undefined;
  } catch {
    return undefined;
  }
}

/** Calls `found` with the name of every workflow class that a module exports. */
export function eachClass(namespace: object, found: (name: string) => void): void {
  const names = keysOf(namespace);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (findClass(namespace, name) !== undefined) found(name);
  }
}
