/**
 * What a QuickJS machine can reach of its host: a clock that we set, UTC, no environment, no exit, no timer.
 *
 * The names of a build's imports are minified, so they are known by their WebAssembly type, and by what they answer
 * where two have the same. Every type must occur exactly as often as in the build that this was written for.
 *
 * @module
 */
import { unknownBuild } from "./layout.ts";
import type { WasmImport } from "./wasm_reader.ts";

/** What the replaced imports need. */
export interface HostImports {
  /** The guest's time, ms. */
  now(): number;
  /** The machine's memory, as it is now. */
  words(): Int32Array;
  /** The allocator was refused. */
  outOfMemory(): void;
}

type Import = (...values: never[]) => unknown;

const TYPES: Readonly<Record<string, number>> = {
  "->f64": 1, // clock, ms
  "i64,i32->": 1, // localtime
  "i32,i32->i32": 2, // sizes of the environment, and the environment
  "i32,i32,i32,i32->": 2, // failed assertion, and time zone
  "->": 2, // abort, and a detail of exit
  "i32->": 1, // exit
  "i32,f64->i32": 1, // timer
  "i32->i32": 3, // more memory, close, and whether to interrupt
  "i32,i32,i32,i32->i32": 2, // write, and the name of a module
  "i32,i64,i32,i32->i32": 1, // seek
  "i32,i32,i32->i32": 1, // source of a module
  "i32,i32,i32,i32,i32->i32": 1, // call of a host function
  "i32,i32->": 1, // a host function is garbage
};

/**
 * Puts ours in the place of emscripten's; gives the function by which the memory grows to at least so many bytes.
 * Throws when the build's imports are not those that are known here.
 */
export function hookImports(
  functions: Record<string, unknown>,
  known: readonly WasmImport[],
  host: HostImports,
): (bytes: number) => void {
  checkTypes(known);
  const replace = (type: string, ours: Import): void => {
    for (const { name, type: its } of known) if (its === type) functions[name] = ours;
  };
  replace("->f64", () => host.now());
  replace("i64,i32->", (seconds: bigint, at: number) => writeTime(host.words(), { seconds, at }));
  replace("i32,i32->i32", (first: number, second: number) => {
    const words = host.words();
    words[first >> 2] = 0;
    words[second >> 2] = 0;
    return 0;
  });
  // After a failed assertion, abort and exit the compiler put a trap: to return means to trap. A time zone that is
  // never written stays what the memory holds: zero, which is UTC.
  for (const type of ["i32,i32,i32,i32->", "->", "i32->"]) replace(type, () => undefined);
  replace("i32,f64->i32", () => 0);
  return hookGrowth(functions, known, host);
}

/** Growing answers `false` to more than 2 GiB without trying; the other two of its type answer with numbers. */
function hookGrowth(
  functions: Record<string, unknown>,
  known: readonly WasmImport[],
  host: HostImports,
): (bytes: number) => void {
  const call = (name: string, bytes: number): unknown => (functions[name] as (bytes: number) => unknown)(bytes);
  const found = known.filter(({ type, name }) => type === "i32->i32" && call(name, 2 ** 31 + 1) === false);
  if (found.length !== 1) throw unknownBuild(`${found.length} imports grow the memory, expected one`);
  const { name } = found[0] as WasmImport;
  const grow = functions[name] as (bytes: number) => unknown;
  return functions[name] = (bytes: number) => {
    const grown = grow(bytes);
    if (grown !== true && grown !== 1) host.outOfMemory();
    return grown;
  };
}

function checkTypes(known: readonly WasmImport[]): void {
  const counts = new Map<string, number>();
  for (const { type } of known) counts.set(type, (counts.get(type) ?? 0) + 1);
  for (const type of new Set([...counts.keys(), ...Object.keys(TYPES)])) {
    const count = counts.get(type) ?? 0, expected = TYPES[type] ?? 0;
    if (count !== expected) throw unknownBuild(`it has ${count} imports of type ${type}, expected ${expected}`);
  }
}

/** The fields of C's `struct tm`. */
function writeTime(words: Int32Array, { seconds, at }: { readonly seconds: bigint; readonly at: number }): void {
  const date = new Date(Number(seconds) * 1000);
  const start = Date.UTC(date.getUTCFullYear(), 0, 1);
  const fields = [
    date.getUTCSeconds(),
    date.getUTCMinutes(),
    date.getUTCHours(),
    date.getUTCDate(),
    date.getUTCMonth(),
    date.getUTCFullYear() - 1900,
    date.getUTCDay(),
    Math.floor((date.getTime() - start) / 86_400_000),
    0, // no daylight saving time
    0, // no offset
  ];
  words.set(fields, at >> 2);
}
