/**
 * Objects in Deno KV: an entry that says what there is, and its bytes in pieces that fit into values.
 *
 * Guarantee: an object appears whole, by one transaction that checks that there is none. One that does not fit into a
 * transaction has its pieces written before, under a draft; the transaction that makes it an object takes the draft
 * away, so what a crash leaves is found by its draft and removed an hour later, and whoever slept for longer than that
 * is refused.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import { type Objects, splitKey } from "../log_store/objects.ts";

/** A part of a key. */
export type KvPart = string | number;

/** What is used of an entry. */
export interface KvEntryLike {
  /** Its key. */
  readonly key: readonly unknown[];
  /** What is there, or `null`. */
  readonly value: unknown;
  /** Its version; `null` where nothing is. */
  readonly versionstamp: string | null;
}

/** What is used of a transaction. */
export interface KvAtomicLike {
  /** Has it fail when a key has another version. */
  check(check: { key: KvPart[]; versionstamp: string | null }): KvAtomicLike;
  /** Writes. */
  set(key: KvPart[], value: unknown): KvAtomicLike;
  /** Removes. */
  delete(key: KvPart[]): KvAtomicLike;
  /** Does it. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** What is used of `Deno.Kv`. */
export interface DenoKvLike {
  /** Reads at most ten entries of one moment. */
  getMany(keys: KvPart[][]): Promise<readonly KvEntryLike[]>;
  /** Reads entries in the order of their keys. */
  list(selector: { prefix: KvPart[] }): AsyncIterable<KvEntryLike>;
  /** Begins a transaction. */
  atomic(): KvAtomicLike;
  /** Closes the connection. */
  close(): void;
}

/** What an object is. */
interface Entry {
  /** Number of pieces. */
  readonly pieces: number;
  /** Under which draft they were written; `""` for those of the transaction itself. */
  readonly draft: string;
}

/** Bytes of a value, below the limit of 64 KiB, which counts what a value is wrapped in. */
const PIECE = 60_000;
/** Pieces of one transaction, whose limits are 800 KiB and 1,000 changes. */
const AT_ONCE = 12;
/** How old a draft is when nobody can still be writing it, ms. */
const STALE = 3_600_000;

/** Opens a database, of which all keys begin with `prefix`, and removes what was never finished. */
export async function openKvObjects(kv: DenoKvLike, prefix: readonly string[], now: () => number = Date.now): Promise<Objects> {
  const entryKey = (key: string): KvPart[] => [...prefix, "entry", ...splitKey(key)];
  const pieceKey = (key: string, draft: string, n: number): KvPart[] => [...prefix, "piece", key, draft, n];
  const draftKey = (key: string, draft: string): KvPart[] => [...prefix, "draft", key, draft];

  for await (const { key: found, value } of kv.list({ prefix: [...prefix, "draft"] })) {
    const [key, draft] = found.slice(-2) as [string, string];
    const { pieces, at } = value as { readonly pieces: number; readonly at: number };
    if (now() - at > STALE) await removePieces(key, { pieces, draft });
  }

  /** Removes what a draft names, and the draft at the end, so that this can be broken off anywhere. */
  async function removePieces(key: string, { pieces, draft }: Entry): Promise<void> {
    // A writer that still comes finds that its draft is another.
    await must(kv.atomic().set(draftKey(key, draft), { pieces, at: 0 }));
    for (let first = 0; first < pieces; first += 500) {
      const some = kv.atomic();
      for (let n = first; n < Math.min(first + 500, pieces); n++) some.delete(pieceKey(key, draft, n));
      await must(some);
    }
    await must(kv.atomic().delete(draftKey(key, draft)));
  }

  function put(atomic: KvAtomicLike, key: string, draft: string, bytes: Uint8Array, first: number, pieces: number): KvAtomicLike {
    for (let n = first; n < pieces; n++) atomic.set(pieceKey(key, draft, n), bytes.slice(n * PIECE, (n + 1) * PIECE));
    return atomic;
  }

  async function putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const pieces = Math.ceil(bytes.length / PIECE);
    const absent = { key: entryKey(key), versionstamp: null };
    if (pieces <= AT_ONCE) {
      const whole = kv.atomic().check(absent).set(absent.key, { pieces, draft: "" });
      return (await put(whole, key, "", bytes, 0, pieces).commit()).ok;
    }
    const draft = crypto.randomUUID();
    const begun = { key: draftKey(key, draft), versionstamp: await must(kv.atomic().set(draftKey(key, draft), { pieces, at: now() })) };
    for (let n = 0; n < pieces; n += AT_ONCE) {
      await must(put(kv.atomic().check(begun), key, draft, bytes, n, Math.min(n + AT_ONCE, pieces)));
    }
    const end = kv.atomic().check(absent).check(begun);
    const { ok } = await end.set(absent.key, { pieces, draft }).delete(begun.key).commit();
    if (!ok) await removePieces(key, { pieces, draft });
    return ok;
  }

  async function get(key: string): Promise<Uint8Array | null> {
    for (;;) {
      // Most objects are one piece: then one look is enough.
      const [head, piece] = await kv.getMany([entryKey(key), pieceKey(key, "", 0)]);
      const entry = head?.value as Entry | null | undefined;
      if (entry === null || entry === undefined) return null;
      if (entry.draft === "" && entry.pieces === 1 && piece?.value instanceof Uint8Array) return new Uint8Array(piece.value);
      const found: Uint8Array[] = [];
      for await (const { value } of kv.list({ prefix: [...prefix, "piece", key, entry.draft] })) found.push(value as Uint8Array);
      if (found.length === entry.pieces) return join(found);
      // Removed while it was read: then the next look finds none.
      const [still] = await kv.getMany([entryKey(key)]);
      if (still?.versionstamp === head?.versionstamp) {
        throw new TenureError("corrupt", "Cannot read the store: pieces of an object are missing");
      }
    }
  }

  async function list(below: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { key } of kv.list({ prefix: entryKey(below).slice(0, -1) })) names.push(below + String(key.at(-1)));
    return names;
  }

  async function remove(key: string): Promise<void> {
    const [head] = await kv.getMany([entryKey(key)]);
    const entry = head?.value as Entry | null | undefined;
    if (entry === null || entry === undefined) return;
    const gone = kv.atomic().check({ key: entryKey(key), versionstamp: head?.versionstamp ?? null }).delete(entryKey(key));
    if (entry.draft === "") {
      for (let n = 0; n < entry.pieces; n++) gone.delete(pieceKey(key, "", n));
      await gone.commit();
    } else {
      const { ok } = await gone.set(draftKey(key, entry.draft), { pieces: entry.pieces, at: 0 }).commit();
      if (ok) await removePieces(key, entry);
    }
  }

  return { putIfAbsent, get, list, delete: remove };
}

async function must(atomic: KvAtomicLike): Promise<string> {
  const { ok, versionstamp } = await atomic.commit();
  if (!ok || versionstamp === undefined) throw new TenureError("storage_unavailable", 'Cannot write to "deno-kv": it refused');
  return versionstamp;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
