/**
 * Messages of a shard: an object each, named after its key, so that nobody leaves one twice.
 *
 * Guarantee: what is acknowledged is never read again, also when it is posted at that very moment: outcomes hide it,
 * and the owner removes what they hide for as long as they are kept.
 *
 * @module
 */
import type { Message } from "../../../core/ports/store.ts";
import { isWhole, sealText, unsealText } from "./frame.ts";
import { hashText, type Objects } from "./objects.ts";

interface Letter extends Message {
  /** The order of posting: microseconds of the poster's clock, never twice the same one of one poster. */
  readonly at: number;
}

/** The inbox of a shard. */
export interface LogInbox {
  /** Leaves a message. */
  post(message: Message): Promise<void>;
  /** Reads what waits; `hidden` says which keys have an outcome, and `remove` whether those are to be removed. */
  read(limit: number, hidden: (key: string) => boolean, remove: boolean): Promise<readonly Message[]>;
  /** Removes the messages of these keys. Never fails. */
  remove(keys: readonly string[]): Promise<void>;
}

/** Makes the inbox below `prefix`. */
export function createLogInbox(objects: Objects, prefix: string, now: () => number): LogInbox {
  const folder = `${prefix}/in/`;
  /** What was read: an object of a name never changes. */
  const known = new Map<string, Letter>();
  let last = 0;

  async function post({ key, body }: Message): Promise<void> {
    last = Math.max(last + 1, Math.floor(now() * 1000));
    await objects.putIfAbsent(folder + await hashText(key), sealText(JSON.stringify({ key, body, at: last })));
  }

  async function read(limit: number, hidden: (key: string) => boolean, remove: boolean): Promise<readonly Message[]> {
    const names = new Set(await objects.list(folder));
    for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    await Promise.all([...names].filter((name) => !known.has(name)).map(async (name) => {
      const object = await objects.get(name);
      if (object !== null && isWhole(object)) known.set(name, JSON.parse(unsealText(object)) as Letter);
    }));
    const letters: Letter[] = [];
    for (const [name, letter] of known) {
      if (!hidden(letter.key)) letters.push(letter);
      else if (remove) {
        known.delete(name);
        await objects.delete(name);
      }
    }
    letters.sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));
    return letters.slice(0, limit).map(({ key, body }) => ({ key, body }));
  }

  async function remove(keys: readonly string[]): Promise<void> {
    try {
      for (const key of keys) {
        const name = folder + await hashText(key);
        known.delete(name);
        await objects.delete(name);
      }
    } catch {
      // Their outcomes hide them until the next who reads the inbox removes them.
    }
  }

  return { post, read, remove };
}
