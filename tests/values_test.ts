import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { decode, encode, ValueError } from "../core/values.ts";
import { anyValue, graph, isomorphic, named } from "./_values/arbitraries.ts";

/** What came back. */
const carried = <T>(value: T): T => decode(encode(value)) as T;

/** The error of a value that cannot be stored. */
const refusal = (value: unknown): ValueError => assertThrows(() => encode(value), ValueError);

describe("encode", () => {
  it("writes what JSON can say as j and JSON", () => {
    assertEquals(encode({ id: "order-1", items: [1, "two", null, { ok: true }] }), 'j{"id":"order-1","items":[1,"two",null,{"ok":true}]}');
    assertEquals(encode("text"), 'j"text"');
    assertEquals(encode(1.5), "j1.5");
    assertEquals(encode(0), "j0");
    assertEquals(encode(1e21), "j1e+21");
    assertEquals(encode(true), "jtrue");
    assertEquals(encode(false), "jfalse");
    assertEquals(encode(null), "jnull");
    assertEquals(encode([]), "j[]");
    assertEquals(encode({}), "j{}");
  });

  it("writes undefined as u", () => {
    assertEquals(encode(undefined), "u");
  });

  // The format is stored: these texts may never change, and must be readable for ever.
  const golden: [string, unknown, string][] = [
    ["NaN", NaN, "x[[-2]]"],
    ["-0", -0, "x[[-5]]"],
    ["bigint", -255n, 'x[["-ff"]]'],
    ["undefined in an object", { a: undefined, b: 1 }, 'x[[0],"o",{"a":[-1],"b":1}]'],
    ["infinities", [Infinity, -Infinity], 'x[[0],"a",[[-3],[-4]]]'],
    ["Date", new Date(5), 'x[[0],"d",5]'],
    ["invalid Date", new Date(NaN), 'x[[0],"d",null]'],
    ["RegExp", /a\/b/gi, 'x[[0],"r",["a\\\\/b","gi"]]'],
    ["Map", new Map<unknown, unknown>([["a", 1], [{}, [2]]]), 'x[[0],"m",["a",1,[1],[2]],"o",{},"a",[2]]'],
    ["Set", new Set([1, "a"]), 'x[[0],"s",[1,"a"]]'],
    ["ArrayBuffer", new ArrayBuffer(2), 'x[[0],"b","AAA="]'],
    ["Uint8Array", new Uint8Array([0, 1, 2, 3]).subarray(1), 'x[[0],"t",["Uint8Array","AQID"]]'],
    ["DataView", new DataView(new ArrayBuffer(3), 1), 'x[[0],"v","AAA="]'],
    ["Error", new TypeError("t", { cause: 1n }), 'x[[0],"e",{"cause":["1"],"name":"TypeError","message":"t"}]'],
    ["error of a class", Object.assign(named(new Error("e"), "Mine"), { code: 7 }), 'x[[0],"e",{"name":"Mine","message":"e","own":{"code":7}}]'],
    ["AggregateError", new AggregateError([1], "a"), 'x[[0],"e",{"errors":[1],"name":"AggregateError","message":"a"},"a",[1]]'],
    ["boxed", Object("s"), 'x[[0],"p","s"]'],
    // deno-lint-ignore no-sparse-arrays
    ["holes", [1, , 3, ,], 'x[[0],"h",[4,null,0,1,2,3]]'],
    ["match", "abc".match(/b/), 'x[[0],"h",[1,{"index":1,"input":"abc","groups":[-1]},0,"b"]]'],
  ];
  for (const [name, value, expected] of golden) {
    it(`writes ${name} as it always has`, () => {
      assertEquals(encode(value), expected);
      assert(isomorphic(decode(expected), value));
    });
  }

  it("writes lone surrogates as escapes, so that the text is well-formed", () => {
    assertEquals(encode("a\ud800"), 'j"a\\ud800"');
    assertEquals(encode(new Set(["\udc00"])), 'x[[0],"s",["\\udc00"]]');
  });

  it("gives the same text for the same value", () => {
    fc.assert(fc.property(fc.oneof(anyValue, graph), (value) => {
      assertEquals(encode(value), encode(value));
    }));
  });

  it("gives the same text for what was decoded", () => {
    fc.assert(fc.property(fc.oneof(anyValue, graph), (value) => {
      assertEquals(encode(carried(value)), encode(value));
    }));
  });

  it("reads every property once", () => {
    let reads = 0;
    const counting = () => ({
      get a() {
        return ++reads;
      },
    });
    assertEquals(encode(counting()), 'j{"a":1}');
    assertEquals(encode([counting(), undefined]), 'x[[0],"a",[[1],[-1]],"o",{"a":2}]');
    const array = [0, 0];
    Object.defineProperty(array, 1, { get: () => ++reads, enumerable: true });
    assertEquals(encode(array), "j[0,3]");
  });

  it("does not ask toJSON", () => {
    const hidden = Object.defineProperty({ a: 1 }, "toJSON", { value: () => "no", enumerable: false });
    assertEquals(encode(hidden), 'j{"a":1}');
    assertEquals(encode({ toJSON: 5 }), 'j{"toJSON":5}');
    assertEquals(refusal({ toJSON: () => 5 }).path, "result.toJSON");
  });

  it("takes proxies for what they appear to be", () => {
    assertEquals(encode(new Proxy({ a: 1 }, {})), 'j{"a":1}');
    assertEquals(encode(new Proxy([1, 2], {})), "j[1,2]");
    const backwards = new Proxy({ a: [1], b: [new Date(0)], 7: {} }, { ownKeys: () => ["b", "a", "7"] });
    assert(isomorphic(carried(backwards), { 7: {}, b: [new Date(0)], a: [1] }));
    let length = 3;
    const shrinking = new Proxy([{}, {}, {}], { get: (target, key) => key === "length" ? length-- : Reflect.get(target, key) });
    assertEquals(decode(encode(shrinking)), [{}, {}]);
  });

  it("leaves out symbol keys, hidden properties and what is inherited", () => {
    const value = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", { value: 3, enumerable: false });
    assertEquals(encode(value), 'j{"a":1}');
  });
});

