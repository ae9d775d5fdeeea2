/**
 * From the code that a platform hands over to plain JavaScript modules: names checked, sizes bounded, types stripped,
 * imports found to lead somewhere. Shared by the sandboxes; runs nothing of the tenant's.
 *
 * @module
 */
import { CodeError, type Diagnostic, quote } from "../../../core/errors.ts";
import type { Limits } from "../../../core/limits.ts";
import type { Code } from "../../../core/ports/guest.ts";
import { byteLength } from "../../../core/utf8.ts";
import { findImports } from "./imports.ts";
import { endingOf, refuseName, resolveSpecifier } from "./names.ts";
import { strip } from "./strip.ts";

/** Code as JavaScript. */
export interface PreparedModules {
  /** ECMAScript modules by the names under which they were deployed. */
  readonly modules: Readonly<Record<string, string>>;
  /** Name of the module whose exports are the workflows. */
  readonly main: string;
}

/** As many problems as a person reads. */
const MAX_DIAGNOSTICS = 20;

/**
 * Makes JavaScript modules of a tenant's code.
 *
 * Every line keeps its number, so that positions in errors of the result are positions in what was deployed.
 *
 * @throws {CodeError} naming up to twenty problems with file, line and column
 */
export function prepareModules(code: Code, limits: Pick<Limits, "codeBytes" | "modules">): PreparedModules {
  const sources = checkShape(code, limits);
  const diagnostics: Diagnostic[] = [];
  const scripts = new Map<string, string>();
  for (const [name, source] of sources) {
    const refusal = refuseName(name);
    if (refusal !== undefined) {
      diagnostics.push(at(quote(name), refusal));
      continue;
    }
    const nul = source.indexOf("\0");
    if (nul >= 0) {
      // Sandboxes in C end a text there.
      const line = source.slice(0, nul).split("\n").length;
      diagnostics.push({ file: name, line, column: 0, message: "the source has a NUL character" });
      continue;
    }
    const stripped = strip(name, source, endingOf(name) as string);
    if (stripped.ok) scripts.set(name, stripped.code);
    else diagnostics.push(stripped.diagnostic);
  }
  // Names are complete only now; a module that does not parse still exists.
  const has = (name: string): boolean => sources.has(name);
  for (const [name, script] of scripts) {
    if (diagnostics.length >= MAX_DIAGNOSTICS) break;
    for (const diagnostic of missingImports(name, script, { has, source: sources.get(name) as string })) {
      diagnostics.push(diagnostic);
    }
  }
  if (diagnostics.length > 0) throw new CodeError(diagnostics.slice(0, MAX_DIAGNOSTICS));
  return { modules: record(scripts), main: code.mainModule };
}

/** A record that holds any name, also `__proto__`, as plain data. */
function record(entries: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const modules = Object.create(null) as Record<string, string>;
  for (const [name, script] of entries) modules[name] = script;
  return modules;
}

function checkShape(code: Code, limits: Pick<Limits, "codeBytes" | "modules">): ReadonlyMap<string, string> {
  const refuse = (message: string, file = ""): never => {
    throw new CodeError([at(file, message)]);
  };
  const { mainModule, modules } = code as { mainModule: unknown; modules: unknown };
  if (typeof mainModule !== "string") refuse("mainModule is not a string");
  if (typeof modules !== "object" || modules === null) refuse("modules is not an object of sources by name");
  const entries = Object.entries(modules as object);
  if (entries.length > limits.modules) refuse(`it has ${entries.length} modules, at most ${limits.modules} are allowed`);
  let bytes = 0;
  for (const [name, source] of entries) {
    if (typeof source !== "string") refuse("its source is not a string", quote(name));
    bytes += byteLength(name) + byteLength(source);
  }
  if (bytes > limits.codeBytes) refuse(`it has ${bytes} bytes, at most ${limits.codeBytes} are allowed`);
  const sources = new Map<string, string>(entries);
  if (!sources.has(mainModule as string)) refuse(`the main module ${quote(mainModule)} is not among the modules`);
  return sources;
}

function missingImports(
  from: string,
  script: string,
  options: { readonly has: (name: string) => boolean; readonly source: string },
): Diagnostic[] {
  const missing: Diagnostic[] = [];
  const seen = new Set<string>();
  for (const { specifier, at: offset } of findImports(script)) {
    if (seen.has(specifier)) continue;
    seen.add(specifier);
    if (resolveSpecifier(specifier, { from, has: options.has }) !== undefined) continue;
    const relative = /^\.\.?(\/|$)/.test(specifier);
    const message = relative
      ? `there is no module ${quote(specifier)}`
      : `there is no module ${quote(specifier)}; a package has to be bundled into the code`;
    missing.push({ file: from, ...position(script, { offset, specifier, source: options.source }), message });
    if (missing.length === MAX_DIAGNOSTICS) break;
  }
  return missing;
}

/** Stripping keeps lines but not columns: the column is looked up in the line that was written. */
function position(
  script: string,
  site: { readonly offset: number; readonly specifier: string; readonly source: string },
): { line: number; column: number } {
  const before = script.slice(0, site.offset);
  const line = before.split("\n").length;
  const written = site.source.split("\n")[line - 1] ?? "";
  const column = Math.max(written.indexOf(`"${site.specifier}"`), written.indexOf(`'${site.specifier}'`)) + 1;
  return { line, column: column > 0 ? column : site.offset - before.lastIndexOf("\n") };
}

function at(file: string, message: string): Diagnostic {
  return { file, line: 0, column: 0, message };
}
