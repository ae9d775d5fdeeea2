/** Where something lies in a value, written as the expression that reads it. */

import { apply, stringify } from "./intrinsics.ts";
import type { Visit } from "./snapshot.ts";
import { cutToBytes } from "../utf8.ts";

const exec = RegExp.prototype.exec;
const identifier = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/;
const LONGEST_PATH = 900;

/**
 * The expression for `key` of the object visited, from the root on: `result.items[3].fn`.
 *
 * Ends when there is no key: then it is the object itself. At most about 1,000 characters, of which the last ones matter.
 */
export function pathOf(root: string, visit: Visit | undefined, key: string | number | undefined): string {
  let path = "";
  let holder = visit;
  let name = key;
  while (holder !== undefined) {
    if (name !== undefined) path = segment(holder, name) + path;
    if (path.length > LONGEST_PATH) return `${root}…${path}`;
    name = holder.key;
    holder = holder.parent;
  }
  return root + path;
}

function segment(holder: Visit, key: string | number): string {
  if (typeof key === "number") {
    if (holder.kind === "set") return `.values()[${key}]`;
    if (holder.kind !== "map") return `[${key}]`;
    if (key % 2 === 0) return `.keys()[${key / 2}]`;
    const mapKey = (holder.content as unknown[])[key - 1];
    return typeof mapKey === "string" ? `.get(${quoted(mapKey)})` : `.values()[${(key - 1) / 2}]`;
  }
  return apply(exec, identifier, [key]) === null ? `[${quoted(key)}]` : `.${key}`;
}

function quoted(key: string): string {
  const cut = cutToBytes(key, 64);
  return cut.length === key.length ? stringify(key) : `${stringify(cut)}…`;
}
