/** Where something lies in a value, written as the expression that reads it. */

import { Special } from "./copying.ts";
import type { Copying } from "./copying.ts";
import { apply, isArray, keysOf, safeMap, stringify } from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import { cutToBytes } from "../utf8.ts";

type Key = string | number;

interface Way {
  readonly holder: object;
  readonly key: Key;
}

const exec = RegExp.prototype.exec;
const identifier = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/;
const LONGEST_PATH = 900;

/**
 * The path to where a copying is, and to `property` of what is there: `result.items[3].fn`.
 *
 * The copying keeps no way back, for it would pay for it every time; here the copies are looked through once. At most about
 * 1,000 characters, of which the last ones matter.
 */
export function pathTo(copying: Copying | undefined, root: string, property: Key | undefined): string {
  let path = property === undefined ? "" : typeof property === "number" ? `[${property}]` : named(property);
  let holder = copying?.holder;
  if (copying === undefined || holder === undefined) return root + path;
  if (copying.key !== undefined) path = segment(holder, copying.key) + path;
  const ways = waysBack(copying);
  for (let way = ways.get(holder); way !== undefined; way = ways.get(holder)) {
    path = segment(way.holder, way.key) + path;
    if (path.length > LONGEST_PATH) return `${root}…${path}`;
    holder = way.holder;
  }
  return root + path;
}

/** By copy, where the object was met first. */
function waysBack(copying: Copying): SafeMap<object, Way> {
  const ways = new safeMap<object, Way>();
  const first = copying.queue[0];
  const note = (holder: object, key: Key, held: unknown): void => {
    if (typeof held !== "object" || held === null || held === first || ways.get(held) !== undefined) return;
    ways.set(held, { holder, key });
  };
  const noteNamed = (holder: object, held: Bare | undefined): void => {
    if (held === undefined) return;
    const keys = keysOf(held);
    for (let i = 0; i < keys.length; i++) note(holder, keys[i] as string, held[keys[i] as string]);
  };
  for (let i = 0; i < copying.queue.length; i++) {
    const holder = copying.queue[i] as object;
    const items = holder instanceof Special ? holder.items : isArray(holder) ? holder : undefined;
    if (items === undefined) {
      noteNamed(holder, holder as Bare);
      continue;
    }
    for (let j = 0; j < items.length; j++) note(holder, j, items[j]);
    noteNamed(holder, copying.odd?.get(holder)?.names);
    if (!(holder instanceof Special)) continue;
    noteNamed(holder, holder.links);
    noteNamed(holder, holder.own);
  }
  return ways;
}

function segment(holder: object, key: Key): string {
  if (typeof key === "string") return named(key);
  if (!(holder instanceof Special)) return `[${key}]`;
  if (holder.kind === "boxed") return ".valueOf()";
  if (holder.kind === "set") return `.values()[${key}]`;
  if (key % 2 === 0) return `.keys()[${key / 2}]`;
  const mapKey = holder.items[key - 1];
  return typeof mapKey === "string" ? `.get(${quoted(mapKey)})` : `.values()[${(key - 1) / 2}]`;
}

function named(key: string): string {
  return apply(exec, identifier, [key]) === null ? `[${quoted(key)}]` : `.${key}`;
}

function quoted(key: string): string {
  const cut = cutToBytes(key, 64);
  return cut.length === key.length ? stringify(key) : `${stringify(cut)}…`;
}
