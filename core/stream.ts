/**
 * A stream as the result of a step: in what pieces it is stored, and what a journal holds of it.
 *
 * @module
 */

/** Bytes of every piece but the last. */
export const PIECE_BYTES: number = 256 * 1024;

/** Bytes that one chunk of a stream may have: Cloudflare's. */
export const MAX_CHUNK_BYTES: number = 16 * 2 ** 20;

/** What is known of a stored stream: with its instance and step, where its pieces are. They never change. */
export interface StoredStream {
  /** The life in which it was written: a restart at a later step keeps it. */
  readonly life: number;
  /** The attempt that wrote it. */
  readonly attempt: number;
  /** How many pieces it has. */
  readonly pieces: number;
  /** How many bytes. */
  readonly bytes: number;
}

/** What people are shown of a stream: `[stream, 3 pieces, 700,000 bytes]`. */
export function describeStream({ pieces, bytes }: Pick<StoredStream, "pieces" | "bytes">): string {
  return `[stream, ${counted(pieces, "piece")}, ${counted(bytes, "byte")}]`;
}

function counted(n: number, what: string): string {
  return `${String(n).replace(/\B(?=(\d{3})+$)/g, ",")} ${what}${n === 1 ? "" : "s"}`;
}
