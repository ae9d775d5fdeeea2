/** docs/errors.md has a section for each code that somebody can meet, and none for another. */
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

/** The texts of a union in a source, from where it begins to its end. */
function unionIn(path: string, begin: RegExp): string[] {
  const source = read(path);
  const at = begin.exec(source);
  assert(at !== null, `${path} has no ${begin}`);
  const members = source.slice(at.index + at[0].length).split(";")[0] as string;
  return [...members.matchAll(/"([^"]+)"/g)].map(([, code]) => code as string);
}

describe("docs/errors.md", () => {
  const codes = new Set([
    ...unionIn("core/errors.ts", /export type ErrorCode =/),
    // of instances that were parked
    ...unionIn("core/instance/records.ts", /readonly code\?: (?="nondeterministic")/),
    // of instances that an upgrade has left where they are
    ...unionIn("core/shard/requests.ts", /export type SkipCode =/),
  ]);
  const sections = read("docs/errors.md").split(/^### /m).slice(1).map((text) => ({ title: text.split("\n")[0] as string, text }));

  it("has a section for each code, once, and none for another", () => {
    assert(codes.size > 30, `${codes.size}`);
    assertEquals(sections.map(({ title }) => title).sort(), [...codes].map((code) => `\`${code}\``).sort());
  });

  it("says in each what happened, what was kept and what to do", () => {
    for (const { title, text } of sections) {
      const said = [...text.matchAll(/^\*\*([^*]+)\.\*\* \S.{20,}$/gm)].map(([, words]) => words);
      // what was kept may be said in few words
      assertEquals([...text.matchAll(/^\*\*([^*]+)\.\*\* \S/gm)].map(([, words]) => words), ["What happened", "What was kept", "What to do"], title);
      assert(said.length >= 2, title);
    }
  });

  it("is linked where users look", () => {
    for (const page of ["README.md", "docs/guarantees.md", "docs/instances.md"]) assert(/\]\((docs\/)?errors\.md[#)]/.test(read(page)), page);
  });

  it("links to sections that are there", () => {
    const titles = new Set([...read("docs/errors.md").matchAll(/^#{2,3} (.+)$/gm)].map(([, title]) => (title as string).toLowerCase().replace(/[^a-z0-9_ -]/g, "").replaceAll(" ", "-")));
    for (const [, anchor] of read("docs/errors.md").matchAll(/\]\(#([^)]+)\)/g)) assert(titles.has(anchor as string), anchor);
  });
});
