import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { type Backoff, MAX_RETRY_DELAY, retryDelay } from "../core/backoff.ts";

const waits = (backoff: Backoff, delay: number): number[] => [1, 2, 3, 4, 5].map((attempt) => retryDelay({ delay, backoff }, attempt));

describe("retryDelay", () => {
  it("repeats a constant delay", () => {
    assertEquals(waits("constant", 100), [100, 100, 100, 100, 100]);
  });

  it("adds a linear delay each time", () => {
    assertEquals(waits("linear", 100), [100, 200, 300, 400, 500]);
  });

  it("doubles an exponential delay each time", () => {
    assertEquals(waits("exponential", 100), [100, 200, 400, 800, 1600]);
  });

  it("is 0 when there is no delay, however many attempts", () => {
    for (const backoff of ["constant", "linear", "exponential"] as const) assertEquals(retryDelay({ delay: 0, backoff }, 10_000), 0);
  });

  it("rounds up, so that it is never early", () => {
    assertEquals(waits("linear", 0.4), [1, 1, 2, 2, 2]);
  });

  it("is at most 365 days", () => {
    assertEquals(MAX_RETRY_DELAY, 31_536_000_000);
    assertEquals(retryDelay({ delay: 10_000, backoff: "exponential" }, 10_000), MAX_RETRY_DELAY);
    assertEquals(retryDelay({ delay: 10_000, backoff: "linear" }, Number.MAX_SAFE_INTEGER), MAX_RETRY_DELAY);
    assertEquals(retryDelay({ delay: Number.MAX_VALUE, backoff: "constant" }, 1), MAX_RETRY_DELAY);
    assertEquals(retryDelay({ delay: Infinity, backoff: "linear" }, 1), MAX_RETRY_DELAY);
  });

  it("is a whole number from 0 to 365 days for any numbers, and never falls with the attempts", () => {
    const backoffs = fc.constantFrom<Backoff>("constant", "linear", "exponential");
    fc.assert(fc.property(fc.double(), backoffs, fc.oneof(fc.nat(20_000), fc.double()), (delay, backoff, attempt) => {
      const wait = retryDelay({ delay, backoff }, attempt);
      assert(Number.isInteger(wait) && wait >= 0 && wait <= MAX_RETRY_DELAY);
      if (attempt >= 1) assert(retryDelay({ delay, backoff }, attempt + 1) >= wait);
    }));
  });
});
