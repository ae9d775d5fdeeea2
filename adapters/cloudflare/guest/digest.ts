/**
 * `crypto.subtle.digest` for guests whose engine has none. Nothing else of `crypto.subtle` is there.
 *
 * @module
 */
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

const HASHES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "MD5": md5,
  "SHA-1": sha1,
  "SHA-256": sha256,
  "SHA-384": sha384,
  "SHA-512": sha512,
};

const OTHERS = ["encrypt", "decrypt", "sign", "verify", "generateKey", "deriveKey", "deriveBits", "importKey", "exportKey", "wrapKey", "unwrapKey", "timingSafeEqual"];

/** Makes `crypto.subtle`. */
export function makeSubtle(): object {
  const subtle: Record<string, unknown> = {
    // async, so that what is wrong with an argument rejects
    // deno-lint-ignore require-await
    async digest(algorithm: string | { readonly name?: unknown }, data: ArrayBuffer | ArrayBufferView): Promise<ArrayBuffer> {
      const name = String(typeof algorithm === "object" && algorithm !== null ? algorithm.name : algorithm).toUpperCase();
      const hash = Object.hasOwn(HASHES, name) ? HASHES[name] : undefined;
      if (hash === undefined) throw named("NotSupportedError", `Cannot digest by "${name.slice(0, 60)}": there are ${Object.keys(HASHES).join(", ")}`);
      return hash(bytesOf(data)).slice().buffer as ArrayBuffer;
    },
  };
  for (const name of OTHERS) {
    subtle[name] = () => Promise.reject(named("NotSupportedError", `Cannot use crypto.subtle.${name}: only digest is there in this sandbox`));
  }
  return Object.freeze(subtle);
}

function bytesOf(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError("Cannot digest what is neither an ArrayBuffer nor a view of one");
}

function named(name: string, message: string): Error {
  return new DOMException(message, name);
}
