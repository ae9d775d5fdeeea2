/**
 * The bytes of an object: a checksum, and what it is for.
 *
 * @module
 */
import { corrupt } from "../../../core/store_rules.ts";

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Puts a CRC-32 before a content. */
export function seal(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(content.length + 4);
  bytes.set(content, 4);
  new DataView(bytes.buffer).setUint32(0, crc32(content));
  return bytes;
}

/** Whether an object is all there. */
export function isWhole(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === crc32(bytes.subarray(4));
}

/** Takes the content out of an object. */
export function unseal(bytes: Uint8Array): Uint8Array {
  if (!isWhole(bytes)) throw corrupt("An object of the store is damaged");
  return bytes.subarray(4);
}

/** Seals a text. */
export function sealText(text: string): Uint8Array<ArrayBuffer> {
  return seal(new TextEncoder().encode(text));
}

/** Unseals a text. */
export function unsealText(bytes: Uint8Array): string {
  return new TextDecoder().decode(unseal(bytes));
}

function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) value = (TABLE[(value ^ (bytes[i] as number)) & 255] as number) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
