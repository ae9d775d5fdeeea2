import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { decode, encode, ValueError } from "../core/values.ts";
import { anyValue, graph, isomorphic, text as someText } from "./_values/arbitraries.ts";

describe("decode() of text that a tenant made up", () => {
  /** Decodes, and lets through a refusal only. */
  const attempt = (text: string): void => {
    for (const nullPrototype of [false, true]) {
      try {
        const value = decode(text, { nullPrototype });
        // What can be read can be written again.
        encode(value);
      } catch (error) {
        assertInstanceOf(error, ValueError, `${text}: ${error}`);
        assertEquals(error.code, "malformed_value");
        assert(error.message.length < 200);
      }
    }
    for (const _ in {}) throw new Error("a prototype was polluted");
    assertEquals(({} as { x?: unknown }).x, undefined);
  };

  const malformed: [string, string][] = [
    ["nothing", ""],
    ["an unknown format", "y1"],
    ["no JSON", "j{"],
    ["JSON and more", "j1 2"],
    ["undefined and more", "u1"],
    ["no table", "x{}"],
    ["an empty table", "x[]"],
    ["half an object", 'x[[0],"o"]'],
    ["an unknown tag", 'x[[0],"z",{}]'],
    ["a tag that is a property of objects", 'x[[0],"constructor",{}]'],
    ["a tag that is no text", 'x[[0],["o"],{}]'],
    ["a slot out of range", 'x[[1],"o",{}]'],
    ["a slot below the constants", 'x[[-6],"o",{}]'],
    ["a slot that is a fraction", 'x[[0.5],"o",{}]'],
    ["a slot of two", 'x[[0,0],"o",{}]'],
    ["a slot of none", 'x[[],"o",{}]'],
    ["a slot that is an object", 'x[{"0":0},"o",{}]'],
    ["a reference ahead of its turn", 'x[[0],"a",[[2],[1]],"o",{},"o",{}]'],
    ["an object that nothing refers to", 'x[[0],"o",{},"o",{}]'],
    ["only objects that refer to one another", 'x[1,"a",[[1]],"a",[[0]]]'],
    ["an object that is an array", 'x[[0],"o",[]]'],
    ["an array that is an object", 'x[[0],"a",{"length":3}]'],
    ["a bigint of no digits", 'x[[""]]'],
    ["a bigint of a sign", 'x[["-"]]'],
    ["a bigint of other digits", 'x[["0x5"]]'],
    ["a bigint with a line break", 'x[["5\\n"]]'],
    ["a bigint too long", `x[["${"f".repeat(300_000)}"]]`],
    ["a date that is text", 'x[[0],"d","2020-01-01"]'],
    ["a date out of range", 'x[[0],"d",8640000000000001]'],
    ["a date between milliseconds", 'x[[0],"d",0.5]'],
    ["a pattern that is none", 'x[[0],"r",["(",""]]'],
    ["unknown flags", 'x[[0],"r",["a","q"]]'],
    ["a pattern too long", `x[[0],"r",["${"a".repeat(100_000)}",""]]`],
    ["a pattern without flags", 'x[[0],"r",["a"]]'],
    ["a map with half an entry", 'x[[0],"m",[1]]'],
    ["a map with a key twice", 'x[[0],"m",[1,2,1,3]]'],
    ["a set with a value twice", 'x[[0],"s",[1,1]]'],
    ["a map of text", 'x[[0],"m","ab"]'],
    ["base64 of a wrong length", 'x[[0],"b","AAA"]'],
    ["base64 with other letters", 'x[[0],"b","AA-_"]'],
    ["base64 with padding inside", 'x[[0],"b","A=AA"]'],
    ["base64 with bits in the padding", 'x[[0],"b","AB=="]'],
    ["base64 of padding", 'x[[0],"b","===="]'],
    ["bytes that are a number", 'x[[0],"b",1000000000]'],
    ["a typed array of an unknown class", 'x[[0],"t",["Array","AAAA"]]'],
    ["a typed array of a class of objects", 'x[[0],"t",["constructor","AAAA"]]'],
    ["a typed array of half an element", 'x[[0],"t",["Uint16Array","AA=="]]'],
    ["an error without a name", 'x[[0],"e",{}]'],
    ["an error whose name is an object", 'x[[0],"e",{"name":[1]},"o",{}]'],
    ["an error whose message is a number", 'x[[0],"e",{"name":"Error","message":1}]'],
    ["an error with a stack", 'x[[0],"e",{"name":"Error","own":{"stack":"s"}}]'],
    ["an error with a message twice", 'x[[0],"e",{"name":"Error","own":{"message":"s"}}]'],
    ["boxed null", 'x[[0],"p",null]'],
    ["boxed undefined", 'x[[0],"p",[-1]]'],
    ["a boxed object", 'x[[0],"p",[0]]'],
    ["a giant array of holes", 'x[[0],"h",[4294967295,null]]'],
    ["giant arrays of holes in all", `x[[0],"a",[[1],[2],[3]]${',"h",[400000,null]'.repeat(3)}]`],
    ["an array with an index out of order", 'x[[0],"h",[3,null,1,1,0,0]]'],
    ["an array with an index beyond its end", 'x[[0],"h",[3,null,3,1]]'],
    ["an array with an index that is a name", 'x[[0],"h",[3,null,"length",1]]'],
    ["an array with a name that is an index", 'x[[0],"h",[3,{"1":1}]]'],
    ["an array with a name that is its length", 'x[[0],"h",[3,{"length":4294967295}]]'],
    ["JSON too deep", `j${"[".repeat(201)}${"]".repeat(201)}`],
    ["JSON far too deep", `j${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["brackets without end", `j${"[".repeat(1_000_000)}`],
    ["a table too deep", `x[[0],${Array.from({ length: 201 }, (_, i) => `"a",[${i < 200 ? `[${i + 1}]` : ""}]`)}]`],
    ["JSON with too many entries", `j[${"0,".repeat(1_000_000)}0]`],
    ["a table with too many entries", `x[[0],"s",[${"0,".repeat(1_000_000)}0]]`],
  ];
  for (const [what, text] of malformed) {
    it(`refuses ${what}`, () => {
      const error = assertThrows(() => decode(text), ValueError);
      assertEquals([error.code, error.path], ["malformed_value", undefined]);
      assert(error.message.startsWith("Cannot read the stored value: "));
    });
  }

  it("refuses what is not text", () => {
    for (const value of [undefined, null, 1, {}, ["j1"], Object("j1"), Symbol("j1")]) {
      assertThrows(() => decode(value as string), ValueError);
    }
  });

  it("gives a value or a ValueError for any text", () => {
    fc.assert(fc.property(fc.constantFrom("", "j", "u", "x", "x["), fc.string({ unit: "binary" }), (head, tail) => attempt(head + tail)));
  });

  it("gives a value or a ValueError for any JSON", () => {
    fc.assert(fc.property(fc.constantFrom("j", "x"), fc.json(), (head, json) => attempt(head + json)));
  });

  it("gives a value or a ValueError for any table", () => {
    const slot = fc.oneof(fc.constantFrom<unknown>(1, "a", null, true), fc.integer({ min: -7, max: 6 }).map((to) => [to]), fc.constantFrom(["ff"], [[0]], [], {}));
    const named = fc.dictionary(fc.constantFrom("a", "__proto__", "name", "message", "cause", "errors", "own", "x"), slot, { maxKeys: 4 });
    const payload = fc.oneof(slot, fc.array(slot, { maxLength: 4 }), named, named.map((own) => ({ name: "Error", own })), fc.constantFrom(["Uint8Array", "AA=="], ["a", "g"], "AAAA", 5));
    const entry = fc.tuple(fc.constantFrom(..."oahmsdrebvtpz"), payload);
    fc.assert(fc.property(slot, fc.array(entry, { maxLength: 6 }), (root, entries) => attempt(`x${JSON.stringify([root, ...entries.flat(1)])}`)), { numRuns: 3000 });
  });

  it("gives a value or a ValueError for any damaged value", () => {
    const damage = fc.record({ at: fc.nat(), drop: fc.nat(3), put: fc.oneof(fc.constantFrom("[", "]", "{", "}", ",", '"', "0", "-", "9", "e"), someText) });
    fc.assert(fc.property(fc.oneof(anyValue, graph), fc.array(damage, { minLength: 1, maxLength: 3 }), (value, damages) => {
      let text = encode(value);
      for (const { at, drop, put } of damages) text = text.slice(0, at % (text.length + 1)) + put + text.slice(at % (text.length + 1) + drop);
      attempt(text);
    }), { numRuns: 2000 });
  });

  it("takes time in proportion to the text", () => {
    const hostile = [
      `x[["${"f".repeat(200_000)}"]]`,
      `x[[0],"a",[${"[0],".repeat(200_000)}[0]]]`,
      `x[[0],"r",["${"(a+)+".repeat(10_000)}$",""]]`,
      `j"${"\\u0000".repeat(200_000)}"`,
      `j[${'{"a":1},'.repeat(100_000)}1]`,
    ];
    for (const text of hostile) {
      const start = performance.now();
      decode(text);
      assert(performance.now() - start < 2000, text.slice(0, 20));
    }
  });
});

describe("the codec where built-ins were patched after it was loaded", () => {
  it("works as before", () => {
    const value = {
      list: [1, { a: 1n }],
      map: new Map([["k", new Set([1])]]),
      bytes: new Uint8Array([1, 2, 3]),
      error: new TypeError("t", { cause: /x/g }),
      big: -5n,
      date: new Date(5),
      boxed: Object("s"),
    };
    const plain = { a: [1, 2, { b: "c" }] };
    const expected = encode(value), expectedPlain = encode(plain);
    // Prepared before anything is patched, and without prototypes: what is patched is also what this test would use.
    const patches: { target: object; key: PropertyKey; evil: PropertyDescriptor; before: PropertyDescriptor | undefined }[] = [];
    const patch = (target: object, key: PropertyKey, evil: PropertyDescriptor): void => {
      const before = Object.getOwnPropertyDescriptor(target, key);
      if (before?.configurable === false) return;
      patches.push({ target, key, evil: Object.assign(Object.create(null), evil), before: before && Object.assign(Object.create(null), before) });
    };
    const ErrorClass = Error;
    const trap = (target: object, key: PropertyKey): void => {
      const used = (): never => {
        throw new ErrorClass(`a patched ${String(key)} was used`);
      };
      patch(target, key, { get: used, set: used, configurable: true, enumerable: true });
    };
    const typedArray = Object.getPrototypeOf(Uint8Array);
    const classes = [Array, Map, Set, Date, RegExp, ArrayBuffer, DataView, Error, TypeError, Number, String, Boolean, BigInt, Function, typedArray, Uint8Array];
    for (const { prototype } of classes) {
      // An error's name and message are inherited, and so part of the value.
      for (const key of Reflect.ownKeys(prototype)) if (!["constructor", "name", "message"].includes(String(key))) trap(prototype, key);
      for (const key of ["toJSON", "0", "1", "2", "3", "index"]) trap(prototype, key);
    }
    const statics: [object, string[]][] = [
      [Object, ["keys", "getPrototypeOf", "setPrototypeOf", "hasOwn", "defineProperty", "getOwnPropertyDescriptor", "freeze"]],
      [Array, ["isArray", "from"]],
      [JSON, ["parse", "stringify"]],
      [Reflect, ["apply"]],
      [Number, ["isInteger"]],
      [String, ["fromCharCode"]],
    ];
    for (const [holder, keys] of statics) for (const key of keys) trap(holder, key);
    for (const name of ["Map", "Set", "Date", "Error", "Array", "Object", "BigInt", "Uint8Array", "ArrayBuffer", "DataView", "RegExp"]) {
      patch(globalThis, name, { value: undefined, configurable: true, writable: true });
    }
    for (const key of ["0", "1", "toJSON", "get", "set", "enumerable", "value", "nullPrototype", "root", "cause", "polluted"]) trap(Object.prototype, key);
    const { defineProperty, deleteProperty } = Reflect;
    let text = "", textPlain = "", back: unknown, backPlain: unknown, thrown: unknown;
    try {
      for (let i = 0; i < patches.length; i++) defineProperty(patches[i]!.target, patches[i]!.key, patches[i]!.evil);
      text = encode(value);
      textPlain = encode(plain);
      back = decode(expected);
      backPlain = decode(expectedPlain, { nullPrototype: true });
    } catch (error) {
      thrown = error;
    } finally {
      for (let i = patches.length - 1; i >= 0; i--) {
        const { target, key, before } = patches[i]!;
        if (before === undefined) deleteProperty(target, key);
        else defineProperty(target, key, before);
      }
    }
    if (thrown !== undefined) throw thrown;
    assertEquals([text, textPlain], [expected, expectedPlain]);
    assert(isomorphic(back, value));
    assert(isomorphic(backPlain, plain));
  });
});
