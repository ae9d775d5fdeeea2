/** What `r2()` has to keep, in workerd, which is what Cloudflare runs Workers with; its R2 is Miniflare's. */
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { build } from "esbuild";
import { type Figures, tell } from "../_shared/figures.ts";
import { load } from "../_shared/load.ts";

/** What is used of Miniflare. */
interface Miniflare {
  getWorker(name: string): Promise<{ fetch(url: string): Promise<Response> }>;
  dispose(): Promise<void>;
}

const bundle = await build({
  entryPoints: [fileURLToPath(new URL("./worker.ts", import.meta.url))],
  bundle: true,
  write: false,
  format: "esm",
  target: "es2022",
  conditions: ["workerd", "tenure-source"],
  external: ["node:*", "bun:*"],
  logLevel: "error",
});
const { Miniflare } = await load<{ Miniflare: new (options: object) => Miniflare }>(import.meta.url, "miniflare", (name) => import(name));
const worker = (name: string) => ({
  name,
  modules: [{ type: "ESModule", path: "worker.js", contents: bundle.outputFiles[0]?.text ?? "" }],
  compatibilityDate: "2026-04-01",
  compatibilityFlags: ["nodejs_compat"],
  r2Buckets: { BUCKET: "bucket" },
});
const miniflare = new Miniflare({ workers: [worker("one"), worker("two")] });
after(() => miniflare.dispose());
const [one, two] = [await miniflare.getWorker("one"), await miniflare.getWorker("two")];

async function ask(path: string, of = one): Promise<unknown> {
  const response = await of.fetch(`http://worker${path}`);
  if (!response.ok) throw new Error(await response.text());
  return await response.json();
}

const BY = { r2: "r2()", driver: "unstorage() by the client of the driver cloudflare-r2-binding" };
for (const [by, title] of Object.entries(BY)) {
  describe(`${title} in workerd`, async () => {
    const names = await ask(`/names?by=${by}`) as string[];
    for (const [n, name] of names.entries()) {
      // By the driver it is the same objects under other keys.
      if (by === "driver" && !/^(acquire|post|close)/.test(name)) continue;
      it(name, async () => void await ask(`/run?by=${by}&n=${n}`));
    }
  });
}

describe("r2() in workerd", () => {
  it("runs a workflow that a second engine ends", async () => {
    assertEquals(await ask("/workflow"), [2, 7]);
  });
  it("has one winner of twenty requests to two Workers", async () => {
    const epochs = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`/race?owner=${i}`, i % 2 === 0 ? one : two)));
    assertEquals(epochs.filter((epoch) => epoch !== 0), [1]);
  });
  it("reads lists beyond the thousand keys of a page", async () => {
    assertEquals(await ask("/pages"), 1_000 * 10_000 + 1);
  });
  it("makes commits", async () => {
    tell(await ask("/figures") as Figures);
  });
  it("keeps blobs", async () => {
    assertEquals(await ask("/blobs"), [true, null]);
  });
});
