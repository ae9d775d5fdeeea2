/**
 * What every decision shares.
 *
 * @module
 */
import type { Limits } from "../../limits.ts";
import type { Record } from "../records.ts";
import type { State } from "../state.ts";

/** The world as a decision may see it: given, never read. */
export interface Facts {
  /** Wall time, ms. */
  readonly now: number;
  readonly limits: Limits;
  /** The engine is letting go: nothing new starts, what runs may come to its end. */
  readonly draining: boolean;
}

/** What a decision answers: records to append, in order. Empty: nothing happens. */
export type Records = readonly Record[];

/** Nothing. */
export const NOTHING: Records = Object.freeze([]);

/** Whether the journal may not grow by so many bytes (UTF-16 units). */
export function isFull(state: State, limits: Limits, more: number = 0): boolean {
  return state.bytes + more >= limits.journalBytes;
}

/** What is said then. */
export function fullText({ journalBytes }: Limits): string {
  return `limit of ${journalBytes} bytes of history has been reached`;
}

/** The time of a new record: the wall's, but never less than the journal's last (I14). */
export function timeOf(state: State, now: number): number {
  return Math.max(Math.floor(now), state.t);
}
