/**
 * Seeded chance: the same numbers on every runtime.
 *
 * @module
 */

/** A generator. */
export interface Random {
  /** An integer from 0 to `below - 1`. */
  int(below: number): number;
  /** True one time in `times`. */
  once(times: number): boolean;
  /** One of them. */
  pick<T>(from: readonly T[]): T;
}

/** Makes one of a seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function int(below: number): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * below);
  }
  return { int, once: (times) => int(times) === 0, pick: (from) => from[int(from.length)] as never };
}
