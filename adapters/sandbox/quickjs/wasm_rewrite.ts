/**
 * Rewrites a WebAssembly binary so that its mutable globals can be read and set from outside.
 *
 * The stack pointer is such a global. A build does not export it, and a guest that was stopped in the middle of a call
 * leaves it anywhere. Only appends exports, so nothing in the binary is numbered anew. Metering will be added here.
 *
 * @module
 */
import { SECTION, type WasmBinary, WasmReader, type WasmSection } from "./wasm_reader.ts";

/** A binary whose mutable globals are exports. */
export interface Rewritten {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Names of the exports that were added, by the index of the global. */
  readonly globals: ReadonlyMap<number, string>;
}

/** Exports every mutable global that the binary defines. */
export function exportGlobals(binary: WasmBinary): Rewritten {
  const exported = new Map<number, string>();
  for (const { index, mutable } of binary.globals) if (mutable) exported.set(index, `tenure.global.${index}`);
  const section = binary.sections.find(({ id }) => id === SECTION.export);
  if (section === undefined) throw new Error("Cannot rewrite the WebAssembly: it exports nothing");
  const body = withExports(binary.bytes, { section, exported });
  const before = binary.bytes.subarray(0, section.header + 1), after = binary.bytes.subarray(section.end);
  const bytes = concat([before, leb(body.length), body, after]);
  return { bytes, globals: exported };
}

function withExports(
  bytes: Uint8Array,
  { section, exported }: { readonly section: WasmSection; readonly exported: ReadonlyMap<number, string> },
): Uint8Array<ArrayBuffer> {
  const reader = new WasmReader(bytes);
  reader.at = section.start;
  const count = reader.leb();
  const parts: Uint8Array[] = [leb(count + exported.size), bytes.subarray(reader.at, section.end)];
  for (const [index, name] of exported) {
    const text = new TextEncoder().encode(name);
    parts.push(leb(text.length), text, new Uint8Array([3]), leb(index));
  }
  return concat(parts);
}

function leb(value: number): Uint8Array {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? low + 128 : low);
  } while (value > 0);
  return new Uint8Array(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
