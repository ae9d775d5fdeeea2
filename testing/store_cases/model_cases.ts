/**
 * Random batches against the model: after every commit everything that can be read is compared.
 *
 * @module
 */
import type { Append, Due, Head, InstanceKey, ShardBatch, Store } from "../../core/ports/store.ts";
import { CaseError, check, equal, rejects } from "./check.ts";
import { createModel, type Model } from "./model.ts";
import { createRandom, type Random } from "./random.ts";
import { shrink } from "./shrink.ts";
import { type Bench, type Case, head, key, type OpenSubject, own, pages, storeCase } from "./subject.ts";

const SHARDS = 3;
const STEPS = 80;
/** Numbers of steps of one seed begin at its multiple. */
const ROUND = 1_000;
const TENANTS = ["acme", "ac", "é/x", "\u{1f600}"] as const;
const WORKFLOWS = ["A", "A/b", "%_", "\uff5e"] as const;
const STATUSES = ["queued", "running", "waiting", "complete"] as const;
const CELLS = [
  "",
  "a",
  "a/",
  "a/b",
  "a%",
  "a_",
  "a_b",
  "b",
  "é",
  "é/1",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\u{1f600}",
  "\u{10ffff}x",
];

/** Every instance there may be, with the shard it belongs to: three ids of each workflow of each tenant. */
const KEYS: readonly (InstanceKey & { readonly shard: number })[] = TENANTS.flatMap((tenant) =>
  WORKFLOWS.flatMap((workflow) => ["1", "1:b", "\u{1f680}"].map((id) => ({ tenant, workflow, id })))
).map((k, i) => ({ ...k, shard: i % SHARDS }));

/** The cases, one a seed. */
export function modelCases(open: OpenSubject): Case[] {
  return [1, 2, 3].map((seed) =>
    storeCase(
      open,
      `commit() of random batches reads back like the model does (seed ${seed})`,
      SHARDS,
      (bench) => playAll(open, bench, seed),
    )
  );
}

/** What each step does follows from its own number and from what is there, so that any of them can be left out. */
async function playAll(open: OpenSubject, bench: Bench, seed: number): Promise<void> {
  const steps = Array.from({ length: STEPS }, (_, i) => seed * ROUND + i);
  try {
    await play(bench, steps);
  } catch (error) {
    if (!(error instanceof CaseError)) throw error;
    const { steps: few, error: last } = await shrink(steps, error, async (some) => {
      const again = storeCase(open, "again", SHARDS, (bench) => play(bench, some));
      return await again.run().then(() => undefined, (error: unknown) => error instanceof CaseError ? error : undefined);
    });
    throw new CaseError(`${last.message}\nwith ${few.length} of ${STEPS} steps: ${few.join(", ")}`);
  }
}

async function play(bench: Bench, steps: readonly number[]): Promise<void> {
  const model = createModel(SHARDS);
  let store = await bench.open();
  const reader = await bench.open();
  const epochs: number[] = [];
  const last: string[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    epochs[shard] = (await own(store, shard)).epoch;
    last[shard] = "";
  }
  for (const step of steps) {
    const random = createRandom(step);
    const id = `batch-${step}`;
    const width = Math.min(SHARDS, store.caps.fencesPerCommit);
    const first = random.int(SHARDS);
    const batches = Array.from({ length: 1 + random.int(width) }, (_, i) => (first + i) % SHARDS)
      .map((shard) => randomBatch(random, model, shard, epochs[shard] as number, step));
    for (const { shard, key, body } of randomPosts(random, step)) {
      await reader.post(shard, { key, body });
      model.post(shard, { key, body });
    }
    const fate = random.int(6);
    if (fate === 0) {
      await tryStale(store, batches, random);
    } else if (fate === 1) {
      await tryGap(store, batches);
    } else {
      equal(await store.commit(id, batches), "ok", `step ${step}: commit()`);
      for (const b of batches) {
        model.apply(b);
        last[b.shard] = id;
      }
    }
    await compare(random.once(3) ? reader : store, model, random, step);
    if (random.once(12)) store = await change(bench, store, epochs, last, random);
  }
}

/** Acquires again, or leaves and comes back. */
async function change(bench: Bench, store: Store, epochs: number[], last: string[], random: Random): Promise<Store> {
  const released = random.once(2);
  if (released) { for (let shard = 0; shard < SHARDS; shard++) await store.release(shard, epochs[shard] as number); }
  const leaves = random.once(2);
  if (leaves) await store.close();
  const next = leaves ? await bench.open() : store;
  for (let shard = 0; shard < SHARDS; shard++) {
    const lease = await own(next, shard);
    check(lease.epoch > (epochs[shard] as number), "acquire() did not raise the epoch");
    equal([lease.lastBatch, lease.clean], [last[shard], released], "acquire() after a change");
    epochs[shard] = lease.epoch;
  }
  return next;
}

