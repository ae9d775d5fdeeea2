import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { decode, encode, ValueError } from "../core/values.ts";
import { isomorphic } from "./_values/arbitraries.ts";

/** What came back. */
const carried = <T>(value: T): T => decode(encode(value)) as T;

/** The error of a value that cannot be stored. */
const refusal = (value: unknown): ValueError => assertThrows(() => encode(value), ValueError);

describe("encode() of what cannot be stored", () => {
  class Money {
    cents = 5;
  }
  const refused: [string, unknown, string, string][] = [
    ["function", () => 1, "result", "a function cannot be stored"],
    ["class", Money, "result", "a function cannot be stored"],
    ["symbol", Symbol("s"), "result", "a symbol cannot be stored"],
    ["function inside", { items: [1, 2, 3, { fn: () => 1 }] }, "result.items[3].fn", "a function cannot be stored"],
    ["symbol in an array", [[Symbol.iterator]], "result[0][0]", "a symbol cannot be stored"],
    ["promise", { user: Promise.resolve(1) }, "result.user", "a Promise cannot be stored: an await is missing"],
    ["instance", { total: new Money() }, "result.total", "an instance of Money cannot be stored, only plain objects and built-in values"],
    ["URL", [new URL("https://example.com")], "result[0]", "an instance of URL cannot be stored, only plain objects and built-in values"],
    ["WeakMap", new WeakMap(), "result", "an instance of WeakMap cannot be stored, only plain objects and built-in values"],
    ["WeakSet", new WeakSet(), "result", "an instance of WeakSet cannot be stored, only plain objects and built-in values"],
    ["WeakRef", new WeakRef({}), "result", "an instance of WeakRef cannot be stored, only plain objects and built-in values"],
    ["generator", (function* () {})(), "result", "an instance of an unnamed class cannot be stored, only plain objects and built-in values"],
    ["boxed symbol", Object(Symbol()), "result", "an instance of Symbol cannot be stored, only plain objects and built-in values"],
    ["inheriting object", Object.create({ a: 1 }), "result", "an instance of an unnamed class cannot be stored, only plain objects and built-in values"],
    ["proxy of a map", new Proxy(new Map(), {}), "result", "an instance of Map cannot be stored, only plain objects and built-in values"],
    ["forged map", Object.create(Map.prototype), "result", "an instance of Map cannot be stored, only plain objects and built-in values"],
    ["value of a map", new Map([["k", [() => 1]]]), 'result.get("k")[0]', "a function cannot be stored"],
    ["value of a map by object", new Map([[{}, { f: () => 1 }]]), "result.values()[0].f", "a function cannot be stored"],
    ["key of a map", new Map([["a", 1], [{ f: () => 1 }, 2] as never]), "result.keys()[1].f", "a function cannot be stored"],
    ["value of a set", { s: new Set([1, Symbol()]) }, "result.s.values()[1]", "a symbol cannot be stored"],
    ["cause", new Error("e", { cause: { f: () => 1 } }), "result.cause.f", "a function cannot be stored"],
    ["errors", new AggregateError([new Error("e", { cause: () => 1 })]), "result.errors[0].cause", "a function cannot be stored"],
    ["property of an error", Object.assign(new Error("e"), { request: { send: () => 1 } }), "result.request.send", "a function cannot be stored"],
    ["group of a match", Object.assign("a".match(/a/)!, { groups: { f: () => 1 } }), "result.groups.f", "a function cannot be stored"],
    ["odd keys", { "a b": { "": { "\n": () => 1 } } }, 'result["a b"][""]["\\n"]', "a function cannot be stored"],
    ["giant bigint", { n: 1n << 2_000_000n }, "result.n", "the bigint is too big"],
    ["giant array", [new Array(2_000_000)], "result[0]", "the value has more than 1000000 entries"],
    ["many holes", [new Array(600_000), new Array(600_000)], "result[1]", "the value has more than 1000000 entries"],
  ];
  for (const [name, value, path, reason] of refused) {
    it(`refuses a ${name} and says where it is`, () => {
      const error = refusal(value);
      assertEquals(error.message, `Cannot store the value at "${path}": ${reason}`);
      assertEquals(error.path, path);
      assertEquals(error.code, "not_serialisable");
      assertEquals(error.name, "ValueError");
      assert(ValueError.is(error));
    });
  }

  it("begins paths with the word of the caller", () => {
    assertEquals(assertThrows(() => encode({ f: () => 1 }, { root: "params" }), ValueError).path, "params.f");
    assertEquals(assertThrows(() => encode(() => 1, { root: "payload" }), ValueError).path, "payload");
  });

  it("turns what a getter throws into a refusal with path and cause", () => {
    const cause = new Error("no");
    const throwing = {
      get fine() {
        return 1;
      },
      get x() {
        throw cause;
      },
    };
    for (const [value, path] of [[throwing, "result.x"], [{ a: [throwing] }, "result.a[0].x"], [new Map([["k", throwing]]), 'result.get("k").x']]) {
      const error = refusal(value);
      assertEquals(error.message, `Cannot store the value at "${path}": reading it threw an error`);
      assertStrictEquals(error.cause, cause);
    }
    const array = [1, 2];
    Object.defineProperty(array, 1, {
      get: () => {
        throw cause;
      },
    });
    assertEquals(refusal({ array }).path, "result.array[1]");
    const nameless = Object.defineProperty(new Error("e"), "name", {
      get: () => {
        throw undefined;
      },
    });
    assertEquals(refusal([nameless]).path, "result[0].name");
  });

  it("turns what a proxy throws into a refusal, whatever the trap", () => {
    const traps = ["get", "ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf", "has"] as const;
    const boom = () => {
      throw new RangeError("boom");
    };
    for (const target of [{ a: 1 }, [1], new Map(), new Error("e"), new Date()]) {
      for (const trap of traps) {
        try {
          encode({ value: new Proxy(target, { [trap]: boom }) });
        } catch (error) {
          assertInstanceOf(error, ValueError);
        }
      }
    }
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    assertEquals(refusal([proxy]).path, "result[0]");
    assertEquals(refusal(proxy).path, "result");
  });

  it("refuses what is too deep, whatever it is made of, and never overflows the stack", () => {
    const wraps: ((inner: unknown) => unknown)[] = [
      (inner) => [inner],
      (inner) => ({ inner }),
      (inner) => new Map([[1, inner]]),
      (inner) => new Map([[inner, 1]]),
      (inner) => new Set([inner]),
      (inner) => new Error("e", { cause: inner }),
    ];
    for (const wrap of wraps) {
      let deep: unknown = 1;
      for (let i = 0; i < 200; i++) deep = wrap(deep);
      assert(isomorphic(carried(deep), deep));
      for (let i = 0; i < 20_000; i++) deep = wrap(deep);
      const error = refusal(deep);
      assertEquals(error.code, "not_serialisable");
      assert(error.message.endsWith("it is too deep, there are more than 200 containers within one another"), error.message);
      assert(error.message.length < 1500);
    }
  });

  it("refuses an endless proxy instead of reading for ever", () => {
    const endless = new Proxy([], { get: (_, key) => key === "length" ? 2 ** 53 - 1 : 1 });
    assert(refusal(endless).message.includes("more than 1000000 entries"));
    const handler: ProxyHandler<object> = {
      ownKeys: () => ["next"],
      getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
      get: () => new Proxy({}, handler),
    };
    const bottomless = new Proxy({}, handler);
    assert(refusal(bottomless).message.includes("too deep"));
  });
});
