/**
 * A tenant's account: what it has, and what it has used since it was first seen.
 *
 * It is a cell that is written in the batches that write heads: where an instance begins, comes to rest, ends, goes. What
 * the account has of an instance stands in its head ({@linkcode Share}), written by the same batch; so an owner that
 * finds an instance in the middle of something counts what came since, once, and no step costs a write of its own.
 *
 * @module
 */
import { isEnded, type State } from "../instance/state.ts";
import type { HeadData, Live } from "./live.ts";

/** What is counted for one tenant. */
export interface Account {
  /** Instances that have not ended. */
  living: number;
  /** Instances, those that have ended too. */
  kept: number;
  /** Bytes of their journals. */
  bytes: number;
  /** Steps that were begun. */
  steps: number;
  /** Lives that were begun. */
  creates: number;
  /** Guests that were opened. */
  wakes: number;
  /** Time that their turns took, ms. */
  cpu: number;
  /** When it was opened, ms; 0: it was not. */
  since: number;
}

/** What a tenant's account has of one instance, as the last batch that was made says. */
export interface Share {
  readonly living: 0 | 1;
  readonly kept: 0 | 1;
  readonly steps: number;
  readonly bytes: number;
}

/** What of an instance is to be counted with its next head. */
export interface Owed {
  creates: number;
  /** Steps of lives before this one. */
  steps: number;
  wakes: number;
  cpu: number;
}

/** Of one that is not in the store. */
export const NO_SHARE: Share = Object.freeze({ living: 0, kept: 0, steps: 0, bytes: 0 });

/** Nothing is owed. */
export function noneOwed(): Owed {
  return { creates: 0, steps: 0, wakes: 0, cpu: 0 };
}

/** Reads an account's cell. */
export function readAccount(text: string | null): Account {
  const none = { living: 0, kept: 0, bytes: 0, steps: 0, creates: 0, wakes: 0, cpu: 0, since: 0 };
  return text === null ? none : { ...none, ...JSON.parse(text) as Partial<Account> };
}

/** Counts what has come of an instance, whose head goes with the batch that the account goes with. */
export function book(account: Account, live: Live, now: number): void {
  const { share, owed } = live;
  const next = live.damage === undefined ? shareOf(live.state) : share;
  if (account.since === 0) account.since = now;
  // a store of before the count began holds fewer than there are
  account.living = Math.max(0, account.living + next.living - share.living);
  account.kept = Math.max(0, account.kept + next.kept - share.kept);
  account.bytes = Math.max(0, account.bytes + next.bytes - share.bytes);
  account.steps += owed.steps + Math.max(0, next.steps - share.steps);
  account.creates += owed.creates;
  account.wakes += owed.wakes;
  account.cpu = Math.round((account.cpu + owed.cpu) * 1_000) / 1_000;
  live.share = next;
  live.owed = noneOwed();
}

function shareOf(state: State | undefined): Share {
  return state === undefined ? NO_SHARE : { living: isEnded(state) ? 0 : 1, kept: 1, steps: state.steps, bytes: state.bytes };
}

/** What of a life that another one takes the place of is counted with that one: of its journal, what was handed to the store. */
export function inherit(live: Live, before: Live): void {
  const { share, owed } = before;
  live.share = { ...share, steps: 0 };
  live.owed = { ...owed, steps: owed.steps + Math.max(0, before.handed - share.steps) };
}

/** The share that a head's text holds. */
export function shareIn({ n }: HeadData, ended: boolean): Share {
  return { living: ended ? 0 : 1, kept: 1, steps: n?.[0] ?? 0, bytes: n?.[1] ?? 0 };
}

/** A head's text with the share that its batch counts. */
export function withShare(data: string, { steps, bytes }: State): string {
  return `${data.slice(0, -1)},"n":[${steps},${bytes}]}`;
}

/** A head's text without it. */
export function withoutShare(data: string): string {
  return data.replace(/,"n":\[\d+,\d+\]\}$/, "}");
}
