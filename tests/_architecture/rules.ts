/**
 * Who may import whom. A file imports its own room and what stands further down; never up, never sideways.
 *
 * @module
 */
import { posix } from "node:path";
import type { Import } from "./imports.ts";

/**
 * The rooms of `core/` from the top down. A folder is a room; every file and folder that is not listed belongs to the
 * leaves (values, durations, ids, limits, errors and the like), which may use one another.
 */
const CORE = ["tenure.ts", "tenant.ts", "workflow.ts", "workflow", "worker_loader.ts", "shard", "execution", "code", "instance", "(leaves)", "ports"];

/** Rooms of adapters that other adapters may use. */
const SHARED = ["adapters/cron", "adapters/sandbox/trusted", "adapters/storage/image", "adapters/storage/log_store", "adapters/storage/objects", "adapters/sandbox/guest", "adapters/sandbox/prepare"];

/** Folders whose children are adapters; any other child of `adapters/` is one adapter. */
const KINDS = ["storage", "sandbox"];

/** What is published as a library: the rules on runtimes and words hold here. */
const LIBRARY = /^(mod\.ts|core\/|adapters\/|testing\/)/;

/** Why a file may not have an import, if it may not. */
export function importFault(file: string, { specifier, typeOnly }: Import): string | undefined {
  if (!LIBRARY.test(file)) return undefined;
  if (/^(node|bun|cloudflare):/.test(specifier)) return runtimeFault(file, specifier);
  if (/^tenure(\/|$)/.test(specifier)) return `imports "${specifier}" by name: a source file imports a path`;
  if (!specifier.startsWith(".")) return file.startsWith("core/") ? `imports the library "${specifier}"` : undefined;
  const target = posix.join(posix.dirname(file), specifier);
  if (!specifier.endsWith(".ts")) return `imports "${specifier}" without its extension`;
  if (file.startsWith("core/")) return coreFault(file, target, typeOnly);
  if (file.startsWith("adapters/")) return adapterFault(file, target);
  // where the published tools for testing are joined with the adapters that they run on unless told otherwise
  if (file === "testing/adapters.ts") return undefined;
  if (file.startsWith("testing/") && !/^(core|testing)\//.test(target)) return `imports ${target}: testing/ uses core/ only`;
  return undefined;
}

function coreFault(file: string, target: string, typeOnly: boolean): string | undefined {
  if (!target.startsWith("core/")) return `imports ${target}: core/ uses nothing outside itself`;
  const from = coreRoom(file), to = coreRoom(target);
  if (from === to || CORE.indexOf(from) < CORE.indexOf(to)) return undefined;
  // A port is interfaces alone: a leaf's type in a signature of it makes nobody depend on the leaf's code.
  if (from === "ports" && to === "(leaves)" && typeOnly) return undefined;
  return `imports ${target}: ${from} stands below ${to}`;
}

function coreRoom(file: string): string {
  const room = file.split("/")[1]!;
  return CORE.includes(room) ? room : "(leaves)";
}

function adapterFault(file: string, target: string): string | undefined {
  if (target.startsWith("core/")) return undefined;
  if (!target.startsWith("adapters/")) return `imports ${target}: adapters/ use core/ only`;
  if (SHARED.some((room) => target.startsWith(`${room}/`) || target === `${room}.ts`)) return undefined;
  const own = adapterOf(file), other = adapterOf(target);
  if (own === other || own.startsWith(`${other}_`) || other.startsWith(`${own}_`)) return undefined;
  return `imports ${target}: adapters meet through options`;
}

/** `adapters/storage/sqlite`, for the file of that name, files that add to it (`sqlite_node.ts`) and all in its folder. */
function adapterOf(file: string): string {
  const parts = file.split("/");
  return parts.slice(0, KINDS.includes(parts[1]!) ? 3 : 2).join("/").replace(/\..*$/, "");
}

/** `node:` in `sqlite_node.ts`, in `node/` or in an adapter named after the very module is the point of the file. */
function runtimeFault(file: string, specifier: string): string | undefined {
  if (file.startsWith("core/")) return `imports "${specifier}": core/ names no runtime`;
  // A program that is started and never imported: it has arguments and an exit code.
  if (posix.basename(file) === "main.ts") return undefined;
  const names = file.replace(/\.ts$/, "").split(/[/._]/);
  const [runtime, module] = specifier.split(":") as [string, string];
  if (names.includes(runtime) || `_${names.join("_")}_`.includes(`_${module.replaceAll("/", "_")}_`)) return undefined;
  return `imports "${specifier}", but its path does not name ${runtime}`;
}

/** Words that are not used in what is published, and why. */
const WORDS: [RegExp, string][] = [
  [/(?<![.\w$])Buffer\b/, "Buffer: bytes are Uint8Array"],
  [/\benum\s+\w+\s*\{/, "enum: Node strips types and cannot strip this"],
];

/** What a source file, stripped of comments and texts, says that it may not. */
export function wordFaults(file: string, code: string): string[] {
  if (!LIBRARY.test(file)) return [];
  return WORDS.filter(([word]) => word.test(code)).map(([, why]) => `uses ${why}`);
}
