/**
 * UTF-8 lengths without `TextEncoder`, which a QuickJS guest does not have.
 * Every limit of Tenure counts UTF-8 bytes, so host and guest must count them alike.
 */

const apply = Reflect.apply;
// Bound, so that nobody can patch it; the fastest way of those in QuickJS.
const codeUnit: (text: string, index: number) => number = Function.prototype.call.bind(String.prototype.charCodeAt);
const slice = String.prototype.slice;
const exec = RegExp.prototype.exec;
const beyondAscii: RegExp = /[^\x00-\x7f]/;

/**
 * The number of bytes of `text` in UTF-8.
 *
 * A lone surrogate counts three bytes, as U+FFFD does, which is what `TextEncoder` writes in its place.
 * Linear in the length of the text, allocates nothing that grows with it, never throws.
 */
export function byteLength(text: string): number {
  const length = text.length;
  const first = apply(exec, beyondAscii, [text]) as { readonly index: number } | null;
  if (first === null) return length;
  let bytes = length;
  for (let i = first.index; i < length; i++) {
    const unit = codeUnit(text, i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // A pair is two units and four bytes: its second unit adds nothing of its own.
    if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < length && isLow(codeUnit(text, i + 1))) i++;
  }
  return bytes;
}

/**
 * The longest beginning of `text` that has at most `maxBytes` bytes in UTF-8.
 *
 * Never cuts a surrogate pair in two. Takes time in proportion to `maxBytes`, not to the text. Never throws.
 */
export function cutToBytes(text: string, maxBytes: number): string {
  // A UTF-16 unit is at most three bytes: what is this short need not be counted.
  if (text.length * 3 <= maxBytes) return text;
  let bytes = 0;
  let i = 0;
  while (i < text.length) {
    const unit = codeUnit(text, i);
    const pair = unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length && isLow(codeUnit(text, i + 1));
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : pair ? 4 : 3;
    if (bytes > maxBytes) return apply(slice, text, [0, i]);
    i += pair ? 2 : 1;
  }
  return text;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
