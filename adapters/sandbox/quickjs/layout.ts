/**
 * Where the parts of a QuickJS machine's memory lie.
 *
 * The linker puts static data first, then the stack (it grows down), then the heap (it grows up):
 *
 *     0 … dataEnd        static data, also the allocator's own words
 *     dataEnd … stackTop the stack
 *     stackTop … break   the heap; beyond the break nothing was ever handed out
 *
 * None of this is in the binary's interface, so each number is derived from the binary and checked; a build for which
 * a check fails is refused, because a reset that misses a byte would show it to the next tenant.
 *
 * @module
 */
import type { WasmBinary } from "./wasm_reader.ts";

/** Offsets in bytes. */
export interface Layout {
  /** End of the static data, where the stack may reach to. */
  readonly dataEnd: number;
  /** Where the stack starts, and the heap behind it. */
  readonly stackTop: number;
  /** The word that holds the end of the heap. */
  readonly breakAt: number;
}

/** With which the builds of quickjs-emscripten are linked. */
const STACK_BYTES = 5 * 2 ** 20;

/** Derives the layout. Throws when the binary is not laid out as described above. */
export function readLayout(binary: WasmBinary): Layout {
  const pointers = binary.globals.filter(({ mutable }) => mutable);
  const stackTop = pointers[0]?.initial;
  if (pointers.length !== 1 || stackTop === undefined) {
    throw unknownBuild(`it has ${pointers.length} mutable globals, expected the stack pointer alone`);
  }
  const lastData = Math.max(...binary.data.map(({ offset, bytes }) => offset + bytes.length));
  const dataEnd = stackTop - STACK_BYTES;
  // What has no initial value comes last and is not in the binary: a few KiB.
  if (dataEnd < lastData || dataEnd - lastData > 65_536) {
    throw unknownBuild(`its data ends at ${lastData}, its stack starts at ${stackTop}`);
  }
  const breaks = wordsEqual(binary, { value: stackTop, end: dataEnd });
  if (breaks.length !== 1) {
    throw unknownBuild(`${breaks.length} words point to the start of the heap, expected the allocator's alone`);
  }
  return { dataEnd, stackTop, breakAt: breaks[0] as number };
}

function wordsEqual(binary: WasmBinary, { value, end }: { readonly value: number; readonly end: number }): number[] {
  // Put together first: a segment may end inside a word, because zeros at its end are left out.
  const memory = new Uint8Array(end);
  for (const { offset, bytes } of binary.data) memory.set(bytes, offset);
  const view = new DataView(memory.buffer);
  const found: number[] = [];
  for (let at = 0; at + 4 <= end; at += 4) if (view.getUint32(at, true) === value) found.push(at);
  return found;
}

/** An error that says for which build the adapter is made, and in what this one differs. */
export function unknownBuild(reason: string): Error {
  const made = "The adapter is made for @jitl/quickjs-wasmfile-release-sync 0.32.0";
  return new Error(`Cannot use this build of QuickJS: ${reason}. ${made}`);
}
