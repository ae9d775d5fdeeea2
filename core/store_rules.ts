/**
 * What every row store checks and orders alike: which texts it takes, what a batch may hold, how keys sort.
 *
 * Guarantee: a batch that passes {@linkcode checkBatches} loses nothing in any of our stores. U+0000 and lone
 * surrogates are refused in every text, because SQLite, Postgres and UTF-8 itself would cut or replace them
 * without a word, and two different keys would become one.
 *
 * @module
 */
import { quote, TenureError } from "./errors.ts";
import type { Due, Head, InstanceKey, ShardBatch, StoreCaps } from "./ports/store.ts";
import { byteLength } from "./utf8.ts";

/** One text for the three parts of a key; injective, because no part may hold U+0000. */
export function keyText(key: InstanceKey): string {
  return key.tenant + "\0" + key.workflow + "\0" + key.id;
}

/** Compares two well-formed texts by their UTF-8 bytes, as databases do; `<` of JavaScript compares UTF-16 units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return byteRank(x) - byteRank(y);
  }
  return a.length - b.length;
}

/** The first text behind every text that starts with `prefix`, by their UTF-8 bytes; `null` when there is none. */
export function textBehind(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number);
  while (points.length > 0) {
    const last = points.pop() as number;
    if (last < 0x10ffff) return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return null;
}

/** Surrogates stand for U+10000 and up, which UTF-8 sorts behind U+E000…U+FFFF. */
function byteRank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** The order of {@linkcode Due}: wake, tenant, workflow, id. */
export function compareDue(a: Due, b: Due): number {
  return a.wake - b.wake || compareText(a.tenant, b.tenant) || compareText(a.workflow, b.workflow) ||
    compareText(a.id, b.id);
}

/** The order of {@linkcode Head} within a tenant: created, workflow, id. */
export function compareHead(a: Head, b: Head): number {
  return a.created - b.created || compareText(a.workflow, b.workflow) || compareText(a.id, b.id);
}

/** An error that says that what is stored, or what is to be stored, does not fit together. */
export function corrupt(message: string): TenureError {
  return new TenureError("corrupt", message);
}

/** Refuses a text that a store cannot keep as it is. */
export function checkText(what: string, text: string): void {
  if (typeof text !== "string") throw invalid(what, text, "not a text");
  if (text.includes("\0")) throw invalid(what, text, "holds U+0000");
  if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed()) {
    throw invalid(what, text, "holds half a character");
  }
}

/** Refuses an integer that a store cannot keep exactly. */
export function checkInteger(what: string, value: number): void {
  if (!Number.isSafeInteger(value)) throw invalid(what, value, "not a safe integer");
}

/** Refuses a shard that a store does not have. */
export function checkShard(shard: number, shards: number): void {
  if (!Number.isInteger(shard) || shard < 0 || shard >= shards) {
    throw invalid("shard", shard, `the store has ${shards}, counted from 0`);
  }
}

/** Refuses a key with an unfit part. */
export function checkInstanceKey(key: InstanceKey): void {
  checkText("tenant", key.tenant);
  checkText("workflow", key.workflow);
  checkText("id", key.id);
}

/** Refuses batches that a store cannot keep whole, before anything is written. */
export function checkBatches(batchId: string, batches: readonly ShardBatch[], caps: StoreCaps, shards: number): void {
  checkText("batch id", batchId);
  const texts: string[] = [];
  let ops = 0;
  let units = 0;
  function value(what: string, text: string): void {
    checkText(what, text);
    checkSize(what, text, caps.maxValue);
    texts.push(text);
    units += text.length;
  }
  for (const batch of batches) {
    checkShard(batch.shard, shards);
    ops += batch.drops.length + batch.heads.length + batch.appends.length + batch.cells.length + batch.acks.length;
    for (const key of batch.drops) checkInstanceKey(key);
    for (const head of batch.heads) {
      checkInstanceKey(head);
      checkText("status", head.status);
      if (head.wake !== null) checkInteger("wake", head.wake);
      checkInteger("created", head.created);
      if (head.ended !== null) checkInteger("ended", head.ended);
      value("data", head.data);
    }
    for (const append of batch.appends) {
      checkInstanceKey(append.key);
      checkInteger("seq", append.seq);
      if (!(Number.isSafeInteger(append.count) && append.count > 0)) {
        throw invalid("count", append.count, "not a count");
      }
      value("journal text", append.text);
    }
    for (const cell of batch.cells) {
      checkText("cell key", cell.key);
      if (cell.value !== null) value("cell", cell.value);
    }
    for (const ack of batch.acks) {
      checkText("message key", ack.key);
      checkInteger("at", ack.at);
      value("outcome", ack.outcome);
    }
  }
  if (batches.length > caps.fencesPerCommit) {
    throw tooLarge("batch", `${batches.length} shards where the store takes ${caps.fencesPerCommit}`);
  }
  if (ops > caps.maxOps) throw tooLarge("batch", `${ops} operations where the store takes ${caps.maxOps}`);
  if (units * 3 <= caps.maxBytes) return;
  const bytes = texts.reduce((sum, text) => sum + byteLength(text), 0);
  if (bytes > caps.maxBytes) throw tooLarge("batch", `${bytes} bytes where the store takes ${caps.maxBytes}`);
}

/** Refuses a message that a store cannot keep. */
export function checkMessage(message: { readonly key: string; readonly body: string }, caps: StoreCaps): void {
  checkText("message key", message.key);
  checkText("message", message.body);
  checkSize("message", message.body, caps.maxValue);
}

function checkSize(what: string, text: string, most: number): void {
  // A UTF-16 unit is at most three bytes, so nearly no text has to be measured.
  if (text.length * 3 <= most) return;
  const bytes = byteLength(text);
  if (bytes > most) throw tooLarge(what, `${bytes} bytes where the store takes ${most}`);
}

function invalid(what: string, value: unknown, reason: string): TenureError {
  return new TenureError("invalid_argument", `Cannot store the ${what} ${quote(value)}: ${reason}`);
}

function tooLarge(what: string, reason: string): TenureError {
  return new TenureError("too_large", `Cannot store the ${what}: ${reason}`);
}
