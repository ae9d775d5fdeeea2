/**
 * A tenant's modules in the host's realm: ECMAScript modules rewritten as functions, because a host that writes
 * nothing to its disk has no other way to import a text.
 *
 * @module
 */
import { transform } from "sucrase";
import { CodeError, type Diagnostic } from "../../../core/errors.ts";
import { resolveSpecifier } from "../prepare/names.ts";
import type { PreparedModules } from "../prepare/modules.ts";

/** What modules see beside the host's globals. */
export interface ModuleRoom {
  /** Exports of the builtin modules by specifier. */
  readonly builtins: Readonly<Record<string, object>>;
  /** Their `console`. */
  readonly console: object;
}

type Evaluate = (exports: object, require: (specifier: string) => object, console: object) => void;

/** Rewrites the modules as bodies of functions of `exports`, `require` and `console`. */
export function toFunctions(prepared: PreparedModules): string {
  const modules: Record<string, string> = Object.create(null);
  for (const [name, code] of Object.entries(prepared.modules)) {
    try {
      modules[name] = transform(code, { transforms: ["imports"], disableESTransforms: true, production: true }).code;
    } catch (error) {
      throw new CodeError([problem(name, error)]);
    }
  }
  return JSON.stringify({ main: prepared.main, modules });
}

/**
 * Evaluates what {@linkcode toFunctions} wrote and gives the exports of the main module.
 *
 * @throws {CodeError} when a module throws
 */
export function evaluate(text: string, room: ModuleRoom): object {
  const { main, modules } = JSON.parse(text) as { main: string; modules: Record<string, string> };
  const done = new Map<string, object>();
  const has = (name: string): boolean => Object.hasOwn(modules, name);

  function load(name: string): object {
    const known = done.get(name);
    if (known !== undefined) return known;
    const exports = {};
    // Before it runs: modules may import one another.
    done.set(name, exports);
    compile(name, modules[name] as string)(exports, (specifier) => {
      const found = resolveSpecifier(specifier, { from: name, has });
      if (found === undefined) throw new TypeError(`Cannot import "${specifier}" in ${name}: there is no such module`);
      return room.builtins[found] ?? load(found);
    }, room.console);
    return exports;
  }

  try {
    return load(main);
  } catch (error) {
    throw error instanceof CodeError ? error : new CodeError([problem(main, error)], { cause: error });
  }
}

function compile(name: string, code: string): Evaluate {
  try {
    return new Function("exports", "require", "console", `${code}\n//# sourceURL=tenure:${name}`) as Evaluate;
  } catch (error) {
    throw new CodeError([problem(name, error)], { cause: error });
  }
}

function problem(file: string, error: unknown): Diagnostic {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { file, line: 0, column: 0, message: `${name}: ${message}` };
}
