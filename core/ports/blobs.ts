/**
 * The Blobs port: bytes by tenant and SHA-256, for code and large values.
 *
 * @module
 */

/** Content-addressed bytes. What is put under a hash never changes; a reader checks the hash. */
export interface Blobs {
  /** Keeps `bytes`; durable when it returns. Putting the same again does nothing. */
  put(tenant: string, hash: string, bytes: Uint8Array): Promise<void>;
  /** Reads bytes, or `null`. */
  get(tenant: string, hash: string): Promise<Uint8Array | null>;
  /** Forgets bytes; of an unknown hash: does nothing. */
  delete(tenant: string, hash: string): Promise<void>;
}
