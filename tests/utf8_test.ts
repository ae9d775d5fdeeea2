import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { byteLength, cutToBytes } from "../core/utf8.ts";

describe("byteLength", () => {
  const encoder = new TextEncoder();

  it("counts as TextEncoder does", () => {
    for (const text of ["", "a", "é", "€", "😀", "\ud800", "\udc00", "\udc00\ud800", "a\ud83d", "\ud83dé", "x".repeat(1000) + "é"]) {
      assertEquals(byteLength(text), encoder.encode(text).length, JSON.stringify(text));
    }
    fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string(), (text, other) => {
      for (const each of [text, other, text + other, other + text]) assertEquals(byteLength(each), encoder.encode(each).length);
    }));
    const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
    fc.assert(fc.property(units, (text) => assertEquals(byteLength(text), encoder.encode(text).length)));
  });
});

describe("cutToBytes", () => {
  it("gives the longest beginning that fits, between characters", () => {
    assertEquals(cutToBytes("abc", 3), "abc");
    assertEquals(cutToBytes("abc", 2), "ab");
    assertEquals(cutToBytes("a€b", 3), "a");
    assertEquals(cutToBytes("😀😀", 7), "😀");
    assertEquals(cutToBytes("abc", 0), "");
    fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, max) => {
      const cut = cutToBytes(text, max);
      assert(text.startsWith(cut) && byteLength(cut) <= max);
      const next = String.fromCodePoint(text.codePointAt(cut.length) ?? 0);
      if (cut.length < text.length) assert(byteLength(cut + next) > max);
    }));
  });
});
