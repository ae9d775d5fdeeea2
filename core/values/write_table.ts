/** The second half of encoding, for what JSON cannot say: writes a copy as a table. See table.ts for the format. */

import { HOLE, Special } from "./copying.ts";
import type { Oddities } from "./copying.ts";
import { bareArray, bareRecord, bigintDigits, isArray, keysOf, safeMap, stringify } from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import type { ErrorTexts } from "./specials.ts";
import * as table from "./table.ts";

/** The copies met so far, in the order of their numbers. */
interface Writing {
  readonly numbers: SafeMap<object, number>;
  readonly met: object[];
  readonly odd: SafeMap<object, Oddities> | undefined;
}

/** The table of `root`, a primitive or a copy, in which `odd` knows the arrays that are not full rows. */
export function writeTable(root: unknown, odd: SafeMap<object, Oddities> | undefined): string {
  const writing: Writing = { numbers: new safeMap(), met: new bareArray(), odd };
  const out = new bareArray<unknown>();
  let at = 0;
  out[at++] = slot(root, writing);
  for (let i = 0; i < writing.met.length; i++) {
    const copy = writing.met[i] as object;
    if (copy instanceof Special) {
      out[at++] = table.TAGS[copy.kind];
      out[at++] = specialPayload(copy, writing);
    } else if (!isArray(copy)) {
      out[at++] = table.OBJECT;
      out[at++] = named(copy as Bare, writing);
    } else {
      const odd = writing.odd?.get(copy);
      out[at++] = odd === undefined ? table.ARRAY : table.SPARSE;
      out[at++] = odd === undefined ? listed(copy, writing) : sparse(copy, odd, writing);
    }
  }
  return stringify(out);
}

function slot(value: unknown, writing: Writing): unknown {
  switch (typeof value) {
    case "number":
      if (value - value === 0) return value === 0 && 1 / value < 0 ? reference(table.MINUS_ZERO) : value;
      return reference(value > 0 ? table.INFINITE : value < 0 ? table.MINUS_INFINITE : table.NOT_A_NUMBER);
    case "undefined":
      return reference(table.UNDEFINED);
    case "bigint":
      return reference(bigintDigits(value));
    case "object":
      return value === null ? null : reference(numberOf(value, writing));
    default:
      return value;
  }
}

function reference(to: number | string): unknown[] {
  const slot = new bareArray<unknown>();
  slot[0] = to;
  return slot;
}

// Numbered here and not when they were copied: a proxy may list its keys in any order, a copy and its reader may not.
function numberOf(copy: object, writing: Writing): number {
  const known = writing.numbers.get(copy);
  if (known !== undefined) return known;
  const number = writing.met.length;
  writing.numbers.set(copy, number);
  writing.met[number] = copy;
  return number;
}

function specialPayload(special: Special, writing: Writing): unknown {
  switch (special.kind) {
    case "map":
    case "set":
      return listed(special.items, writing);
    case "boxed":
      return slot(special.items[0], writing);
    case "error": {
      const { name, message } = special.content as ErrorTexts;
      const payload = named(special.links as Bare, writing);
      payload.name = name;
      if (message !== undefined) payload.message = message;
      const own = named(special.own as Bare, writing);
      if (keysOf(own).length > 0) payload.own = own;
      return payload;
    }
    default:
      // A time, a text or a pair of texts. An invalid date is NaN, which JSON writes as null.
      return special.content;
  }
}

function listed(items: unknown[], writing: Writing): unknown[] {
  const out = new bareArray<unknown>();
  for (let i = 0; i < items.length; i++) out[i] = slot(items[i], writing);
  return out;
}

function named(items: Bare, writing: Writing): Bare {
  const out = new bareRecord();
  const keys = keysOf(items);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    out[key] = slot(items[key], writing);
  }
  return out;
}

function sparse(items: unknown[], odd: Oddities, writing: Writing): unknown[] {
  const out = new bareArray<unknown>();
  out[0] = items.length;
  // The reader meets the elements before the names, wherever they stand.
  let at = 2;
  for (let i = 0; i < items.length; i++) {
    if (items[i] === HOLE) continue;
    out[at++] = i;
    out[at++] = slot(items[i], writing);
  }
  out[1] = odd.names === undefined ? null : named(odd.names, writing);
  return out;
}
