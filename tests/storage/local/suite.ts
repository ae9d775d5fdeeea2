/** The stores that need nothing: that they survive their process, that they sync what they say they do, and what they do. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assert } from "@std/assert";
import { folder } from "../../../adapters/storage/folder.ts";
import { memory } from "../../../adapters/storage/memory.ts";
import { sqlite } from "../../../adapters/storage/sqlite.ts";
import type { StorageAdapter } from "../../../core/ports/store.ts";
import { canCount, countSyncs, crash } from "../_shared/crash.ts";
import { figuresOf, tell } from "../_shared/figures.ts";

const committer = new URL("./committer.ts", import.meta.url);

async function inFolder(body: (path: string) => Promise<void> | void): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), "tenure-local-"));
  try {
    await body(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

const STORES: Record<string, (path: string) => StorageAdapter> = {
  sqlite: (path) => sqlite({ path }),
  "sqlite-process": (path) => sqlite({ path, durability: "process" }),
  folder: (path) => folder({ path }),
};

describe("a store whose process is killed", () => {
  for (const [kind, open] of Object.entries(STORES)) {
    it(`has all that ${kind} acknowledged, whole batches, and nothing that was not sent`, () =>
      inFolder(async (path) => await crash(committer, [kind, join(path, "a")], open(join(path, "a")), 5)));
  }
});

// Linux alone can be asked; `npm run test:storage` says so elsewhere.
if (canCount()) {
  describe("a store that says that it survives a loss of power", () => {
    for (const kind of ["sqlite", "folder"]) {
      it(`has the system sync each commit of ${kind}`, () =>
        inFolder((path) => {
          const [none, many] = [countSyncs(committer, [kind, join(path, "none")], 0), countSyncs(committer, [kind, join(path, "many")], 60)];
          assert(many - none >= 60, `60 commits were synced ${many - none} times`);
        }));
    }
    it("is told from one that says that it does not, by the same count", () =>
      inFolder((path) => {
        const args = (name: string) => ["sqlite-process", join(path, name)];
        const [none, many] = [countSyncs(committer, args("none"), 0), countSyncs(committer, args("many"), 60)];
        assert(many - none < 30, `60 commits were synced ${many - none} times`);
      }));
  });
}

describe("a store that needs nothing", () => {
  const figures: Record<string, (path: string) => StorageAdapter> = {
    "`memory()`": () => memory(),
    "`sqlite({ path })`": (path) => sqlite({ path }),
    '`sqlite({ path, durability: "process" })`': (path) => sqlite({ path, durability: "process" }),
    "`folder({ path })`": (path) => folder({ path }),
  };
  for (const [name, open] of Object.entries(figures)) {
    it(`makes commits: ${name}`, () => inFolder(async (path) => tell(await figuresOf(name, open(join(path, "a"))))));
  }
});
