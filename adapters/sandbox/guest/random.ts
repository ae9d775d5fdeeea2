/**
 * Randomness from a seed, the same on every engine: version 1 of it, and a journal may depend on every bit.
 *
 * @module
 */
import { apply } from "./intrinsics.ts";

const { imul } = Math;
const charCodeAt = String.prototype.charCodeAt;
const Words = Uint32Array;

/** Numbers from 0 up to 1, for `Math.random`: fast, and no secret (sfc32, seeded by cyrb128). */
export function randomNumbers(seed: string): () => number {
  let a = 0x3c6ef372, b = 0x1b873593, c = 0x510e527f, d = 0x9b05688c;
  for (let i = 0; i < seed.length; i++) {
    const unit = apply(charCodeAt, seed, [i]) as number;
    a = b ^ imul(a ^ unit, 597399067);
    b = c ^ imul(b ^ unit, 2869860233);
    c = d ^ imul(c ^ unit, 951274213);
    d = a ^ imul(d ^ unit, 2716044179);
  }
  function next(): number {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  }
  for (let i = 0; i < 16; i++) next();
  return () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
}

/**
 * Bytes for `crypto`: a sponge over ChaCha's permutation of 20 rounds, of which 8 words are seen and 8 never are, so
 * that nobody can tell the next bytes (or the seed) from the ones before. As good a secret as its seed.
 */
export function randomBytes(seed: string): () => number {
  const state = new Words(16);
  // "expand 32-byte k": so that the permutation does not start at its fixed point.
  state[8] = 0x61707865;
  state[9] = 0x3320646e;
  state[10] = 0x79622d32;
  state[11] = 0x6b206574;
  state[12] = seed.length;
  for (let i = 0; i < seed.length; i++) {
    const unit = apply(charCodeAt, seed, [i]) as number;
    const word = (i >> 1) & 7;
    state[word] = (state[word] as number) ^ (i & 1 ? unit << 16 : unit);
    if ((i & 15) === 15) permute(state);
  }
  permute(state);
  let at = 0;
  return () => {
    if (at === 32) {
      permute(state);
      at = 0;
    }
    const byte = ((state[at >> 2] as number) >>> ((at & 3) * 8)) & 255;
    at++;
    return byte;
  };
}

function permute(s: Uint32Array): void {
  for (let round = 0; round < 10; round++) {
    quarter(s, 0, 4, 8, 12);
    quarter(s, 1, 5, 9, 13);
    quarter(s, 2, 6, 10, 14);
    quarter(s, 3, 7, 11, 15);
    quarter(s, 0, 5, 10, 15);
    quarter(s, 1, 6, 11, 12);
    quarter(s, 2, 7, 8, 13);
    quarter(s, 3, 4, 9, 14);
  }
}

function quarter(s: Uint32Array, i: number, j: number, k: number, l: number): void {
  let a = s[i] as number, b = s[j] as number, c = s[k] as number, d = s[l] as number;
  a = (a + b) | 0;
  d = rotate(d ^ a, 16);
  c = (c + d) | 0;
  b = rotate(b ^ c, 12);
  a = (a + b) | 0;
  d = rotate(d ^ a, 8);
  c = (c + d) | 0;
  b = rotate(b ^ c, 7);
  s[i] = a;
  s[j] = b;
  s[k] = c;
  s[l] = d;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
