import { describe, it } from "node:test";
import {
  assert,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  AssertionError,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";
import * as standIn from "./_std_assert/mod.ts";

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
}

/** A value that contains itself. */
function cycle(name: string): unknown {
  const value: Record<string, unknown> = { name };
  value.self = value;
  return value;
}

const same: [string, unknown, unknown][] = [
  ["zeros of either sign", [0, -0], [-0, 0]],
  ["NaN", NaN, NaN],
  ["keys in another order", { a: 1, b: [2] }, { b: [2], a: 1 }],
  ["a null prototype and a plain object", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ["dates", new Date(5), new Date(5)],
  ["invalid dates", new Date(NaN), new Date(NaN)],
  ["regular expressions", /a/g, /a/g],
  ["URLs", new URL("https://a.test/b"), new URL("https://a.test/b")],
  ["sets in another order", new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1])],
  ["maps with keys that are objects", new Map([[{ k: 1 }, [1]]]), new Map([[{ k: 1 }, [1]]])],
  ["maps in another order", new Map([["a", 1], ["b", 2]]), new Map([["b", 2], ["a", 1]])],
  ["typed arrays", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["buffers", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
  ["cycles", cycle("a"), cycle("a")],
  ["instances of one class", new Point(1), new Point(1)],
  ["symbol keys", { [Symbol.for("s")]: 1 }, { [Symbol.for("s")]: 1 }],
];

const different: [string, unknown, unknown][] = [
  ["null and undefined", null, undefined],
  ["a number and its text", 1, "1"],
  ["a number and its bigint", 1, 1n],
  ["a key that is missing and one that is undefined", { a: undefined }, {}],
  ["undefined under different keys", { a: undefined }, { b: undefined }],
  ["an array and a longer one", [1], [1, undefined]],
  ["an array and an object like it", ["a"], { 0: "a" }],
  ["an instance and an object like it", new Point(1), { x: 1 }],
  ["dates", new Date(5), new Date(6)],
  ["flags of regular expressions", /a/, /a/g],
  ["sets of one size", new Set([1, 2]), new Set([1, 3])],
  ["values of a map", new Map([[1, 1]]), new Map([[1, 2]])],
  ["values under keys that are objects", new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 2]])],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["kinds of typed array", new Uint8Array([1]), new Int8Array([1])],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  ["cycles", cycle("a"), cycle("b")],
  ["errors of other messages", new Error("a"), new Error("b")],
  ["errors of other classes", new Error("a"), new TypeError("a")],
  ["functions", () => 1, () => 1],
];

describe("assertEquals()", () => {
  for (const [name, a, b] of same) {
    it(`accepts equal ${name}`, () => {
      assertEquals(a, b);
      assertEquals(b, a);
      assertThrows(() => assertNotEquals(a, b), AssertionError, "not to be");
    });
  }
  for (const [name, a, b] of different) {
    it(`refuses different ${name}`, () => {
      assertNotEquals(a, b);
      assertNotEquals(b, a);
      assertThrows(() => assertEquals(a, b), AssertionError, "Values are not equal");
    });
  }
  it("accepts an error and itself", () => {
    const error = new Error("a", { cause: new Point(1) });
    assertEquals({ error }, { error });
  });
  it("refuses to look into a WeakMap", () => {
    assertThrows(() => assertEquals(new WeakMap(), new WeakMap()), TypeError, "Cannot compare WeakMap instances");
  });
});

describe("equal()", () => {
  it("answers without throwing", () => {
    assert(equal({ a: [1] }, { a: [1] }));
    assertFalse(equal({ a: [1] }, { a: [2] }));
  });
});

describe("assertStrictEquals()", () => {
  it("tells zeros and references apart", () => {
    const value = {};
    assertStrictEquals(value, value);
    assertThrows(() => assertStrictEquals(0, -0), AssertionError, "not strictly equal");
    assertThrows(() => assertStrictEquals({}, {}), AssertionError, "not reference-equal");
  });
});

describe("assertThrows()", () => {
  it("gives the error that was thrown", () => {
    const error = new RangeError("too far");
    assertStrictEquals(assertThrows(() => thrower(error), RangeError, "far"), error);
    assertStrictEquals(assertThrows(() => thrower("text")), "text");
  });
  it("fails when nothing, another class or another message is thrown", () => {
    const failing = [
      () => assertThrows(() => 1),
      () => assertThrows(() => thrower(new Error("a")), TypeError),
      () => assertThrows(() => thrower(new TypeError("a")), TypeError, "b"),
      () => assertThrows(() => thrower("text"), Error),
    ];
    for (const attempt of failing) assertInstanceOf(caught(attempt), AssertionError);
  });
});

