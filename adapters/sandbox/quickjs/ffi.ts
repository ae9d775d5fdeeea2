/**
 * The part of quickjs-emscripten that the adapter uses: the variant's loader and its C functions.
 *
 * The C functions are called directly. The wrapper classes of quickjs-emscripten-core keep state on the JavaScript
 * side (handles, references, maps) that a reset of the memory would make false, and print to the host's console what a
 * tenant can provoke.
 *
 * @module
 */

/** A variant of quickjs-emscripten, such as the default export of `@jitl/quickjs-wasmfile-release-sync`. */
export interface QuickJSVariant {
  /** Only synchronous builds can be used. */
  readonly type: "sync";
  /** Loads the wrappers of the C functions. */
  importFFI(): Promise<unknown>;
  /** Loads emscripten's loader. */
  importModuleLoader(): Promise<unknown>;
}

/** An address in the machine's memory; 0 where nothing could be allocated. */
export type Pointer = number;

/** C functions, all on pointers. A `JSValue*` that is returned is owned, one that is taken is borrowed. */
export interface Ffi {
  QTS_NewRuntime(): Pointer;
  QTS_RuntimeSetMaxStackSize(runtime: Pointer, bytes: number): void;
  QTS_RuntimeEnableInterruptHandler(runtime: Pointer): void;
  QTS_RuntimeEnableModuleLoader(runtime: Pointer, normalizes: number): void;
  QTS_NewContext(runtime: Pointer, intrinsics: number): Pointer;
  QTS_GetGlobalObject(context: Pointer): Pointer;
  QTS_GetUndefined(): Pointer;
  QTS_NewString(context: Pointer, text: Pointer): Pointer;
  QTS_GetString(context: Pointer, value: Pointer): Pointer;
  QTS_FreeCString(context: Pointer, text: Pointer): void;
  QTS_NewFunction(context: Pointer, name: string, arity: number, isConstructor: boolean, id: number): Pointer;
  QTS_SetProp(context: Pointer, object: Pointer, name: Pointer, value: Pointer): void;
  QTS_Call(context: Pointer, callee: Pointer, self: Pointer, argc: number, argv: Pointer): Pointer;
  QTS_Eval(context: Pointer, code: Pointer, length: number, file: string, detectModule: number, flags: number): Pointer;
  QTS_ResolveException(context: Pointer, value: Pointer): Pointer;
  QTS_PromiseState(context: Pointer, value: Pointer): number;
  QTS_PromiseResult(context: Pointer, promise: Pointer): Pointer;
  QTS_FreeValuePointer(context: Pointer, value: Pointer): void;
  QTS_FreeValuePointerRuntime(runtime: Pointer, value: Pointer): void;
  QTS_IsJobPending(runtime: Pointer): number;
  QTS_ExecutePendingJob(runtime: Pointer, atMost: number, contextOut: Pointer): Pointer;
}

/** Flags of `QTS_Eval`. */
export const EVAL = { script: 0, module: 1 } as const;

/** What `QTS_PromiseState` answers; -1 for what is no promise. */
export const PROMISE = { none: -1, pending: 0, fulfilled: 1, rejected: 2 } as const;

/** Calls from C. The first argument is emscripten's and unused in synchronous builds. */
export interface Callbacks {
  callFunction(_: unknown, context: Pointer, self: Pointer, argc: number, argv: Pointer): Pointer;
  shouldInterrupt(): 0 | 1;
  loadModuleSource(_: unknown, runtime: Pointer, context: Pointer, name: string): Pointer;
  normalizeModule(_: unknown, runtime: Pointer, context: Pointer, base: string, name: string): Pointer;
  freeHostRef(): void;
}

/** What emscripten's loader takes and, filled in, gives back. */
export interface EmscriptenModule {
  callbacks: Callbacks;
  wasmMemory: WebAssembly.Memory;
  print(): void;
  printErr(): void;
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): unknown;
  /** Always of the memory as it is now: the loader replaces it when the memory grows. */
  HEAPU8?: Uint8Array;
  _malloc?(bytes: number): Pointer;
  _free?(pointer: Pointer): void;
}

/** Takes apart a variant. Throws when it is none. */
export async function loadVariant(variant: QuickJSVariant): Promise<{
  readonly boot: (module: EmscriptenModule) => Promise<Required<EmscriptenModule>>;
  readonly ffi: (module: Required<EmscriptenModule>) => Ffi;
}> {
  const [FFI, loader] = await Promise.all([variant.importFFI(), variant.importModuleLoader()]);
  const boot = unwrap(loader), Constructor = unwrap(FFI);
  if (typeof boot !== "function" || typeof Constructor !== "function") {
    throw new TypeError("Cannot use this variant of QuickJS: it is not a variant of quickjs-emscripten");
  }
  return {
    boot: boot as (module: EmscriptenModule) => Promise<Required<EmscriptenModule>>,
    ffi: (module) => new (Constructor as new (module: unknown) => Ffi)(module),
  };
}

/** CommonJS builds wrap their default export once more. */
function unwrap(value: unknown): unknown {
  while (typeof value === "object" && value !== null && "default" in value) value = value.default;
  return value;
}
