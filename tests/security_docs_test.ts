/** docs/security.md itself, and what it says of the package. */
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

const root = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

describe("the package", () => {
  it("runs nothing when it is installed, and its dependencies neither (S23)", () => {
    const { scripts, dependencies } = JSON.parse(read("package.json")) as { scripts: Record<string, string>; dependencies: Record<string, string> };
    for (const hook of ["preinstall", "install", "postinstall", "prepare", "prepublish"]) assertEquals(scripts[hook], undefined);
    type Locked = { readonly integrity?: string; readonly hasInstallScript?: boolean; readonly dependencies?: Record<string, string>; readonly dev?: boolean };
    const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, Locked> };
    const wanted = Object.keys(dependencies), seen = new Set<string>();
    for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const locked = packages[`node_modules/${name}`];
      assert(locked?.integrity?.startsWith("sha512-") === true, name);
      assert(locked.hasInstallScript !== true, name);
      wanted.push(...Object.keys(locked.dependencies ?? {}));
    }
    assertEquals(Object.keys(dependencies).length, 3);
  });
});

describe("docs/security.md", () => {
  const rows = read("docs/security.md").split("\n").filter((line) => /^\| S\d/.test(line)).map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1));

  it("answers each expectation once", () => {
    assertEquals(rows.map(([number]) => number), Array.from({ length: 24 }, (_, n) => `S${n + 1}`));
    for (const row of rows) assertEquals([row[0], row.length], [row[0], 4]);
  });

  it("names tests that are there, or says that there is nothing to test yet", () => {
    let named = 0;
    for (const [number, , how = "", heldBy = ""] of rows) {
      const files = [...heldBy.matchAll(/`([^`]+\.ts)`([^`]*)/g)];
      assert(files.length > 0 || /[Nn]ot yet|no codec yet/.test(how), number);
      for (const [, path = "", names = ""] of files) {
        const text = read(path);
        for (const [, name = ""] of names.matchAll(/"([^"]+)"/g)) {
          named++;
          assert(text.includes(name), `${number}: ${path} has no test "${name}"`);
        }
      }
    }
    assert(named > 40, `${named}`);
  });

  it("has a row for each expectation that a test claims to hold", () => {
    for (const file of ["tests/security_test.ts", "tests/security_code_test.ts", "tests/security_texts_test.ts"]) {
      for (const [, number] of read(file).matchAll(/\bS(\d+)[,)]/g)) {
        assert((rows[Number(number) - 1]?.[3] ?? "").includes(file), `S${number} in ${file}`);
      }
    }
  });
});