function randomBatch(random: Random, model: Model, shard: number, epoch: number, step: number): ShardBatch {
  const mine = KEYS.filter((k) => k.shard === shard);
  const next = new Map<InstanceKey, number>();
  const drops: InstanceKey[] = [];
  const heads: Head[] = [];
  const appends: Append[] = [];
  for (const k of mine) {
    const records = model.load(shard, k)?.journal.length ?? -1;
    next.set(k, records);
    if (random.once(records < 0 ? 30 : 12)) {
      drops.push(key(k.id, k.workflow, k.tenant));
      next.set(k, -1);
    }
    if (!random.once(3)) continue;
    if (next.get(k) === -1) next.set(k, 0);
    const before = model.load(shard, k)?.head;
    heads.push(head(k, {
      status: random.pick(STATUSES),
      wake: random.once(3) ? null : random.pick([0, 0, 5, 5, -1, -9_000_000_000_000_000, 1_700_000_000_000, 1_700_000_000_000 + random.int(3)]),
      created: before !== undefined && !random.once(10) ? before.created : 1_000 + random.int(5),
      ended: random.once(4) ? 2_000 + step : null,
      data: random.pick(["", "{}", `{"n":${step}}`, "\u{1f600}'\"\\\n%"]),
    }));
  }
  for (const k of mine) {
    for (let times = random.int(3); times > 0 && (next.get(k) as number) >= 0; times--) {
      const seq = next.get(k) as number;
      const count = 1 + random.int(3);
      const text = Array.from({ length: count }, (_, i) => `${seq + i}|${step}|é'`).join("\n");
      appends.push({ key: key(k.id, k.workflow, k.tenant), seq, count, text });
      next.set(k, seq + count);
    }
  }
  const cells = Array.from({ length: random.int(6) }, () => ({
    key: random.pick(CELLS),
    value: random.once(3) ? null : random.pick(["", "v", `v${step}`]),
  }));
  const acks = [
    ...model.inbox(shard).filter(() => random.once(2)).map(({ key }) => key),
    ...(random.once(5) ? [`never-posted-${step}`] : []),
  ].map((key) => ({ key, outcome: `done ${step}`, at: 1_700_000_000_000 + step }));
  return { shard, epoch, drops, heads, appends, cells, acks };
}

function randomPosts(random: Random, step: number): { shard: number; key: string; body: string }[] {
  return Array.from({ length: random.int(3) }, (_, i) => ({
    shard: random.int(SHARDS),
    key: random.once(4) ? `m-${step - random.int(step % ROUND + 1)}-0` : `m-${step}-${i}`,
    body: `body ${step} ${i} \u{1f600}`,
  }));
}

async function tryStale(store: Store, batches: readonly ShardBatch[], random: Random): Promise<void> {
  const stale = random.pick(batches).shard;
  const late = batches.map((b) => b.shard === stale ? { ...b, epoch: b.epoch - 1 } : b);
  equal(await store.commit("stale", late), { fenced: [stale] }, "commit() with an old epoch");
}

async function tryGap(store: Store, batches: readonly ShardBatch[]): Promise<void> {
  const last = batches[batches.length - 1] as ShardBatch;
  const key = KEYS.find((k) => k.shard === last.shard) as InstanceKey;
  const appends = [...last.appends, { key, seq: 1_000_000, count: 1, text: "gap" }];
  const bad = [...batches.slice(0, -1), { ...last, appends }];
  await rejects(() => store.commit("gap", bad), "commit() of a journal with a gap");
}

async function compare(store: Store, model: Model, random: Random, step: number): Promise<void> {
  const when = `step ${step}`;
  for (const k of KEYS) {
    const image = await store.load(k.shard, key(k.id, k.workflow, k.tenant));
    const records = image && { head: image.head, journal: image.journal.join("\n") };
    const wanted = model.load(k.shard, k);
    equal(records, wanted && { head: wanted.head, journal: wanted.journal.join("\n") }, `${when}: load()`);
  }
  const limit = 1 + random.int(7);
  for (let shard = 0; shard < SHARDS; shard++) {
    const after = random.pick([Number.MIN_SAFE_INTEGER, -1, 0, 5]);
    const until = random.pick([-1, 0, 5, 1_700_000_000_000, Number.MAX_SAFE_INTEGER]);
    const due = await pages<Due>((from) => store.due(shard, { after, until, limit, ...(from && { from }) }), limit);
    equal(due, model.due(shard, after, until), `${when}: due() after ${after} until ${until} by ${limit}`);
    for (const prefix of ["", random.pick(CELLS)]) {
      const cells = await pages<{ key: string; value: string }>(
        (from) => store.cells(shard, { prefix, limit, ...(from && { after: from.key }) }),
        limit,
      );
      equal(cells, model.cells(shard, prefix), `${when}: cells() under ${JSON.stringify(prefix)} by ${limit}`);
    }
    for (const key of CELLS) {
      const cell = model.cells(shard, key).find((c) => c.key === key)?.value ?? null;
      equal(await store.cell(shard, key), cell, `${when}: cell()`);
    }
    equal(await store.inbox(shard, 1_000), model.inbox(shard), `${when}: inbox()`);
    const asked = `m-${step - random.int(step % ROUND + 1)}-0`;
    equal(await store.outcome(shard, asked), model.outcome(shard, asked), `${when}: outcome()`);
  }
  for (const tenant of TENANTS) {
    const query = {
      tenant,
      ...(random.once(2) && { workflow: random.pick(WORKFLOWS) }),
      ...(random.once(3) && { status: random.pick(STATUSES) }),
    };
    const heads = await pages<Head>((from) => store.find({ ...query, limit, ...(from && { from }) }), limit);
    equal(heads, model.find(query), `${when}: find(${JSON.stringify(query)}) by ${limit}`);
  }
  const { tenant, workflow, id } = random.pick(KEYS);
  const exact = await store.find({ tenant, workflow, id, limit: 5 });
  equal(exact, model.find({ tenant, workflow, id }), `${when}: find() of one`);
}