describe("assertRejects()", () => {
  it("gives the error that the promise rejected with", async () => {
    const error = new RangeError("too far");
    assertStrictEquals(await assertRejects(() => Promise.reject(error), RangeError, "far"), error);
    assertStrictEquals(await assertRejects(() => Promise.reject("text")), "text");
  });
  it("fails when nothing, another class or another message rejects, and when the function throws", async () => {
    await assertRejects(() => assertRejects(() => Promise.resolve(1)), AssertionError, "to reject");
    await assertRejects(() => assertRejects(() => Promise.reject(new Error("a")), TypeError), AssertionError, "instance of");
    await assertRejects(() => assertRejects(() => Promise.reject(new Error("a")), Error, "b"), AssertionError, "include");
    await assertRejects(() => assertRejects(() => Promise.reject("a"), Error), AssertionError, "non-Error");
    await assertRejects(() => assertRejects(() => thrower(new Error("a"))), AssertionError, "Function throws");
  });
});

describe("assertObjectMatch()", () => {
  it("ignores what only actual has, at every depth", () => {
    const actual = { a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }, 3], map: new Map([["k", { x: 1, y: 2 }]]), at: new Date(1) };
    assertObjectMatch(actual, { a: { b: 1 }, list: [{ x: 1 }] });
    assertObjectMatch(actual, { map: new Map([["k", { y: 2 }]]), at: new Date(1) });
    assertObjectMatch(new Point(1) as unknown as Record<string, unknown>, { x: 1 });
    assertObjectMatch(actual, {});
  });
  it("fails on a value that differs and on a key that is missing", () => {
    assertThrows(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }), AssertionError);
    assertThrows(() => assertObjectMatch({ a: 1 }, { a: 1, b: undefined }), AssertionError);
    assertThrows(() => assertObjectMatch({ a: [1] }, { a: [1, 2] }), AssertionError);
    assertThrows(() => assertObjectMatch({ at: new Date(1) }, { at: new Date(2) }), AssertionError);
  });
});

// The text of a message is our own, so this looks at the stand-in itself, also where the real package is linked.
describe("the message of a failed assertion", () => {
  it("shows the lines that differ, with the note of the test", () => {
    const actual = { list: [1, 2], name: "a" }, expected = { list: [1, 3], name: "a" };
    const error = assertThrows(() => standIn.assertEquals(actual, expected, "after the turn"), standIn.AssertionError);
    assertStringIncludes(error.message, "Values are not equal: after the turn\n");
    assertMatch(error.message, /^-.* 2,$/m);
    assertMatch(error.message, /^\+.* 3,$/m);
    assertMatch(error.message, /^ .*name: "a",$/m);
  });
  it("shows texts of several lines as they read", () => {
    const error = assertThrows(() => standIn.assertEquals("one\ntwo", "one\nthree"), standIn.AssertionError);
    assertMatch(error.message, /^ {4}one$/m);
    assertMatch(error.message, /^- {3}two$/m);
  });
  it("shows cycles, maps, bytes and causes", () => {
    const value = { a: cycle("x"), b: new Map([["k", new Uint8Array([1])]]), c: new Error("m", { cause: 5 }) };
    const { message } = assertThrows(() => standIn.assertEquals<unknown>(value, 1), standIn.AssertionError);
    for (const part of ["[Circular]", `"k" => Uint8Array(1) [1]`, "[cause]: 5"]) assertStringIncludes(message, part);
  });
});

describe("the other assertions", () => {
  it("accept what holds", () => {
    assert(1);
    assertFalse(0);
    assertExists("");
    assertMatch("abc", /b/);
    assertStringIncludes("abc", "b");
    assertInstanceOf(new Point(1), Point);
    assertGreater(2, 1);
    assertGreaterOrEqual(2, 2);
    assertLess(1n, 2n);
    assertLessOrEqual("a", "a");
  });
  it("refuse what does not", () => {
    const failing: (() => unknown)[] = [
      () => assert(0),
      () => assertFalse(1),
      () => assertExists(null),
      () => assertMatch("abc", /d/),
      () => assertStringIncludes("abc", "d"),
      () => assertInstanceOf({}, Point),
      () => assertGreater(1, 1),
      () => assertGreaterOrEqual(1, 2),
      () => assertLess(1, NaN),
      () => assertLessOrEqual(2, 1),
      () => fail("x"),
      () => unreachable(),
    ];
    for (const attempt of failing) assertInstanceOf(caught(attempt), AssertionError);
  });
});

function thrower(value: unknown): never {
  throw value;
}

function caught(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  return undefined;
}