describe("decode", () => {
  it("gives back what was encoded", () => {
    fc.assert(fc.property(anyValue, (value) => {
      assert(isomorphic(carried(value), value));
    }), { numRuns: 1000 });
  });

  it("gives back any web of objects, cycles and sharing included", () => {
    fc.assert(fc.property(graph, (value) => {
      assert(isomorphic(carried(value), value));
    }), { numRuns: 1000 });
  });

  it("gives back JSON values like JSON", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      assertEquals(carried(value), value);
    }));
  });

  it("gives back every typed array, and only the bytes that it sees", () => {
    const buffer = new Uint8Array(64).map((_, i) => i * 37).buffer;
    const names = Object.getOwnPropertyNames(globalThis).filter((name) => /^(Big)?(Int|Uint|Float)\d+(Clamped)?Array$/.test(name));
    assert(names.length >= 11);
    for (const name of names) {
      const Class = (globalThis as unknown as Record<string, Uint8ArrayConstructor>)[name]!;
      const back = carried(new Class(buffer, 8, 3));
      assertStrictEquals(back.constructor, Class);
      assertEquals(String(back), String(new Class(buffer, 8, 3)));
      assertEquals(back.buffer.byteLength, 3 * Class.BYTES_PER_ELEMENT);
    }
  });

  it("gives back bytes of every length", () => {
    for (let length = 0; length < 10; length++) {
      const bytes = new Uint8Array(length).map((_, i) => 255 - i * 29);
      assertEquals(carried(bytes), bytes);
    }
    const many = new Uint8Array(100_001).map((_, i) => i * i);
    assertEquals(carried(many), many);
  });

  it("makes a subclass of a built-in class what it is built on", () => {
    const cases: [unknown, unknown][] = [
      [new (class M extends Map<string, number> {})([["a", 1]]), new Map([["a", 1]])],
      [new (class S extends Set<number> {})([1]), new Set([1])],
      [new (class D extends Date {})(5), new Date(5)],
      [new (class A extends Array<number> {})(1, 2), [1, 2]],
      [new (class U extends Uint8Array {})(2), new Uint8Array(2)],
      [Object.assign(Object.create(null), { a: 1n }), { a: 1n }],
    ];
    for (const [value, expected] of cases) {
      const back = carried(value);
      assertEquals(back, expected);
      assertStrictEquals(Object.getPrototypeOf(back), Object.getPrototypeOf(expected));
    }
  });

  it("gives back errors as their built-in class, with name, message, cause and data", () => {
    class PaymentDeclined extends RangeError {
      override name = "PaymentDeclined";
      status = 402;
      details = { at: new Date(1) };
      get computed() {
        return 1;
      }
    }
    const back = carried(new PaymentDeclined("no", { cause: new TypeError("inner") }));
    assertStrictEquals(Object.getPrototypeOf(back), Error.prototype);
    assertEquals([back.name, back.message, back.status, back.details], ["PaymentDeclined", "no", 402, { at: new Date(1) }]);
    assertInstanceOf(back.cause, TypeError);
    for (const Class of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
      const back = carried(new Class("m"));
      assertStrictEquals(Object.getPrototypeOf(back), Class.prototype);
      assertEquals(Object.keys(back), []);
      assertEquals(String(back), String(new Class("m")));
    }
    const several = carried(new AggregateError([new URIError("a"), 2n], "several"));
    assertInstanceOf(several, AggregateError);
    assertInstanceOf(several.errors[0], URIError);
    assertEquals(several.errors[1], 2n);
  });

  it("gives back errors of the platform and of old style as errors", () => {
    const aborted = carried(new DOMException("stop", "AbortError"));
    assertInstanceOf(aborted, Error);
    assertEquals([aborted.name, aborted.message], ["AbortError", "stop"]);
    const old = Object.create(Error.prototype, { name: { value: "Old" }, message: { value: "m" } });
    assertEquals(String(carried(old)), "Old: m");
    const odd = Object.assign(new Error(), { message: { toString: () => "object" }, name: 7 });
    assertEquals(String(carried(odd)), "7: object");
  });

  it("carries no stack, and shows none of this process", () => {
    const error = new Error("boom", { cause: new TypeError("why") });
    assert(!encode(error).includes("values_test"));
    const back = carried(error);
    assertEquals([back.stack, (back.cause as Error).stack], ["Error: boom", "TypeError: why"]);
  });

  it("takes over enumerable errors of other errors", () => {
    const invalid = Object.assign(new Error("invalid"), { errors: [{ field: "sku" }] });
    assertEquals(carried(invalid).errors, [{ field: "sku" }]);
    assertEquals(Object.keys(carried(invalid)), ["errors"]);
  });

  it("keeps __proto__ a key like any other", () => {
    for (const json of ['{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}', '{"a":[{"__proto__":null}]}']) {
      const value = JSON.parse(json);
      for (const back of [carried(value), carried([value, undefined])[0]]) {
        assertStrictEquals(JSON.stringify(back), json);
        assertStrictEquals(Object.getPrototypeOf(back), Object.prototype);
      }
    }
    const inError = Object.defineProperty(new Error("e"), "__proto__", { value: { polluted: 1 }, enumerable: true });
    const back = carried(inError);
    assertStrictEquals(Object.getPrototypeOf(back), Error.prototype);
    assertEquals(Object.getOwnPropertyDescriptor(back, "__proto__")?.value, { polluted: 1 });
    assertEquals(({} as { polluted?: unknown }).polluted, undefined);
  });

  it("makes plain objects without a prototype when asked to", () => {
    for (const value of [{ a: [{ b: 1 }] }, { a: [{ b: 1n }] }, JSON.parse('{"__proto__":{"a":1}}')]) {
      const back = decode(encode(value), { nullPrototype: true });
      const pending: unknown[] = [back];
      for (const held of pending) {
        if (typeof held !== "object" || held === null) continue;
        if (!Array.isArray(held)) assertStrictEquals(Object.getPrototypeOf(held), null);
        pending.push(...Object.values(held));
      }
      assert(isomorphic(back, value));
    }
  });

  it("reads values of another realm, and tells forged ones from real ones", () => {
    const foreign = runInNewContext(`({
      plain: { a: [1, { b: 2 }] }, map: new Map([["k", new Set([1])]]), date: new Date(5), pattern: /x/g, bytes: new Uint8Array([1, 2]),
      buffer: new ArrayBuffer(1), view: new DataView(new ArrayBuffer(2)), boxed: Object(5), big: 5n, holes: [, 1],
      error: new TypeError("t", { cause: new RangeError("r") }), several: new AggregateError([1], "s"),
    })`);
    const local = {
      plain: { a: [1, { b: 2 }] },
      map: new Map([["k", new Set([1])]]),
      date: new Date(5),
      pattern: /x/g,
      bytes: new Uint8Array([1, 2]),
      buffer: new ArrayBuffer(1),
      view: new DataView(new ArrayBuffer(2)),
      boxed: Object(5),
      big: 5n,
      // deno-lint-ignore no-sparse-arrays
      holes: [, 1],
      error: new TypeError("t", { cause: new RangeError("r") }),
      several: new AggregateError([1], "s"),
    };
    assert(isomorphic(carried(foreign), local));
    assertEquals(encode(runInNewContext("({ a: [1] })")), 'j{"a":[1]}');
    assertEquals(refusal(runInNewContext("new (class Money {})")).message.includes("an instance of Money"), true);

    const forge = (value: object, tag: string): object => Object.defineProperty(value, Symbol.toStringTag, { value: tag });
    for (const tag of ["Map", "Set", "Date", "Error", "RegExp", "ArrayBuffer", "Object", "Array", "Number"]) {
      assertEquals(encode(forge({ a: 1 }, tag)), 'j{"a":1}');
      assert(isomorphic([...carried(forge(new Map([["k", 1]]), tag) as Map<string, number>)], [["k", 1]]));
      assertEquals((carried(forge(new Date(7), tag)) as Date).getTime(), 7);
      assertInstanceOf(carried(forge(new TypeError("t"), tag)), TypeError);
      refusal(forge(new (class Money {})(), tag));
    }
  });
});
