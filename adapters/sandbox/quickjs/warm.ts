/**
 * Bringing a machine's heap into the CPU's caches before its guest runs again.
 *
 * A turn touches some hundred places all over its heap. Where other machines ran since, each of them waits for main
 * memory; read in order, the whole heap is there in a few microseconds, because that is what hardware foresees.
 *
 * @module
 */
import type { Layout } from "./layout.ts";
import type { Machine } from "./machine.ts";

/** A line of the cache, in words. */
const LINE = 16;
/** Of a larger heap a turn needs the least part: what every guest starts with, and its first objects. */
const MOST_BYTES = 512 * 1024;
/** What a turn uses of the stack. */
const STACK_BYTES = 8_192;

/** Reads it once. The answer means nothing; it is there because what nobody uses need not be read. */
export function warm(machine: Machine, { stackTop, breakAt }: Layout): number {
  const words = new Int32Array(machine.memory.buffer);
  const end = Math.min((words[breakAt >> 2] as number) >>> 0, stackTop + MOST_BYTES, words.length * 4) >> 2;
  let seen = 0;
  for (let i = (stackTop - STACK_BYTES) >> 2; i < end; i += LINE) seen |= words[i] as number;
  return seen;
}
