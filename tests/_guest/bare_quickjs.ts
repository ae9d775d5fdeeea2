/**
 * A QuickJS guest as simple as can be (a context a guest, no limits, no images): what the prelude is tried in, apart
 * from the adapter that is made for use. Nothing is ever disposed: that aborts when a tenant's code left something
 * behind.
 */
import variant from "@jitl/quickjs-wasmfile-release-sync";
import { newQuickJSWASMModuleFromVariant, type QuickJSContext, type QuickJSHandle } from "quickjs-emscripten-core";
import { BUILTIN_MODULES } from "../../adapters/sandbox/guest/builtin_modules.ts";
import { PRELUDE } from "../../adapters/sandbox/guest/prelude.generated.ts";
import { prepareModules, type PreparedModules } from "../../adapters/sandbox/prepare/modules.ts";
import { resolveSpecifier } from "../../adapters/sandbox/prepare/names.ts";
import { CodeError } from "../../core/errors.ts";
import type { Guest, SandboxAdapter } from "../../core/ports/guest.ts";

type Engine = Awaited<ReturnType<typeof newQuickJSWASMModuleFromVariant>>;

/** A clock that the host sets, as the adapter made for use gives to QuickJS from beneath. */
const CLOCK = `{ const now = globalThis.__now; delete globalThis.__now; const D = Date;
  globalThis.Date = class Date extends D { constructor(...a) { a.length === 0 ? super(now()) : super(...a); } static now() { return now(); } };
  Object.defineProperty(D.prototype, "constructor", { value: globalThis.Date, writable: true, configurable: true }); }`;

// One for all, because Bun compiles WebAssembly for each anew.
let shared: Promise<Engine> | undefined;

/** Makes one. */
export async function bareQuickjs(): Promise<SandboxAdapter> {
  // Deno sees another type for the package's default export than tsc does.
  shared ??= newQuickJSWASMModuleFromVariant(variant as unknown as Parameters<typeof newQuickJSWASMModuleFromVariant>[0]);
  const engine = await shared;
  return {
    name: "bare quickjs",
    caps: { boundary: "wasm", mediated: true, hardKill: false, memoryCap: false, metered: false },
    async prepare(_tenant, code, limits) {
      const text = JSON.stringify(prepareModules(code, limits));
      const vm = boot(engine, text);
      const classes = JSON.parse(vm.classes()) as string[];
      return { text, classes };
    },
    open: (init): Guest => {
      const vm = boot(engine, init.prepared.text);
      return {
        turn: (text, time) => ({ out: vm.turn(text, time), state: "rest", fuel: 0, incarnation: 1 }),
        drop() {},
      };
    },
    close: () => Promise.resolve(),
  };
}

function boot(engine: Engine, text: string) {
  const { main, modules } = JSON.parse(text) as PreparedModules;
  const has = (name: string): boolean => Object.hasOwn(modules, name);
  const runtime = engine.newRuntime();
  runtime.setModuleLoader(
    (name) => BUILTIN_MODULES[name] ?? PRELUDE[name] ?? modules[name] ?? { error: new Error(`no module ${name}`) },
    (from, specifier) => resolveSpecifier(specifier, { from, has }) ?? specifier,
  );
  const vm = runtime.newContext();
  let out: string[] = [];
  let time: number | null = 0;
  vm.newFunction("__send", (handle) => void out.push(vm.getString(handle))).consume((f) => vm.setProp(vm.global, "__send", f));
  vm.newFunction("__now", () => vm.newNumber(time ?? Date.now())).consume((f) => vm.setProp(vm.global, "__now", f));
  vm.unwrapResult(vm.evalCode(CLOCK)).dispose();
  const builtins = ["prelude:0", ...Object.keys(BUILTIN_MODULES)].map((name) => `import ${JSON.stringify(name)};`).join("");
  evaluate(vm, builtins, "builtins.js");
  const tenure = vm.getProp(vm.global, "__tenure");
  vm.unwrapResult(vm.evalCode("delete globalThis.__tenure")).dispose();
  evaluate(vm, `export * from ${JSON.stringify(main)}; export { default } from ${JSON.stringify(main)};`, "entry.js", modules[main] as string)
    .consume((namespace) => call("main", namespace).dispose());

  function call(name: string, argument?: QuickJSHandle): QuickJSHandle {
    return vm.getProp(tenure, name).consume((method) => vm.unwrapResult(vm.callFunction(method, vm.undefined, ...(argument ? [argument] : []))));
  }
  return {
    classes: (): string => call("classes").consume((handle) => vm.getString(handle)),
    turn(frame: string, now: number | null): string[] {
      time = now;
      if (frame !== "") vm.newString(frame).consume((handle) => call("deliver", handle).dispose());
      const jobs = runtime.executePendingJobs();
      if (jobs.error) jobs.error.dispose();
      const sent = out;
      out = [];
      return sent;
    },
  };
}

/** Evaluates a module and gives its namespace. */
function evaluate(vm: QuickJSContext, source: string, name: string, probe?: string): QuickJSHandle {
  // `export { default }` of a module that has none is an error: ask the text, which is good enough here.
  const code = probe !== undefined && !/export default|as default/.test(probe) ? source.replace(/export \{ default \}.*/, "") : source;
  const result = vm.evalCode(code, name, { type: "module" });
  if (result.error) {
    const error = result.error.consume((handle) => vm.dump(handle)) as { name?: string; message?: string };
    throw new CodeError([{ file: name, line: 0, column: 0, message: `${error.name}: ${error.message}` }]);
  }
  vm.runtime.executePendingJobs();
  return result.value;
}
