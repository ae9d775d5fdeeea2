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
import { CodeError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Guest, GuestInit, Prepared, SandboxAdapter } from "../../core/ports/guest.ts";
import { type Base, bootBase, makeVm } from "./quickjs/boot.ts";
import { failedDeath } from "./quickjs/deaths.ts";
import type { QuickJSVariant } from "./quickjs/ffi.ts";
import { stillborn, vmGuest } from "./quickjs/guest.ts";
import { captureImage, type Image, restoreImage } from "./quickjs/image.ts";
import { ImageCache } from "./quickjs/image_cache.ts";
import { type Loaded, loadModules } from "./quickjs/load.ts";
import { compileMachine, PAGE_BYTES } from "./quickjs/machine.ts";
import { VmPool } from "./quickjs/pool.ts";
import { decodePrepared, encodePrepared, tenantSources } from "./quickjs/sources.ts";
import type { Vm } from "./quickjs/vm.ts";
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
  return new QuickJSSandbox(options);
}

class QuickJSSandbox implements SandboxAdapter {
  readonly name = "quickjs";
  readonly caps = { boundary: "wasm", mediated: true, hardKill: false, memoryCap: true, metered: false } as const;
  readonly #options: QuickJSOptions;
  readonly #images: ImageCache;
  readonly #pool: VmPool;
  #base: Base | undefined;
  /** What was prepared last, so that a first run does not evaluate its modules a second time. */
  #fresh: { readonly key: string; readonly text: string; readonly image: Image } | undefined;

  constructor(options: QuickJSOptions) {
    this.#options = options;
    this.#images = new ImageCache(options.imageBudgetBytes ?? 64 * 2 ** 20);
    this.#pool = new VmPool({
      budgetBytes: options.memoryBudgetBytes ?? 2 ** 30,
      make: async (pages) => makeVm(await this.#loadBase(), pages),
    });
  }

  async prepare(tenant: string, code: { mainModule: string; modules: Readonly<Record<string, string>> }, limits: Limits): Promise<Prepared> {
    // TypeScript is stripped at deploy only: a process that runs what others deployed never loads the stripper.
    const { prepareModules } = await import("./prepare/modules.ts");
    const text = encodePrepared(prepareModules(code, limits));
    const vm = await this.#pool.take(pagesOf(limits), new AbortController().signal);
    const { loaded, image } = this.#load(vm, { text, limits });
    if (image === undefined) this.#pool.discard(vm);
    else this.#pool.give(vm);
    if ("diagnostic" in loaded) throw new CodeError([loaded.diagnostic]);
    if (loaded.classes.length === 0) {
      throw new CodeError([{ file: code.mainModule, line: 0, column: 0, message: "it exports no class with a method run" }]);
    }
    if (image !== undefined) this.#fresh = { key: imageKey({ tenant, version: "", limits }), text, image };
    return { text, classes: loaded.classes };
  }

  open(init: GuestInit, signal: AbortSignal): Guest | Promise<Guest> {
    const vm = this.#pool.take(pagesOf(init.limits), signal);
    return vm instanceof Promise ? vm.then((made) => this.#start(made, init)) : this.#start(vm, init);
  }

  close(): Promise<void> {
    this.#pool.close();
    this.#images.clear();
    this.#fresh = undefined;
    return Promise.resolve();
  }

  #start(vm: Vm, init: GuestInit): Guest {
    const { limits, prepared: { text } } = init;
    const key = imageKey(init);
    const image = this.#images.get(key) ?? this.#adopt(init, key);
    if (image !== undefined) {
      this.#restore(vm, image);
      vm.sources = tenantSources(text);
      return vmGuest(vm, { limits, pool: this.#pool });
    }
    const { loaded, image: made } = this.#load(vm, { text, limits });
    if (made !== undefined) {
      this.#images.set(key, made);
      return vmGuest(vm, { limits, pool: this.#pool });
    }
    this.#pool.discard(vm);
    return stillborn("death" in loaded && loaded.death !== undefined ? loaded.death : failedDeath("the code could not be loaded again"));
  }

  /** The image that `prepare` made, when the guest is of the same tenant, text and limits. */
  #adopt({ tenant, limits, prepared }: GuestInit, key: string): Image | undefined {
    const fresh = this.#fresh;
    if (fresh === undefined || fresh.key !== imageKey({ tenant, version: "", limits }) || fresh.text !== prepared.text) return undefined;
    this.#fresh = undefined;
    this.#images.set(key, fresh.image);
    return fresh.image;
  }

  #load(vm: Vm, { text, limits }: { readonly text: string; readonly limits: Limits }): { loaded: Loaded; image?: Image } {
    const { image } = this.#base as Base;
    this.#restore(vm, image);
    vm.sources = tenantSources(text);
    const loaded = loadModules(vm, decodePrepared(text), limits);
    if ("diagnostic" in loaded) return { loaded };
    return { loaded, image: captureImage(vm.machine, (this.#base as Base).factory.layout) };
  }

  #restore(vm: Vm, image: Image): void {
    try {
      restoreImage(vm.machine, (this.#base as Base).factory.layout, image);
    } catch (error) {
      this.#pool.discard(vm);
      throw error;
    }
  }

  async #loadBase(): Promise<Base> {
    return this.#base ??= await loadBase(this.#options);
  }
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

function pagesOf(limits: Limits): number {
  return Math.floor(limits.memoryBytes / PAGE_BYTES);
}

/** Images differ by what is set before a tenant's code runs. */
function imageKey({ tenant, version, limits }: { readonly tenant: string; readonly version: string; readonly limits: Limits }): string {
  return JSON.stringify([tenant, version, limits.stackBytes, pagesOf(limits)]);
}
