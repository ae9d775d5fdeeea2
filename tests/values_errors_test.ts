import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { byteLength } from "../core/utf8.ts";
import { decode, describeError, encode, encodeThrown } from "../core/values.ts";
import { named } from "./_values/arbitraries.ts";

describe("describeError", () => {
  it("tells name and message of an error", () => {
    assertEquals(describeError(new TypeError("no")), { name: "TypeError", message: "no" });
    assertEquals(describeError(named(new Error("no"), "Mine")), { name: "Mine", message: "no" });
    assertEquals(describeError(new DOMException("stop", "AbortError")), { name: "AbortError", message: "stop" });
    assertEquals(describeError({ name: "Foreign", message: "m" }), { name: "Foreign", message: "m" });
    assertEquals(describeError({ message: "m" }), { name: "Error", message: "m" });
    assertEquals(describeError(named(new Error("no"), "")), { name: "Error", message: "no" });
  });

  it("tells anything else that was thrown", () => {
    const cases: [unknown, string][] = [
      ["text", "text"],
      [5, "5"],
      [5n, "5"],
      [null, "null"],
      [undefined, "undefined"],
      [Symbol("s"), "Symbol(s)"],
      [{ code: 5 }, '{"code":5}'],
      [[1, 2], "[1,2]"],
      [new Map(), "[object Map]"],
    ];
    for (const [thrown, message] of cases) assertEquals(describeError(thrown), { name: "Error", message });
  });

  it("cuts texts to 128 and 4,096 bytes, between characters", () => {
    const { name, message } = describeError(named(new Error("€".repeat(100_000)), "😀".repeat(100)));
    assertEquals([name, message], ["😀".repeat(32), "€".repeat(1365)]);
    assertEquals(describeError("x".repeat(100_000)).message.length, 4096);
    assertEquals(describeError({ a: "x".repeat(100_000) }).message.length, 4096);
  });

  it("never throws, whatever was thrown", () => {
    const boom = () => {
      throw new Error("boom");
    };
    const hostile: unknown[] = [
      new Proxy({}, { get: boom, getPrototypeOf: boom, ownKeys: boom, has: boom }),
      new Proxy(new Error("e"), { get: boom, getPrototypeOf: boom }),
      new Proxy(() => 1, { get: boom }),
      Object.defineProperties(new Error("e"), { name: { get: boom }, message: { get: boom } }),
      Object.assign(new Error("e"), { name: { toString: boom }, message: { [Symbol.toPrimitive]: boom } }),
      Object.assign(new Error("e"), { name: Symbol("n"), message: Object.create(null) }),
      Object.create(null),
      { toString: boom },
      Object.assign(() => 1, { toString: boom }),
    ];
    for (const thrown of hostile) {
      const { name, message } = describeError(thrown);
      assertEquals([typeof name, typeof message], ["string", "string"]);
      encodeThrown(thrown);
    }
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (thrown) => {
      const { name, message } = describeError(thrown);
      assert(byteLength(name) <= 128 && byteLength(message) <= 4096);
    }));
  });
});

describe("encodeThrown", () => {
  it("writes what can be stored as encode does", () => {
    for (const thrown of [new TypeError("t", { cause: 1n }), "text", undefined, { code: 5 }]) assertEquals(encodeThrown(thrown), encode(thrown));
  });

  it("keeps name and message of an error that carries what cannot be stored", () => {
    const thrown = Object.assign(named(new Error("timed out"), "HttpError"), { request: { send: () => 1 } });
    const back = decode(encodeThrown(thrown)) as Error;
    assertInstanceOf(back, Error);
    assertEquals([back.name, back.message, Object.keys(back)], ["HttpError", "timed out", []]);
  });

  it("writes anything else as an error that tells it", () => {
    const back = decode(encodeThrown(Symbol("s"))) as Error;
    assertEquals([back.name, back.message], ["Error", "Symbol(s)"]);
  });
});
