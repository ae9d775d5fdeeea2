/** What `npm run test:cloudflare` compares is well-formed, and what the documentation says of it is so: that needs no engine. */
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { PARITY_FILE, readParity } from "./_runner/parity.ts";
import { AREAS, CASES } from "./cloudflare_local/cases/mod.ts";

const root = new URL("../", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), "utf8");

describe("cases that run on Cloudflare's engine and on ours", () => {
  it("have a name each", () => {
    assertEquals(CASES.length, new Set(CASES.map(({ name }) => name)).size);
    assert(CASES.length >= 80, `there are ${CASES.length}`);
  });

  it("excuse a difference only by a row that says why it is one", () => {
    const different = new Set(readParity(text(PARITY_FILE)).filter(({ verdict }) => verdict === "different").map(({ id }) => id));
    assertEquals(CASES.filter(({ row }) => row !== undefined && !different.has(row)).map(({ name, row }) => [name, row]), []);
  });

  it("are counted in docs/cloudflare.md", () => {
    const told = text("docs/cloudflare.md");
    for (const [area, cases] of Object.entries(AREAS)) {
      const rows = [...new Set(cases.map(({ row }) => row).filter((row) => row !== undefined))];
      assert(told.includes(`| ${area} | ${cases.length} | ${cases.filter(({ row }) => row === undefined).length} | ${cases.filter(({ row }) => row !== undefined).length}${rows.length > 0 ? `: ${rows.join(", ")}` : ""} |\n`), area);
    }
  });
});
