/**
 * Who may run: a bound for each tenant (`limits.concurrency`), one for the process (`maxRunning`), and a quarantine.
 *
 * Who has to wait is remembered by its key, and waits in the store; tenants take turns in what becomes free, and within
 * a tenant the order of asking holds. Of one tenant a bounded number is remembered: the timers find the others again.
 *
 * The quarantine: what ran when a process died may be what killed it, and the others that ran are innocent. So the more
 * deaths an instance has been through without progress, the fewer others of that kind run beside it, and at its last
 * chance it runs alone among them: a death then is its own (I25).
 *
 * @module
 */
import type { InstanceKey } from "../ports/store.ts";
import { createGroups, type Group } from "./groups.ts";
import type { Room } from "./room.ts";

/** On what terms an instance runs. */
export interface Terms {
  /** `limits.concurrency` of its tenant. */
  readonly concurrency: number;
  /** Deaths that it has been through without progress. */
  readonly crashes: number;
  /** `limits.crashes` of its tenant. */
  readonly mostCrashes: number;
  /** Bounds of what it belongs to. */
  readonly groups: readonly Group[];
}

/** Places of the instances of one shard. */
export interface Slots {
  /** Takes a place, or the one that was kept for it; false when there is none: then it is remembered, if it can be. */
  take(key: InstanceKey, text: string, terms: Terms): boolean;
  /** Gives a place back. */
  give(tenant: string, text: string): void;
  /** It has made progress: not suspect any more. */
  clear(text: string): void;
  /** Whether one of the tenant's, that nothing speaks against, would get a place. */
  free(tenant: string, concurrency: number): boolean;
  /** Remembers who waits, unless it is ({@linkcode Slots.has}); false when too many of its tenant do. */
  remember(key: InstanceKey, text: string, concurrency: number): boolean;
  /** Whether it is remembered, or a place is kept for it. */
  has(tenant: string, text: string): boolean;
  /** Whether many more of a tenant could be remembered. */
  roomy(tenant: string): boolean;
  /** Keeps a place for whoever is next, and says who. */
  next(): { readonly key: InstanceKey; readonly text: string } | undefined;
  /** Gives back the place that was kept for it, unless it was taken. */
  unused(key: InstanceKey, text: string): void;
}

interface Tenant {
  running: number;
  concurrency: number;
  readonly queue: Map<string, InstanceKey>;
}

/** From so many deaths on an instance is suspect, if it has that many chances. */
const SUSPECT = 2;

/** Makes them; so many of one tenant are remembered. */
export function createSlots(room: Room, remembered: number): Slots {
  const tenants = new Map<string, Tenant>();
  /** Those of which somebody waits and might run, in turn. */
  const ready = new Map<string, Tenant>();
  /** Places kept for who was said to be next. */
  const kept = new Set<string>();
  /** Suspects that run, and how many may at most. */
  const suspects = new Map<string, number>();
  /** Suspects that wait, in their order. */
  const quarantine = new Map<string, { readonly key: InstanceKey; readonly terms: Terms }>();

  const groups = createGroups();

  function of(tenant: string, concurrency: number): Tenant {
    let found = tenants.get(tenant);
    if (found === undefined) tenants.set(tenant, found = { running: 0, concurrency, queue: new Map() });
    found.concurrency = concurrency;
    return found;
  }

  function turn(name: string, tenant: Tenant): void {
    if (tenant.queue.size > 0 && tenant.running < tenant.concurrency) ready.set(name, tenant);
    else ready.delete(name);
    if (tenant.queue.size === 0 && tenant.running === 0) tenants.delete(name);
  }

  function enter(name: string, tenant: Tenant): void {
    room.enter();
    tenant.running++;
    turn(name, tenant);
  }

  function admits(most: number): boolean {
    for (const each of suspects.values()) most = Math.min(most, each);
    return suspects.size < most;
  }

  function has(name: string, text: string): boolean {
    return kept.has(text) || quarantine.has(text) || groups.has(text) || tenants.get(name)?.queue.has(text) === true;
  }

  function remember(key: InstanceKey, text: string, concurrency: number): boolean {
    if (has(key.tenant, text)) return true;
    const tenant = of(key.tenant, concurrency);
    if (tenant.queue.size >= remembered) return false;
    tenant.queue.set(text, key);
    turn(key.tenant, tenant);
    return true;
  }

  function give(name: string, text: string): void {
    suspects.delete(text);
    const tenant = tenants.get(name);
    // places are reserved for those: they are asked for next, however many wait beside them
    for (const next of groups.leave(text)) of(next.key.tenant, tenant?.concurrency ?? 1).queue.set(next.text, next.key);
    if (tenant === undefined) return;
    tenant.running--;
    turn(name, tenant);
  }

  return {
    take(key, text, terms) {
      const most = suspicion(terms);
      const tenant = of(key.tenant, terms.concurrency);
      const isKept = kept.has(text);
      if (most < Infinity && !suspects.has(text)) {
        if (!admits(most)) {
          tenant.queue.delete(text);
          quarantine.set(text, { key, terms });
          turn(key.tenant, tenant);
          return false;
        }
      }
      if (!groups.enter(key, text, terms.groups)) {
        tenant.queue.delete(text);
        turn(key.tenant, tenant);
        return false;
      }
      if (!isKept && (room.full() || tenant.running >= tenant.concurrency)) {
        remember(key, text, terms.concurrency);
        return false;
      }
      if (most < Infinity) suspects.set(text, most);
      quarantine.delete(text);
      tenant.queue.delete(text);
      if (!kept.delete(text)) enter(key.tenant, tenant);
      else turn(key.tenant, tenant);
      return true;
    },
    give,
    clear: (text) => void suspects.delete(text),
    free(name, concurrency) {
      const tenant = tenants.get(name);
      return !room.full() && (tenant === undefined || (tenant.queue.size === 0 && tenant.running < concurrency));
    },
    remember,
    has,
    roomy: (name) => (tenants.get(name)?.queue.size ?? 0) < remembered / 2,
    next() {
      if (room.full()) return undefined;
      for (const [text, { key, terms }] of quarantine) {
        const tenant = of(key.tenant, terms.concurrency);
        if (!admits(suspicion(terms)) || tenant.running >= tenant.concurrency) break;
        quarantine.delete(text);
        suspects.set(text, suspicion(terms));
        kept.add(text);
        enter(key.tenant, tenant);
        return { key, text };
      }
      for (const [name, tenant] of ready) {
        ready.delete(name);
        for (const [text, key] of tenant.queue) {
          tenant.queue.delete(text);
          kept.add(text);
          // whoever has more goes to the end
          enter(name, tenant);
          return { key, text };
        }
      }
      return undefined;
    },
    unused(key, text) {
      if (!kept.delete(text)) return;
      give(key.tenant, text);
      room.leave();
    },
  };
}

/** How many suspects may run when one with such terms does; `Infinity`: it is none. */
function suspicion({ crashes, mostCrashes }: Terms): number {
  return crashes > 0 && crashes >= Math.min(SUSPECT, mostCrashes) ? Math.max(1, 4 ** (mostCrashes - crashes)) : Infinity;
}
