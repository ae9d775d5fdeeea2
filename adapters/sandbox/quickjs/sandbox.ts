/**
 * The adapter itself: code in, guests out.
 *
 * @module
 */
import { CodeError } from "../../../core/errors.ts";
import type { Limits } from "../../../core/limits.ts";
import type { Code, Guest, GuestCaps, GuestInit, Prepared, SandboxAdapter } from "../../../core/ports/guest.ts";
import type { PreparedModules } from "../prepare/modules.ts";
import { type Base, makeVm } from "./boot.ts";
import { failedDeath } from "./deaths.ts";
import { stillborn, vmGuest } from "./guest.ts";
import { captureImage, hasSoundHeap, type Image, restoreImage } from "./image.ts";
import { ImageCache } from "./image_cache.ts";
import { type Loaded, loadModules, loadShared } from "./load.ts";
import { PAGE_BYTES } from "./machine.ts";
import { VmPool } from "./pool.ts";
import { decodePrepared, encodePrepared, tenantSources } from "./sources.ts";
import type { Vm } from "./vm.ts";

/** How a sandbox is made. */
export interface QuickJSSandboxOptions {
  /** Compiles and boots the build; asked again when it failed. */
  readonly loadBase: () => Promise<Base>;
  readonly memoryBudgetBytes: number;
  readonly imageBudgetBytes: number;
}

/** Guests in QuickJS. */
export class QuickJSSandbox implements SandboxAdapter {
  readonly name: string = "quickjs";
  readonly caps: GuestCaps = { boundary: "wasm", mediated: true, hardKill: false, memoryCap: true, metered: false };
  readonly #options: QuickJSSandboxOptions;
  readonly #images: ImageCache;
  readonly #pool: VmPool;
  #loading: Promise<Base> | undefined;
  /** Set before the first VM is made. */
  #base: Base | undefined;
  /** The platform's own modules that much code brings, and the image of a VM in which they alone were evaluated. */
  #shared: { readonly modules: Readonly<Record<string, string>>; readonly main: string; image: Image | undefined } | undefined;
  /** What was prepared last, so that a first run does not evaluate its modules a second time. */
  #fresh: { readonly key: string; readonly text: string; readonly image: Image } | undefined;

  /** Loads nothing yet. */
  constructor(options: QuickJSSandboxOptions) {
    this.#options = options;
    this.#images = new ImageCache(options.imageBudgetBytes);
    this.#pool = new VmPool({
      budgetBytes: options.memoryBudgetBytes,
      make: async (pages) => makeVm(await this.#loadBase(), pages),
      isSound: (vm) => hasSoundHeap(vm.machine, this.#layout()),
    });
  }

  /** See the port. */
  async prepare(tenant: string, code: Code, limits: Limits): Promise<Prepared> {
    // Compiles beside what follows; what goes wrong is met again when a VM is made.
    this.#loadBase().catch(() => undefined);
    // TypeScript is stripped at deploy only: a process that runs what others deployed never loads the stripper.
    const { prepareModules } = await import("../prepare/modules.ts");
    const modules = prepareModules(code, limits);
    const text = encodePrepared(modules);
    const vm = await this.#pool.take({ tenant, pages: pagesOf(limits), signal: new AbortController().signal });
    const { loaded, image } = this.#load(vm, { modules, text, limits });
    if (image === undefined) this.#pool.discard(vm);
    else this.#pool.give(vm);
    if ("diagnostic" in loaded) throw new CodeError([loaded.diagnostic]);
    if (loaded.classes.length === 0) {
      throw new CodeError([{ file: modules.main, line: 0, column: 0, message: "it exports no class with a method run" }]);
    }
    if (image !== undefined) this.#fresh = { key: imageKey({ tenant, version: "", limits }), text, image };
    return { text, classes: loaded.classes };
  }

  /** See the port. */
  async warm(): Promise<void> {
    await this.#loadBase();
  }

