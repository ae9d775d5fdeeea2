/**
 * Guests in QuickJS, compiled to WebAssembly: the default sandbox, on every host that has WebAssembly.
 *
 * What it guarantees: a tenant's code runs in a WebAssembly instance of its own, with a memory that cannot grow beyond
 * its limit; it reaches nothing but the function through which it sends text; a run starts as a byte copy of its
 * version's warm image and leaves nothing behind for the next one; whatever it does ends its own guest only.
 * What it trusts: the host's WebAssembly, and the packages `@jitl/quickjs-wasmfile-release-sync` and `sucrase`.
 * What it does not do yet: stop a loop inside a native function of the engine. Time is looked at between the
 * operations of the tenant's code; metering will count the engine's own loops.
 *
 * @module
 */
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import { type Base, bootBase } from "./quickjs/boot.ts";
import type { QuickJSVariant } from "./quickjs/ffi.ts";
import { compileMachine } from "./quickjs/machine.ts";
import { QuickJSSandbox } from "./quickjs/sandbox.ts";
import { DEFAULT_VARIANT, defaultWasm, readWasmFile } from "./quickjs/wasm_source.ts";

export type { QuickJSVariant } from "./quickjs/ffi.ts";

/** Options of {@linkcode quickjs}. */
export interface QuickJSOptions {
  /**
   * Bytes of address space that the guests' memories may take together; a guest starts with 16 MiB, of which it uses
   * less than one. What exceeds it waits.
   *
   * @default 1 GiB
   */
  readonly memoryBudgetBytes?: number;
  /**
   * Bytes of warm images that are kept; one takes about half a MiB and what its modules make.
   *
   * @default 64 MiB
   */
  readonly imageBudgetBytes?: number;
  /**
   * Another packaging of the same build of quickjs-emscripten; needs `wasm`.
   *
   * @default `@jitl/quickjs-wasmfile-release-sync`
   */
  readonly variant?: QuickJSVariant;
  /**
   * The binary of the variant, or where it lies: for bundles, in which it cannot be found.
   *
   * @default found where the package is installed
   */
  readonly wasm?: Uint8Array | URL;
}

/** Compiling and booting take some 50 ms: once a process. */
let defaultBase: Promise<Base> | undefined;

/**
 * Guests in QuickJS. Everything is loaded with the first code that comes.
 *
 * `limits.memoryBytes` counts in steps of 64 KiB and from 16 MiB on: less is taken for 16 MiB.
 */
export function quickjs(options: QuickJSOptions = {}): SandboxAdapter {
  return new QuickJSSandbox({
    loadBase: () => loadBase(options),
    memoryBudgetBytes: options.memoryBudgetBytes ?? 2 ** 30,
    imageBudgetBytes: options.imageBudgetBytes ?? 64 * 2 ** 20,
  });
}

async function loadBase({ variant, wasm }: QuickJSOptions): Promise<Base> {
  if (variant !== undefined || wasm !== undefined) return bootBuild(variant ?? DEFAULT_VARIANT, wasm);
  defaultBase ??= bootBuild(DEFAULT_VARIANT, undefined);
  try {
    return await defaultBase;
  } catch (error) {
    defaultBase = undefined;
    throw error;
  }
}

async function bootBuild(variant: QuickJSVariant, wasm: Uint8Array | URL | undefined): Promise<Base> {
  const bytes = wasm === undefined ? await defaultWasm() : wasm instanceof URL ? await readWasmFile(wasm) : wasm;
  return bootBase(await compileMachine(variant, bytes));
}
