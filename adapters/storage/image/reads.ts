/**
 * What is read of an image, in the orders that the port promises.
 *
 * @module
 */
import type { Due, DueQuery, FindQuery, Head, Image, InstanceKey, JournalPart } from "../../../core/ports/store.ts";
import { compareDue, compareHead, compareText, keyText } from "../../../core/store_rules.ts";
import type { Data, Shard } from "./data.ts";

/** Reads one instance. */
export function readImage(data: Data, number: number, key: InstanceKey, part?: JournalPart): Image | null {
  const row = data.rows.get(keyText(key));
  if (row === undefined || row.shard !== number) return null;
  const head = { ...row.head };
  if (part === undefined) return { head, journal: [...row.journal] };
  // the last text that begins at that record or before it
  let first = row.starts.length - 1;
  while (first > 0 && (row.starts[first] as number) > part.from) first--;
  return { head, journal: row.journal.slice(Math.max(0, first), first + part.texts), from: row.starts[first] ?? 0 };
}

/** Reads timers. */
export function readDue(shard: Shard, query: DueQuery): readonly Due[] {
  const { after, until, limit, from } = query;
  const found: Due[] = [];
  const behind = (e: Due) => e.wake <= after || (from !== undefined && compareDue(e, from) <= 0);
  for (const entry of shard.due.from(behind)) {
    if (entry.wake > until || found.length >= limit) break;
    found.push({ ...entry });
  }
  return found;
}

/** Reads heads. */
export function readHeads(data: Data, query: FindQuery): readonly Head[] {
  const { tenant, workflow, id, status, limit, from } = query;
  const behind = (head: Head) => from !== undefined && compareHead(head, from) <= 0;
  let heads: Iterable<Head> = [];
  if (workflow !== undefined && id !== undefined) {
    const row = data.rows.get(keyText({ tenant, workflow, id }));
    if (row !== undefined && !behind(row.head)) heads = [row.head];
  } else {
    heads = data.tenants.get(tenant)?.from(behind) ?? [];
  }
  const found: Head[] = [];
  for (const head of heads) {
    if (found.length >= limit) break;
    if (workflow !== undefined && head.workflow !== workflow) continue;
    if (id !== undefined && head.id !== id) continue;
    if (status !== undefined && head.status !== status) continue;
    found.push({ ...head });
  }
  return found;
}

/** Reads cells by prefix. */
export function readCells(
  shard: Shard,
  query: { readonly prefix: string; readonly after?: string; readonly limit: number },
): readonly { readonly key: string; readonly value: string }[] {
  const { prefix, after, limit } = query;
  const found: { key: string; value: string }[] = [];
  const behind = (key: string) => compareText(key, prefix) < 0 || (after !== undefined && compareText(key, after) <= 0);
  for (const key of shard.cellKeys.from(behind)) {
    if (!key.startsWith(prefix) || found.length >= limit) break;
    found.push({ key, value: shard.cells.get(key) as string });
  }
  return found;
}
