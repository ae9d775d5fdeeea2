/**
 * The records of what a commit appends: several look at them, and they are read once.
 *
 * @module
 */
import { type Record, readRecord } from "../../core/instance/records.ts";
import type { ShardBatch } from "../../core/ports/store.ts";

/** One line of a journal. */
export interface Line {
  readonly record: Record;
  readonly length: number;
}

const read = new WeakMap<ShardBatch["appends"][number], readonly Line[]>();

/** Reads them. */
export function linesOf(append: ShardBatch["appends"][number]): readonly Line[] {
  const known = read.get(append);
  if (known !== undefined) return known;
  const lines = append.text.split("\n").map((line): Line => ({ record: readRecord(line), length: line.length }));
  read.set(append, lines);
  return lines;
}
