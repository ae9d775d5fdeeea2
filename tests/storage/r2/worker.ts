/** The Worker in which `r2()` is tried: Cloudflare's own runtime, with the binding as a Worker has it. */
import { r2, r2Blobs, type R2BucketLike } from "../../../adapters/storage/r2.ts";
import { unstorage, type UnstorageDriverLike } from "../../../adapters/storage/unstorage.ts";
import { createTenure, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../../../mod.ts";
import { storeCases, type Case } from "../../../testing/store_cases.ts";
import { figuresOf } from "../_shared/figures.ts";
// @ts-ignore: installed by `npm run test:storage` alone.
import binding from "unstorage/drivers/cloudflare-r2-binding";

/** What the Worker is bound to. */
interface Env {
  readonly BUCKET: R2BucketLike;
}

const HOUR = 3_600_000;
let made = 0;

/** A place of its own for each case; `by` says how it is opened. */
function casesOf(by: "r2" | "driver", bucket: R2BucketLike): Case[] {
  return storeCases(({ shards }) => {
    const base = `case-${crypto.randomUUID()}`;
    let time = 1_000;
    const now = (): number => time;
    const driver = (binding as (options: object) => UnstorageDriverLike)({ binding: bucket, base });
    return Promise.resolve({
      adapter: by === "r2" ? r2({ bucket, prefix: `${base}/`, shards, now }) : unstorage({ driver, shards, now }),
      cleanup: () => Promise.resolve(),
      takeover: () => Promise.resolve(void (time += HOUR)),
    });
  });
}

/** Sleeps, asks and answers: what a run does, with its journal in the bucket. */
class Flow extends WorkflowEntrypoint {
  override async run(event: WorkflowEvent<number>, step: WorkflowStep): Promise<number[]> {
    const one = await step.do("one", () => Promise.resolve(event.payload + 1));
    await step.sleep("a moment", 5);
    const { payload } = await step.waitForEvent<number>("more", { type: "more" });
    return [one, payload];
  }
}

async function workflow(bucket: R2BucketLike): Promise<unknown> {
  const storage = r2({ bucket, prefix: `workflow-${made++}/` });
  const first = await createTenure({ storage });
  first.register("Flow", Flow, { version: "1" });
  const run = await first.tenant("acme").workflow<number, number[]>("Flow").create({ id: "1", params: 1 });
  await first.close();
  const next = await createTenure({ storage, code: r2Blobs({ bucket, prefix: "code/" }) });
  next.register("Flow", Flow, { version: "1" });
  const again = await next.tenant("acme").workflow<number, number[]>("Flow").get(run.id);
  await again.sendEvent({ type: "more", payload: 7 });
  const output = await again.result();
  await next.close();
  return output;
}

/** Takes part in a race: opens the store of all and asks for its shard. */
async function race(bucket: R2BucketLike, owner: string): Promise<number> {
  const store = await r2({ bucket, prefix: "race/" }).open();
  const lease = await store.acquire(0, owner, HOUR);
  return lease?.epoch ?? 0;
}

/** Puts blobs beyond a page of a list, which R2 ends after a thousand keys. */
async function pages(bucket: R2BucketLike): Promise<number> {
  const store = await r2({ bucket, prefix: "pages/" }).open();
  for (let n = 0; n < 1_100; n += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => bucket.put(`pages/s/0/in/${n + i}`, new Uint8Array(1), { onlyIf: { etagDoesNotMatch: "*" } })));
  }
  await store.post(0, { key: "k", body: "b" });
  return (await bucket.list({ prefix: "pages/s/0/in/" })).objects.length * 10_000 + (await store.inbox(0, 9)).length;
}

async function blobs(bucket: R2BucketLike): Promise<unknown> {
  const place = r2Blobs({ bucket, prefix: "blobs/" });
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  await place.put("a/b", "c", bytes);
  const read = await place.get("a/b", "c");
  return [read?.every((byte, i) => byte === bytes[i]), await place.get("a", "b/c")];
}

export default {
  async fetch(request: Request, { BUCKET }: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const by = searchParams.get("by") === "driver" ? "driver" : "r2";
    try {
      switch (pathname) {
        case "/names":
          return Response.json(casesOf(by, BUCKET).map(({ name }) => name));
        case "/run":
          return Response.json(await casesOf(by, BUCKET)[Number(searchParams.get("n"))]?.run() ?? "ok");
        case "/workflow":
          return Response.json(await workflow(BUCKET));
        case "/race":
          return Response.json(await race(BUCKET, searchParams.get("owner") ?? ""));
        case "/pages":
          return Response.json(await pages(BUCKET));
        case "/figures":
          return Response.json(await figuresOf("`r2({ bucket })`, Miniflare's", r2({ bucket: BUCKET, prefix: "figures/" })));
        case "/blobs":
          return Response.json(await blobs(BUCKET));
        default:
          return new Response("There is no such test", { status: 404 });
      }
    } catch (error) {
      return new Response(error instanceof Error ? `${error.stack}\n${error.cause}` : String(error), { status: 500 });
    }
  },
};
