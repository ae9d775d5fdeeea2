/**
 * A machine: one WebAssembly instance of QuickJS with a memory of its own, and the calls that lead into it.
 *
 * Guarantees that its memory cannot grow beyond its maximum and that it can reach nothing of the host but the
 * callbacks it is given (see host_imports.ts). It does not know what runs in it.
 *
 * @module
 */
import { type EmscriptenModule, type Callbacks, type Ffi, loadVariant, type Pointer, type QuickJSVariant } from "./ffi.ts";
import { hookImports } from "./host_imports.ts";
import { type Layout, readLayout } from "./layout.ts";
import { readWasm, type WasmImport } from "./wasm_reader.ts";
import { exportGlobals } from "./wasm_rewrite.ts";

/** Pages with which a build of quickjs-emscripten starts; less is not accepted. */
export const INITIAL_PAGES = 256;
/** Bytes of a page of WebAssembly memory. */
export const PAGE_BYTES = 65_536;

/** A machine that runs. */
export interface Machine {
  readonly memory: WebAssembly.Memory;
  readonly ffi: Ffi;
  /** The memory as it is now. */
  bytes(): Uint8Array;
  malloc(bytes: number): Pointer;
  free(pointer: Pointer): void;
  /** Makes the memory at least so large, as far as its maximum allows. */
  grow(bytes: number): void;
  /** Whether memory was asked for and refused. */
  outOfMemory: boolean;
  /** How deep the code that ran in it was allowed to use the stack. */
  stackBytes: number;
  /** What the guest's clock shows, ms; `null`: the real time. */
  time: number | null;
  /** The mutable globals: with the memory, all that a machine is. */
  readonly globals: readonly WebAssembly.Global<"i32">[];
}

/** A QuickJS build, compiled, of which machines are made. */
export interface MachineFactory {
  readonly layout: Layout;
  /** Makes one whose memory may have so many pages; a tenant's code was never in it. */
  make(options: { readonly maximumPages: number; readonly callbacks: Callbacks }): Promise<Machine>;
}

/** Compiles a build. Throws, with a message that says why, when it is none that this adapter can use. */
export async function compileMachine(variant: QuickJSVariant, wasm: Uint8Array): Promise<MachineFactory> {
  const binary = readWasm(wasm);
  const layout = readLayout(binary);
  const { bytes, globals } = exportGlobals(binary);
  const [module, build] = await Promise.all([WebAssembly.compile(bytes), loadVariant(variant)]);
  return {
    layout,
    async make({ maximumPages, callbacks }) {
      const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: Math.max(INITIAL_PAGES, maximumPages) });
      const machine = { memory, outOfMemory: false, stackBytes: 0, time: 0 as number | null };
      let exports: WebAssembly.Exports = {};
      let grow: (bytes: number) => void = () => undefined;
      const silent = (): void => {};
      const emscripten = await raced(build.boot, {
        callbacks,
        wasmMemory: memory,
        print: silent,
        printErr: silent,
        instantiateWasm(imports, done) {
          grow = hook(imports, binary.imports, machine);
          const instance = new WebAssembly.Instance(module, imports);
          exports = instance.exports;
          done(instance);
          return exports;
        },
      });
      return Object.assign(machine, {
        ffi: build.ffi(emscripten),
        bytes: () => emscripten.HEAPU8,
        malloc: emscripten._malloc,
        free: emscripten._free,
        grow,
        globals: [...globals.values()].map((name) => exports[name] as WebAssembly.Global<"i32">),
      });
    },
  };
}

function hook(
  imports: WebAssembly.Imports,
  known: readonly WasmImport[],
  machine: { readonly memory: WebAssembly.Memory; outOfMemory: boolean; readonly time: number | null },
): (bytes: number) => void {
  return hookImports(imports[known[0]?.module ?? ""] as Record<string, unknown>, known, {
    now: () => machine.time ?? Date.now(),
    words: () => new Int32Array(machine.memory.buffer),
    outOfMemory: () => machine.outOfMemory = true,
  });
}

/** Emscripten's promise never settles when the hook throws. */
function raced(
  boot: (module: EmscriptenModule) => Promise<Required<EmscriptenModule>>,
  module: EmscriptenModule,
): Promise<Required<EmscriptenModule>> {
  return new Promise((resolve, reject) => {
    const { instantiateWasm } = module;
    boot({
      ...module,
      instantiateWasm(imports, done) {
        try {
          return instantiateWasm(imports, done);
        } catch (error) {
          reject(error);
          throw error;
        }
      },
    }).then(resolve, reject);
  });
}
