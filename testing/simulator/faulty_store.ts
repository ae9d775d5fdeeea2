/**
 * A process's connection to the store: every call may take long, fail without effect, fail although it was applied,
 * be applied long after it failed, or be the last thing that its process does.
 *
 * @module
 */
import type { Head, InstanceKey, Lease, ShardBatch, Store } from "../../core/ports/store.ts";
import { never } from "../never.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import { delayOf, type Plan } from "./plan.ts";
import type { Process } from "./process.ts";
import type { Chance, World } from "./world.ts";

/** What a failing storage throws. */
export class SimulatedFault extends Error {
  override readonly name: string = "SimulatedFault";
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly world: World;
  readonly plan: Plan;
  readonly process: Process;
  readonly chance: Chance;
  readonly ledger: Ledger;
  /** Has clients ask for something of an instance that is being committed. */
  meanwhile(key: InstanceKey): void;
}

/** A line of a journal that is damaged. */
const NO_RECORD = '{"k":"nonsense","t":1}';

/** Wraps a store for one process. */
export function connect(inner: Store, parts: ConnectionParts): Store {
  const { world, plan, process, chance, ledger } = parts;
  const { rates } = plan;
  let refused = false;

  /** Who asks a watched clock for the time is not at rest: it is asked only while there may be an outage. */
  function down(): boolean {
    if (plan.outage.until === 0) return false;
    if (world.now() >= plan.outage.until) plan.outage.until = 0;
    return plan.outage.until > 0;
  }

  /** One call: `apply` is what happens at the store, in one moment. */
  function call<T>(name: string, write: boolean, apply: () => Promise<T>, of?: InstanceKey): Promise<T> {
    if (!process.alive()) return never();
    if (chance.chance(rates.crash)) return lastCall(name, write, apply);
    const lost = down() || chance.chance(rates.lost);
    const ambiguous = write && chance.chance(rates.ambiguous);
    const late = write && chance.chance(rates.late);
    if (!lost && !ambiguous && !late && chance.chance(plan.instant)) return apply();
    return new Promise<T>((resolve, reject) => {
      const fail = (what: string): void => {
        world.fault(`${process.name} ${name} ${what}`);
        process.enter(() => reject(new SimulatedFault(`the storage failed: ${what}`)));
      };
      const delay = delayOf(chance, plan);
      if (of !== undefined && chance.chance(rates.meddle)) world.at(chance.int(Math.min(delay, 20) + 1), () => parts.meanwhile(of));
      world.at(delay, () => {
        if (lost) return fail("lost");
        if (late) {
          world.at(chance.pick([20, 300, 3_000, 25_000]), () => void apply().catch(() => {}));
          return fail("late");
        }
        // what a dead process sent may be lost with it
        if (!process.alive() && chance.once(2)) return;
        apply().then((value) => {
          const answer = (): void => ambiguous ? fail("ambiguous") : process.enter(() => resolve(value));
          // a long way there or a long way back: seldom both
          if (ambiguous || chance.once(4)) world.at(delayOf(chance, plan), answer);
          else answer();
        }, (error) => process.enter(() => reject(error)));
      });
    });
  }

  /** The process dies of it, at one of three places. */
  function lastCall<T>(name: string, write: boolean, apply: () => Promise<T>): Promise<T> {
    switch (write ? chance.int(3) : 0) {
      case 0:
        process.kill(`before ${name}`);
        break;
      case 1:
        process.kill(`while ${name} is on its way`);
        world.at(delayOf(chance, plan), () => void apply().catch(() => {}));
        break;
      default:
        apply().catch(() => {});
        process.kill(`after ${name}`);
    }
    return never();
  }

  /** A read that mostly finds nothing: one event for each would be most of a schedule. */
  function poll<T>(name: string, apply: () => Promise<T>): Promise<T> {
    if (!process.alive()) return never();
    return down() || chance.once(4) ? call(name, false, apply) : apply();
  }

  return {
    caps: { ...inner.caps, maxOps: plan.maxOps },
    shards: inner.shards,
    blobs: inner.blobs,
    acquire(shard, owner, ttl) {
      const apply = async (): Promise<Lease | null> => {
        const lease = await inner.acquire(shard, owner, ttl);
        refused = lease === null;
        if (lease === null) return null;
        ledger.acquired(shard, lease, process);
        // much may happen to a process before it hears that it owns something
        if (chance.once(4)) await process.sleep(chance.pick([5, 50, 300]));
        return lease;
      };
      // who was refused asks again and again
      return refused ? poll("acquire", apply) : call("acquire", true, apply);
    },
    renew: (shard, epoch, ttl) => down() || chance.once(4) ? call("renew", true, () => inner.renew(shard, epoch, ttl)) : inner.renew(shard, epoch, ttl),
    release: (shard, epoch) => call("release", true, () => inner.release(shard, epoch)),
    ...(inner.survey !== undefined && { survey: (owner: string, ttl: number) => poll("survey", () => (inner.survey as NonNullable<Store["survey"]>)(owner, ttl)) }),
    commit: (batchId, batches) =>
      call("commit", true, async () => {
        const answer = await inner.commit(batchId, batches);
        ledger.committed(batches, answer, process);
        return answer;
      }, moved(batches)),
    load: (shard, key, part) =>
      call("load", false, async () => {
        const image = await inner.load(shard, key, part);
        return image !== null && plan.damaged.get(nameOf(key)) === true ? { ...image, journal: [...image.journal, NO_RECORD] } : image;
      }),
    due: (shard, query) => call("due", false, () => inner.due(shard, query)),
    find: (query) => call("find", false, () => inner.find(query)),
    cell: (shard, key) => refused ? poll("cell", () => inner.cell(shard, key)) : call("cell", false, () => inner.cell(shard, key)),
    cells: (shard, query) => call("cells", false, () => inner.cells(shard, query)),
    post: (shard, message) => call("post", true, () => inner.post(shard, message)),
    inbox: (shard, limit) => poll("inbox", () => inner.inbox(shard, limit)),
    outcome: (shard, key) => poll("outcome", () => inner.outcome(shard, key)),
    listen(shard, on) {
      const hint = (hear: () => void) => {
        let coming = false;
        return () => {
          // one that has not arrived yet says the same
          if (coming || !process.alive() || chance.chance(rates.lost)) return;
          coming = true;
          const heard = (): void => {
            coming = false;
            process.enter(hear);
          };
          if (chance.chance(plan.instant)) void Promise.resolve().then(heard);
          else world.at(delayOf(chance, plan), heard);
        };
      };
      return inner.listen?.(shard, { posted: hint(on.posted), committed: hint(on.committed) }) ?? (() => {});
    },
    close: () => process.alive() ? inner.close() : never(),
  };
}

/** An instance of which a batch holds a head alone: nothing else says that it is being written. */
function moved(batches: readonly ShardBatch[]): Head | undefined {
  for (const { heads, appends } of batches) {
    const alone = heads.find(({ tenant, id }) => !appends.some(({ key }) => key.tenant === tenant && key.id === id));
    if (alone !== undefined) return alone;
  }
  return undefined;
}
