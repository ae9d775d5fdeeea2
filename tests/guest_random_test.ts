import { describe, it } from "node:test";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { randomBytes, randomNumbers } from "../adapters/sandbox/guest/random.ts";

function take<T>(count: number, next: () => T): T[] {
  return Array.from({ length: count }, next);
}

describe("randomNumbers()", () => {
  it("gives the numbers of version 1", () => {
    assertEquals(take(3, randomNumbers("golden")), [0.2213759710576363, 0.5748898704514528, 0.061600637973550865]);
    assertEquals(take(2, randomNumbers("")), [0.711245212071609, 0.0315153069830858]);
  });

  it("gives numbers from 0 up to 1, spread evenly", () => {
    const numbers = take(100_000, randomNumbers("even"));
    assert(numbers.every((n) => n >= 0 && n < 1));
    const bins = new Array<number>(10).fill(0);
    for (const n of numbers) bins[Math.floor(n * 10)]!++;
    assert(bins.every((count) => count > 9_600 && count < 10_400), `${bins}`);
  });

  it("differs where seeds differ by little", () => {
    const firsts = take(10_000, () => 0).map((_, i) => randomNumbers(`seed ${i}`)());
    assertEquals(new Set(firsts).size, firsts.length);
  });
});

describe("randomBytes()", () => {
  it("gives the bytes of version 1", () => {
    assertEquals(take(8, randomBytes("golden")), [0xab, 0x13, 0x32, 0xe4, 0x6e, 0xb2, 0x6d, 0x60]);
  });

  it("hears every character of a seed", () => {
    const seeds = ["", "\0", "a", "a\0", "b".repeat(15), "b".repeat(16), "b".repeat(17), "b".repeat(40), "b".repeat(39) + "c", "c" + "b".repeat(39)];
    assertEquals(new Set(seeds.map((seed) => take(32, randomBytes(seed)).join())).size, seeds.length);
  });

  it("does not repeat itself", () => {
    const bytes = take(3_200, randomBytes("long"));
    const blocks = new Set(take(100, () => 0).map((_, i) => bytes.slice(i * 32, i * 32 + 32).join()));
    assertEquals(blocks.size, 100);
    assertNotEquals(bytes.slice(0, 32), bytes.slice(32, 64));
  });
});
