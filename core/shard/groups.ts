/**
 * Bounds on how many instances of a group run at one time: those of one workflow, or of one key within it.
 *
 * Who finds its group full waits behind those who asked before. Whoever leaves makes room for the first of them, whose
 * place is reserved from that moment on: nobody who asks later comes before it.
 *
 * @module
 */
import type { InstanceKey } from "../ports/store.ts";

/** A group and its bound. */
export interface Group {
  readonly name: string;
  /** How many may run when one with this bound is to begin. */
  readonly limit: number;
}

/** Who waits for its turn. */
export interface Waiting {
  readonly key: InstanceKey;
  readonly text: string;
}

/** The groups of one shard's instances. */
export interface Groups {
  /** Takes its places in all of them, or the ones that are reserved for it; false: it waits, and is told by {@linkcode leave}. */
  enter(key: InstanceKey, text: string, groups: readonly Group[]): boolean;
  /** Gives its places back; answers for whom places were reserved. */
  leave(text: string): readonly Waiting[];
  /** Whether it waits. */
  has(text: string): boolean;
}

interface State {
  running: number;
  /** In the order of asking. */
  readonly queue: Map<string, Waiting & { readonly groups: readonly Group[] }>;
}

const NOBODY: readonly Waiting[] = [];

/** Makes them. Who waits is remembered by its key, however many do: `limits.instances` bounds them. */
export function createGroups(): Groups {
  const states = new Map<string, State>();
  /** By whom places are held. */
  const held = new Map<string, readonly Group[]>();
  /** In which group somebody waits. */
  const waiting = new Map<string, string>();

  function of(name: string): State {
    let found = states.get(name);
    if (found === undefined) states.set(name, found = { running: 0, queue: new Map() });
    return found;
  }

  function hold(text: string, groups: readonly Group[]): void {
    held.set(text, groups);
    for (const { name } of groups) of(name).running++;
  }

  /** Makes it wait in the first of its groups that is full. */
  function wait(who: Waiting, groups: readonly Group[], full: Group): void {
    waiting.set(who.text, full.name);
    of(full.name).queue.set(who.text, { key: who.key, text: who.text, groups });
  }

  return {
    enter(key, text, groups) {
      if (groups.length === 0 || held.has(text)) return true;
      if (waiting.has(text)) return false;
      const full = groups.find(({ name, limit }) => of(name).running >= limit || of(name).queue.size > 0);
      if (full === undefined) {
        hold(text, groups);
        return true;
      }
      wait({ key, text }, groups, full);
      return false;
    },
    leave(text) {
      const groups = held.get(text);
      if (groups === undefined) return NOBODY;
      held.delete(text);
      const next: Waiting[] = [];
      for (const { name } of groups) {
        const state = of(name);
        state.running--;
        for (const [waits, who] of state.queue) {
          const mine = who.groups.find((group) => group.name === name) as Group;
          if (state.running >= mine.limit) break;
          state.queue.delete(waits);
          waiting.delete(waits);
          const full = who.groups.find((group) => group.name !== name && of(group.name).running >= group.limit);
          if (full !== undefined) {
            wait(who, who.groups, full);
            continue;
          }
          hold(waits, who.groups);
          next.push({ key: who.key, text: waits });
        }
        if (state.running === 0 && state.queue.size === 0) states.delete(name);
      }
      return next;
    },
    has: (text) => waiting.has(text),
  };
}