  /** See the port. Of those that were told last. */
  share(modules: Readonly<Record<string, string>>, main: string): void {
    if (this.#shared?.modules !== modules) this.#shared = { modules, main, image: undefined };
  }

  /** See the port. At once when a VM is free and the version's image is warm. */
  open(init: GuestInit, signal: AbortSignal): Guest | Promise<Guest> {
    const vm = this.#pool.take({ tenant: init.tenant, pages: pagesOf(init.limits), signal });
    return vm instanceof Promise ? vm.then((made) => this.#start(made, init)) : this.#start(vm, init);
  }

  /** See the port. */
  close(): Promise<void> {
    this.#pool.close();
    this.#images.clear();
    this.#fresh = undefined;
    return Promise.resolve();
  }

  #start(vm: Vm, init: GuestInit): Guest {
    const { limits, prepared: { text } } = init;
    const key = imageKey(init);
    try {
      const image = this.#images.get(key) ?? this.#adoptFresh(init, key);
      if (image !== undefined) {
        restoreImage(vm.machine, this.#layout(), image);
        vm.sources = tenantSources(text);
        return vmGuest(vm, { limits, layout: this.#layout(), pool: this.#pool });
      }
      const { loaded, image: made } = this.#load(vm, { modules: decodePrepared(text), text, limits });
      if (made !== undefined) {
        this.#images.set(key, made);
        return vmGuest(vm, { limits, layout: this.#layout(), pool: this.#pool });
      }
      this.#pool.discard(vm);
      return stillborn("death" in loaded && loaded.death ? loaded.death : failedDeath("The code could not be loaded again"));
    } catch (error) {
      this.#pool.discard(vm);
      throw error;
    }
  }

  /** The image that `prepare` made, when the guest is of the same tenant, text and limits. */
  #adoptFresh({ tenant, limits, prepared }: GuestInit, key: string): Image | undefined {
    const fresh = this.#fresh;
    if (fresh?.key !== imageKey({ tenant, version: "", limits }) || fresh.text !== prepared.text) return undefined;
    this.#fresh = undefined;
    this.#images.set(key, fresh.image);
    return fresh.image;
  }

  /** Evaluates a version's modules in a VM; without an image the VM is not to be used again. */
  #load(
    vm: Vm,
    { modules, text, limits }: { readonly modules: PreparedModules; readonly text: string; readonly limits: Limits },
  ): { readonly loaded: Loaded; readonly image?: Image } {
    vm.sources = tenantSources(text);
    this.#restore(vm, modules);
    const loaded = loadModules(vm, modules, limits);
    if ("diagnostic" in loaded || !hasSoundHeap(vm.machine, this.#layout())) return { loaded };
    return { loaded, image: captureImage(vm.machine, this.#layout()) };
  }

  /** Puts a VM to where a version's modules can be evaluated: what all of them bring has been, then. */
  #restore(vm: Vm, { modules }: PreparedModules): void {
    const layout = this.#layout(), { image } = this.#base as Base, shared = this.#shared;
    if (shared === undefined || Object.entries(shared.modules).some(([name, source]) => !Object.hasOwn(modules, name) || modules[name] !== source)) {
      return restoreImage(vm.machine, layout, image);
    }
    if (shared.image === undefined) {
      restoreImage(vm.machine, layout, image);
      if (loadShared(vm, shared.main) && hasSoundHeap(vm.machine, layout)) shared.image = captureImage(vm.machine, layout);
    }
    restoreImage(vm.machine, layout, shared.image ?? image);
  }

  /** One base for all VMs: what they are reset to has to be what they were made of. */
  #loadBase(): Promise<Base> {
    return this.#loading ??= this.#options.loadBase().then(
      (base) => this.#base = base,
      (error) => {
        this.#loading = undefined;
        throw error;
      },
    );
  }

  #layout(): Base["factory"]["layout"] {
    return (this.#base as Base).factory.layout;
  }
}

function pagesOf(limits: Limits): number {
  return Math.floor(limits.memoryBytes / PAGE_BYTES);
}

/** Images differ by what is set before a tenant's code runs. */
function imageKey({ tenant, version, limits }: Pick<GuestInit, "tenant" | "version" | "limits">): string {
  return JSON.stringify([tenant, version, limits.stackBytes, pagesOf(limits)]);
}
