/**
 * What is in a machine before any tenant's code: runtime, context, the prelude, the builtin modules.
 *
 * Booted once for a build. Every other machine starts as a copy of that one's memory, so the addresses found here hold
 * in all of them.
 *
 * @module
 */
import { BUILTIN_MODULES } from "../guest/builtin_modules.ts";
import { captureImage, type Image, restoreImage } from "./image.ts";
import { INITIAL_PAGES, type MachineFactory } from "./machine.ts";
import { PRELUDE_MAIN, preludeSources } from "./sources.ts";
import { type Entry, type Handles, SCRATCH_BYTES, Vm } from "./vm.ts";

/** A build that tenants' code can be put into. */
export interface Base {
  readonly factory: MachineFactory;
  readonly handles: Handles;
  /** Nothing of a tenant in it. */
  readonly image: Image;
}

/** Ours, and it is the same everywhere: nothing but a broken build can exceed it. */
const BOOT: Entry = { time: 0, cpuMs: 10_000, messages: 0, messageBytes: 0 };

/** QuickJS's own default; lowered to the tenant's before any of its code runs. */
const BOOT_STACK_BYTES = 262_144;

/**
 * Turns a thrown value into text, whatever it is: `[name, message, stack]`.
 * Takes what it uses before a tenant can replace it.
 */
const DESCRIBE = `(() => {
  const { stringify } = JSON, text = String, { apply } = Reflect, { slice } = String.prototype;
  const read = (get) => { try { return apply(slice, text(get() ?? ""), [0, 4000]); } catch { return ""; } };
  const field = (get) => stringify(read(get));
  return (e) => "[" + field(() => e.name) + "," + field(() => e.message ?? e) + "," + field(() => e.stack) + "]";
})()`;

/** Boots a build's first machine and keeps its image. */
export async function bootBase(factory: MachineFactory): Promise<Base> {
  const vm = new Vm();
  vm.machine = await factory.make({ maximumPages: INITIAL_PAGES, callbacks: vm.callbacks });
  const { value: handles, death } = vm.enter(BOOT, () => boot(vm));
  if (handles === undefined || death !== undefined) throw new Error(`Cannot boot QuickJS: ${death?.message}`);
  return { factory, handles, image: captureImage(vm.machine, factory.layout) };
}

/** Another VM, as the first one was after booting. */
export async function makeVm({ factory, handles, image }: Base, maximumPages: number): Promise<Vm> {
  const vm = new Vm();
  vm.handles = handles;
  vm.machine = await factory.make({ maximumPages, callbacks: vm.callbacks });
  restoreImage(vm.machine, factory.layout, image);
  return vm;
}

function boot(vm: Vm): Handles {
  const { ffi, malloc } = vm.machine;
  const runtime = ffi.QTS_NewRuntime();
  ffi.QTS_RuntimeSetMaxStackSize(runtime, BOOT_STACK_BYTES);
  ffi.QTS_RuntimeEnableInterruptHandler(runtime);
  ffi.QTS_RuntimeEnableModuleLoader(runtime, 1);
  const context = ffi.QTS_NewContext(runtime, 0);
  const places = { runtime, context, nothing: ffi.QTS_GetUndefined(), slot: malloc(8), scratch: malloc(SCRATCH_BYTES) };
  const none = places.nothing;
  vm.handles = { ...places, deliver: none, main: none, classes: none, describe: none };
  const evaluate = (code: string, module = false): number => {
    const result = vm.evaluate(code, { file: "<tenure>", module });
    if (vm.takeError(result) !== 0) throw new Error("the prelude threw");
    return result;
  };
  const name = ffi.QTS_NewString(context, vm.write("__send"));
  ffi.QTS_SetProp(context, ffi.QTS_GetGlobalObject(context), name, ffi.QTS_NewFunction(context, "__send", 1, false, 1));
  vm.sources = preludeSources();
  const modules = [PRELUDE_MAIN, ...Object.keys(BUILTIN_MODULES)];
  evaluate(modules.map((specifier) => `import ${JSON.stringify(specifier)};`).join(""), true);
  vm.pump();
  const handles = {
    ...places,
    deliver: evaluate("__tenure.deliver"),
    main: evaluate("__tenure.main"),
    classes: evaluate("__tenure.classes"),
    describe: evaluate(DESCRIBE),
  };
  evaluate("delete globalThis.__tenure");
  return handles;
}
