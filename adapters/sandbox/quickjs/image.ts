/**
 * The image of a machine at rest, and putting a machine back to one.
 *
 * Guarantees that after {@linkcode restoreImage} nothing of what ran before is left: static data and heap are the
 * image's, the stack is zero (at rest nothing on it is alive), the heap beyond the image's is zero up to where the
 * allocator ever handed anything out, and the mutable globals are the image's.
 *
 * Trusts the word of the allocator that says how far that is, and that beyond the engine's own limit, where a tenant
 * has no say in what lies on the stack, no frame is {@linkcode STACK_GAP} zero bytes long. Both are the machine's: a
 * tenant who breaks the engine could leave bytes elsewhere, which nobody can read without breaking it again.
 *
 * @module
 */
import type { Layout } from "./layout.ts";
import type { Machine } from "./machine.ts";

/** A machine's memory and globals at rest. */
export interface Image {
  /** From 0 to the end of the static data. */
  readonly data: Uint8Array;
  /** From the start of the heap to the last byte that is not zero. */
  readonly heap: Uint8Array;
  readonly globals: readonly number[];
  /** Size of the memory that the heap needs. */
  readonly memoryBytes: number;
  /** The engine's own limit of its stack. */
  readonly stackBytes: number;
}

/** Bytes of stack that are wiped at a time below the limit: functions that do not look at the limit end there. */
const STACK_BLOCK = 32_768;
/** Zero bytes below what was wiped, by which the end of what was used is known. */
const STACK_GAP = 16_384;

/** Copies a machine at rest. */
export function captureImage(machine: Machine, layout: Layout): Image {
  const bytes = machine.bytes();
  let end = breakOf(bytes, layout);
  while (end > layout.stackTop && bytes[end - 1] === 0) end--;
  return {
    data: bytes.slice(0, layout.dataEnd),
    heap: bytes.slice(layout.stackTop, end),
    globals: machine.globals.map((global) => global.value),
    memoryBytes: bytes.length,
    stackBytes: machine.stackBytes,
  };
}

/** Bytes that an image takes in the host. */
export function imageBytes(image: Image): number {
  return image.data.length + image.heap.length;
}

/** Puts a machine back to an image. Throws when that cannot be done wholly: then it has to be dropped. */
export function restoreImage(machine: Machine, layout: Layout, image: Image): void {
  if (machine.bytes().length < image.memoryBytes) machine.grow(image.memoryBytes);
  const bytes = machine.bytes();
  const end = breakOf(bytes, layout);
  const imageEnd = layout.stackTop + image.heap.length;
  if (imageEnd > bytes.length) throw new Error("Cannot restore the image: the memory is too small");
  bytes.set(image.data, 0);
  wipeStack(bytes, layout, machine.stackBytes);
  bytes.set(image.heap, layout.stackTop);
  if (end > imageEnd) bytes.fill(0, imageEnd, end);
  machine.globals.forEach((global, index) => global.value = image.globals[index] as number);
  machine.stackBytes = image.stackBytes;
  machine.outOfMemory = false;
}

/** Whether it can still be told what a machine's heap is; if not, only a guest that broke the engine can be the cause. */
export function hasSoundHeap(machine: Machine, layout: Layout): boolean {
  const bytes = machine.bytes();
  const end = breakWord(bytes, layout);
  return end >= layout.stackTop && end <= bytes.length;
}

function breakWord(bytes: Uint8Array, layout: Layout): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(layout.breakAt, true);
}

function breakOf(bytes: Uint8Array, layout: Layout): number {
  const end = breakWord(bytes, layout);
  if (end < layout.stackTop || end > bytes.length) throw new Error("Cannot tell where the heap of the machine ends");
  return end;
}

function wipeStack(bytes: Uint8Array, { dataEnd, stackTop }: Layout, limit: number): void {
  const words = new Int32Array(bytes.buffer);
  for (let top = stackTop, below = limit; top > dataEnd; below = 0) {
    const bottom = Math.max(dataEnd, top - below - STACK_BLOCK);
    bytes.fill(0, bottom, top);
    if (isZero(words, Math.max(dataEnd, bottom - STACK_GAP) >> 2, bottom >> 2)) return;
    top = bottom;
  }
}

// Eight words at a time, else this would be a fifth of a reset. What it reads beyond `to` has just been wiped.
function isZero(words: Int32Array, from: number, to: number): boolean {
  const at = (i: number): number => words[i] as number;
  for (let i = from; i < to; i += 8) {
    const some = at(i) | at(i + 1) | at(i + 2) | at(i + 3) | at(i + 4) | at(i + 5) | at(i + 6) | at(i + 7);
    if (some !== 0) return false;
  }
  return true;
}
