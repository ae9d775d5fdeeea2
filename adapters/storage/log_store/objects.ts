/**
 * What a log store asks of the place where its objects are.
 *
 * @module
 */

/** Objects by key: segments of small letters, digits and `-`, separated by `/`. */
export interface Objects {
  /**
   * Writes an object unless there is one of that key, of several at one time exactly one: false for the others. Whole
   * and durable when it answers true. A throw means that nobody knows.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Reads an object, or `null`. What was written is seen by everybody at once. */
  get(key: string): Promise<Uint8Array | null>;
  /** All keys that start with `prefix`, which ends with `/`, in their order. */
  list(prefix: string): Promise<string[]>;
  /** Removes an object; of one that is not there: does nothing. */
  delete(key: string): Promise<void>;
  /** Frees what was opened with it. */
  close?(): Promise<void>;
}

/** A key as folder and name, for places that keep folders apart; of a prefix the name is empty. */
export function splitKey(key: string): [folder: string, name: string] {
  const at = key.lastIndexOf("/");
  return [key.slice(0, Math.max(at, 0)), key.slice(at + 1)];
}

/** The number of an object in a log as a part of its key: sorts as the numbers do. */
export function numberText(n: number): string {
  return String(n).padStart(16, "0");
}

/** The number that a key ends with. */
export function numberOf(key: string): number {
  return Number(key.slice(-16));
}

/** A text of any characters as a part of a key: nobody finds two of the same. */
export async function hashText(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
