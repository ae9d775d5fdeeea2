import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { DurationError, parseDuration } from "../core/duration.ts";

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const unitMs = { second: SECOND, minute: MINUTE, hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365.25 * DAY };

describe("parseDuration", () => {
  it("reads a number as milliseconds, rounded up", () => {
    assertEquals(parseDuration(0), 0);
    assertEquals(parseDuration(1500), 1500);
    assertEquals(parseDuration(0.1), 1);
    assertEquals(parseDuration(1500.00001), 1501);
    assertEquals(parseDuration(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  });

  it("reads -0 as 0", () => {
    assert(Object.is(parseDuration(-0), 0));
  });

  for (const [unit, ms] of Object.entries(unitMs)) {
    it(`reads ${unit}s, in both spellings`, () => {
      assertEquals(parseDuration(`1 ${unit}`), ms);
      assertEquals(parseDuration(`1 ${unit}s`), ms);
      assertEquals(parseDuration(`2 ${unit}`), 2 * ms);
      assertEquals(parseDuration(`0 ${unit}s`), 0);
      assertEquals(parseDuration(`1.5 ${unit}s`), 1.5 * ms);
    });
  }

  it("rounds fractions up, but not the noise of floating point", () => {
    assertEquals(parseDuration("0.0001 seconds"), 1);
    assertEquals(parseDuration("1.0001 seconds"), 1001);
    assertEquals(parseDuration("0.07 minutes"), 4200);
    assertEquals(parseDuration("1.1 minutes"), 66_000);
    assertEquals(parseDuration("1.00000000000000000001 seconds"), 1001);
    assertEquals(parseDuration("8.2 days"), 708_480_000);
  });

  const refused: unknown[] = [
    "", " ", "5", "5ms", "5 ms", "5 foos", "-5 seconds", "+5 seconds", "5  seconds", " 5 seconds", "5 seconds ", "5 seconds\n", "5\tseconds",
    "5seconds", "5 Seconds", "5 secondss", "5 s", "1e3 seconds", "1_000 seconds", ".5 seconds", "5. seconds", "1.2.3 seconds", "0x5 seconds",
    "Infinity seconds", "NaN seconds", "5 minutes 3 seconds", "٥ seconds", "5 milliseconds", "5 constructor", "5 __proto__", "5 toString",
    "1,5 seconds", "soon", "99999999999999999 years", NaN, Infinity, -Infinity, -1, -0.001, Number.MAX_SAFE_INTEGER + 1, 1e300,
    undefined, null, true, 5n, Symbol("5 seconds"), {}, [5], ["5 seconds"], () => 5, new Date(5), Object("5 seconds"),
  ];
  for (const duration of refused) {
    it(`refuses ${typeof duration} ${typeof duration === "object" ? JSON.stringify(duration) : typeof duration === "function" ? "" : JSON.stringify(String(duration))}`, () => {
      const error = assertThrows(() => parseDuration(duration as string), DurationError);
      assertEquals(error.code, "invalid_duration");
      assertEquals(error.name, "DurationError");
      assertInstanceOf(error, TypeError);
      assert(DurationError.is(error));
    });
  }

  it("says what it could not read and what to write", () => {
    const error = assertThrows(() => parseDuration("5ms"), DurationError);
    assertEquals(
      error.message,
      'Cannot read the duration "5ms": write a number of milliseconds or "<number> <unit>", such as "5 minutes"',
    );
  });

  it("shows only the beginning of a long text", () => {
    const error = assertThrows(() => parseDuration("9".repeat(100_000)), DurationError);
    assert(error.message.length < 200, error.message);
  });

  it("is not slowed down by a long text", () => {
    const hostile = ["9".repeat(100_000), `${" ".repeat(100_000)}5 seconds`, `5${" ".repeat(100_000)}seconds`, `5 second${"s".repeat(100_000)}`, "1.".repeat(50_000)];
    const start = performance.now();
    for (let i = 0; i < 100; i++) {
      for (const text of hostile) assertThrows(() => parseDuration(text), DurationError);
    }
    assert(performance.now() - start < 2000);
  });

  it("runs no code of what it refuses", () => {
    let ran = false;
    const hostile = { toString: () => ran = true, valueOf: () => ran = true, [Symbol.toPrimitive]: () => ran = true };
    assertThrows(() => parseDuration(hostile as unknown as string), DurationError);
    assertThrows(() => parseDuration(new Proxy({}, { get: () => ran = true }) as unknown as string), DurationError);
    assert(!ran);
  });

  it("gives a safe integer ≥ 0 or a DurationError for anything", () => {
    const written = fc.tuple(fc.double({ min: -10, max: 1e12 }), fc.constantFrom(" ", "", "  "), fc.constantFrom(...Object.keys(unitMs), "s", "ms"))
      .map(([n, space, unit]) => `${n}${space}${unit}`);
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.double(), fc.string(), written), (duration) => {
      try {
        const ms = parseDuration(duration as string);
        assert(Number.isSafeInteger(ms) && ms >= 0);
      } catch (error) {
        assertInstanceOf(error, DurationError);
      }
    }));
  });

  it("is never shorter than what was written", () => {
    const whole = fc.integer({ min: 0, max: 285_000 }), unit = fc.constantFrom("second", "minute", "hour", "day", "week", "month", "year");
    fc.assert(fc.property(whole, fc.integer({ min: 0, max: 999 }), unit, (n, thousandths, unit) => {
      const ms = parseDuration(`${n}.${String(thousandths).padStart(3, "0")} ${unit}s` as string);
      // Exact in whole numbers: every unit is a whole number of milliseconds.
      assertEquals(BigInt(ms), (BigInt(n * 1000 + thousandths) * BigInt(unitMs[unit]) + 999n) / 1000n);
    }));
  });
});
