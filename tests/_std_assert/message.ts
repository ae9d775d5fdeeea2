/**
 * How values are shown when they differ: one property a line in a fixed order, the same text on every runtime,
 * so that a line diff points at what differs.
 *
 * @module
 */

/** Beyond this many cells the table of a diff costs more than it tells. */
const MAX_CELLS = 4_000_000;

/** A value as text, for people. */
export function format(value: unknown): string {
  return render(value, "", []);
}

/** The lines of two texts: `-` only in actual, `+` only in expected. */
export function diff(actual: string, expected: string): string {
  const a = actual.split("\n"), b = expected.split("\n");
  const lines = a.length * b.length > MAX_CELLS
    ? [...a.map((line) => `-   ${line}`), ...b.map((line) => `+   ${line}`)]
    : merge(a, b);
  return `\n    [Diff] Actual (-) / Expected (+)\n\n${lines.join("\n")}\n`;
}

/** Walks the table of longest common subsequences: what is common stays, the rest is marked. */
function merge(a: string[], b: string[]): string[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const down = common[(i + 1) * width + j]!, right = common[i * width + j + 1]!;
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(down, right);
    }
  }
  const lines: string[] = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`    ${a[i]}`);
      i++, j++;
    } else if (j >= b.length || i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!) {
      lines.push(`-   ${a[i++]}`);
    } else {
      lines.push(`+   ${b[j++]}`);
    }
  }
  return lines;
}

function render(value: unknown, indent: string, path: object[]): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "function") return `[Function ${value.name || "(anonymous)"}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (path.includes(value)) return "[Circular]";
  const inner = indent + "  ", deeper = [...path, value];
  const show = (item: unknown): string => render(item, inner, deeper);
  const block = (open: string, lines: string[], close: string): string =>
    lines.length === 0 ? open + close : `${open}\n${lines.map((line) => `${inner}${line},\n`).join("")}${indent}${close}`;
  if (value instanceof Date) return `Date ${Number.isNaN(value.getTime()) ? "(invalid)" : value.toISOString()}`;
  if (value instanceof RegExp || value instanceof URL) return `${nameOf(value)} ${String(value)}`;
  if (Array.isArray(value)) return block("[", Array.from(value, show), "]");
  if (value instanceof Set) return block(`Set(${value.size}) {`, Array.from(value, show).sort(), "}");
  if (value instanceof Map) {
    return block(`Map(${value.size}) {`, Array.from(value, ([key, item]) => `${show(key)} => ${show(item)}`).sort(), "}");
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = value as unknown as ArrayLike<unknown>;
    return `${nameOf(value)}(${items.length}) [${Array.from(items, String).join(", ")}]`;
  }
  const fields = Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key))
    .sort((a, b) => String(a) < String(b) ? -1 : 1)
    .map((key) => `${keyText(key)}: ${show(Reflect.get(value, key))}`);
  if (value instanceof Error) {
    if (value.cause !== undefined) fields.push(`[cause]: ${show(value.cause)}`);
    const head = `${nameOf(value)} ${JSON.stringify(value.message)}`;
    return fields.length === 0 ? head : block(`${head} {`, fields, "}");
  }
  const name = nameOf(value);
  return block(name === "Object" ? "{" : `${name} {`, fields, "}");
}

function nameOf(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  if (prototype === null) return "[null prototype]";
  return typeof prototype.constructor?.name === "string" ? prototype.constructor.name : "Object";
}

function keyText(key: PropertyKey): string {
  if (typeof key === "symbol") return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(String(key)) ? String(key) : JSON.stringify(key);
}
