import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { folder } from "../adapters/storage/folder.ts";
import { storeCases } from "../testing/store_cases.ts";

const cases = storeCases(({ shards }) => {
  const path = mkdtempSync(join(tmpdir(), "tenure-folder-"));
  let time = 1_000;
  return Promise.resolve({
    adapter: folder({ path, shards, now: () => time }),
    cleanup: () => Promise.resolve(rmSync(path, { recursive: true })),
    takeover: () => {
      time += 3_600_000;
      return Promise.resolve();
    },
  });
});
for (const { name, run } of cases) test(`folder() ${name}`, run);
