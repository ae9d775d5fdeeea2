/**
 * Streams in the store: cells of the shard, written in the same fenced batches as the journals that refer to them.
 *
 * Three kinds, so that nothing leaks and nothing has to be searched for: each **piece**; each **series** of pieces (what
 * one attempt wrote), small, by instance, says how many there are; and a **mark** of an instance some of whose series may
 * be nobody's. The mark is in the batch of an attempt's first piece, and in the one in which a life goes that has
 * streams. Whoever owns the shard then looks: what no journal refers to and no attempt is writing goes, and then the mark
 * does. A crash anywhere leaves a mark for the next owner.
 *
 * Not Blobs: these are found by content, so nobody could tell whose a piece is, and are not fenced, so an owner that was
 * taken over could write after the sweep.
 *
 * @module
 */
import { keyText } from "../ids.ts";
import type { Series } from "../execution/desk.ts";
import type { InstanceKey } from "../ports/store.ts";

/** What the marks' keys begin with. */
export const MARKS = "streams/mark/";

/** A mark: its cell. */
export function markOf(key: InstanceKey): { readonly key: string; readonly value: string } {
  const { tenant, workflow, id } = key;
  return { key: `${MARKS}${keyText(key)}`, value: JSON.stringify({ tenant, workflow, id }) };
}

/** What the keys of all that there is of streams begin with, of instances whose `keyText` begins with a text. */
export function streamPrefixes(text: string): readonly string[] {
  return [MARKS, "streams/series/", "streams/piece/"].map((kind) => kind + text);
}

/** Whose a mark is. */
export function markedBy(value: string): InstanceKey {
  return JSON.parse(value) as InstanceKey;
}

/** What the keys of an instance's series begin with: no id has a line break, so no other instance's do. */
export function seriesPrefix(key: InstanceKey): string {
  return `streams/series/${keyText(key)}\n`;
}

/**
 * The name of a series within its instance: never used twice.
 *
 * @param seed of the life, kept by a restart at a step, which raises the life's number; another one after a deletion, which does not
 */
export function seriesName(seed: string, { life, op, attempt }: Series): string {
  return `${seed} ${life} ${op} ${attempt}`;
}

/** The key of a piece. */
export function pieceCell(key: InstanceKey, series: string, n: number): string {
  return `streams/piece/${keyText(key)}\n${series} ${n}`;
}
