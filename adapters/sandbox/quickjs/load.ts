/**
 * Puts a tenant's code into a VM: evaluates its modules once, registers its main module, asks for its classes.
 *
 * Runs code that nobody has run before. Everything that it can do at module scope (never yield, take all memory, throw
 * what is no error, answer questions about itself wrongly) ends in a result of this file.
 *
 * @module
 */
import type { Diagnostic } from "../../../core/errors.ts";
import type { Limits } from "../../../core/limits.ts";
import type { Death } from "../../../core/ports/guest.ts";
import { cutToBytes } from "../../../core/utf8.ts";
import type { PreparedModules } from "../prepare/modules.ts";
import { entryOf } from "./entry.ts";
import { type Pointer, PROMISE } from "./ffi.ts";
import type { Vm } from "./vm.ts";

/** What came of it. */
export type Loaded =
  | { readonly classes: readonly string[] }
  | { readonly diagnostic: Diagnostic; readonly death?: Death };

/** The prelude itself needs some stack, and 0 would mean to QuickJS that there is no limit. */
const MIN_STACK_BYTES = 8_192;
/** Less than the stack that a build is linked with. */
const MAX_STACK_BYTES = 2 ** 22;

/** Most that a diagnostic says, bytes. */
const MESSAGE_BYTES = 2_000;

/** Evaluates the modules in a VM that has none yet. `vm.sources` is set already. */
export function loadModules(vm: Vm, code: PreparedModules, limits: Limits): Loaded {
  const { ffi } = vm.machine;
  const nowhere = (message: string): Diagnostic => ({ file: code.main, line: 0, column: 0, message });
  const { value, death } = vm.enter(entryOf(limits, 0), (): Loaded => {
    vm.machine.stackBytes = Math.min(Math.max(limits.stackBytes, MIN_STACK_BYTES), MAX_STACK_BYTES);
    ffi.QTS_RuntimeSetMaxStackSize(vm.handles.runtime, vm.machine.stackBytes);
    const source = Object.hasOwn(code.modules, code.main) ? code.modules[code.main] : undefined;
    if (source === undefined) return { diagnostic: nowhere("the main module is missing") };
    const namespace = settled(vm, vm.evaluate(source, { file: code.main, module: true }));
    if (namespace === undefined) return { diagnostic: nowhere("its top-level await never ends") };
    if (namespace.error) return { diagnostic: describe(vm, namespace.value, code) };
    vm.call(vm.handles.main, namespace.value);
    vm.pump();
    return { classes: classNames(vm.text(vm.call(vm.handles.classes))) };
  });
  if (death !== undefined) return { diagnostic: nowhere(`its module scope was stopped: ${death.message}`), death };
  return value ?? { diagnostic: nowhere("it could not be loaded") };
}

/** Ours, and it is the same everywhere: nothing but a broken build can exceed it. */
const SHARED = { time: 0, cpuMs: 10_000, messages: 0, messageBytes: 0 };

/** Evaluates a module that is the platform's own, before any of a tenant's. `vm.sources` is set already. Whether it went well. */
export function loadShared(vm: Vm, name: string): boolean {
  const { value, death } = vm.enter(SHARED, () => {
    const namespace = settled(vm, vm.evaluate(`import ${JSON.stringify(name)};`, { file: "<tenure>", module: true }));
    return namespace?.error === false;
  });
  return death === undefined && value === true;
}

/** What an evaluated module ends in; `undefined` when it never does. */
function settled(vm: Vm, result: Pointer): { readonly value: Pointer; readonly error: boolean } | undefined {
  const { machine: { ffi }, handles: { context } } = vm;
  const thrown = vm.takeError(result);
  if (thrown !== 0) return { value: thrown, error: true };
  vm.pump();
  // Before and after the pump: a module with top-level await is a promise, every other is its namespace.
  const state = ffi.QTS_PromiseState(context, result);
  if (state === PROMISE.none) return { value: result, error: false };
  if (state === PROMISE.pending) return undefined;
  return { value: ffi.QTS_PromiseResult(context, result), error: state === PROMISE.rejected };
}

function describe(vm: Vm, error: Pointer, code: PreparedModules): Diagnostic {
  const [name = "", message = "", stack = ""] = strings(vm.text(vm.call(vm.handles.describe, error)));
  const text = name === "" ? message : `${name}: ${message}`;
  const place = { file: code.main, line: 0, column: 0, ...placeIn(stack, code.modules) };
  return { ...place, message: cutToBytes(text === "" ? "its module scope threw" : text, MESSAGE_BYTES) };
}

/** The innermost place in a module of the tenant's. The text is the tenant's: it may lie, but only about itself. */
function placeIn(stack: string, modules: Readonly<Record<string, string>>): Partial<Diagnostic> {
  for (const line of stack.split("\n")) {
    const match = /^ *at (?:[^(]*\()?([^()]+?):(\d{1,9})(?::(\d{1,9}))?\)?$/.exec(line.slice(0, 1_200));
    const file = match?.[1] ?? "";
    if (Object.hasOwn(modules, file)) return { file, line: Number(match?.[2]), column: Number(match?.[3] ?? 0) };
  }
  return {};
}

/** Names that can be classes; the list is the guest's. */
function classNames(json: string): string[] {
  return strings(json).filter((name) => name !== "" && name.length <= 256).slice(0, 1_000);
}

function strings(json: string): string[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}
