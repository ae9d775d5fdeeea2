import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { frame, parseFrame } from "../core/frame.ts";

describe("frame()", () => {
  it("round trips headers and values", () => {
    for (const value of [undefined, "", "x", "a\nb\n", '{"a":1}']) {
      assertEquals(parseFrame(frame({ c: "log", level: "a\nb" }, value)), { header: { c: "log", level: "a\nb" }, value });
    }
  });
});

describe("parseFrame()", () => {
  it("is total", () => {
    for (const text of ["", "\n", "{", "nonsense\nvalue", '{"a":1} x', undefined, null, 1, {}]) {
      assertEquals(parseFrame(text as string), undefined);
    }
  });

  it("does not check headers", () => {
    assertEquals(parseFrame("null\n"), { header: null, value: "" });
    assertEquals(parseFrame('"x"'), { header: "x", value: undefined });
  });
});
