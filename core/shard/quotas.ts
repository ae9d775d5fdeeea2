/**
 * What a tenant has used of its limits, as far as an owner counts it over all of its instances.
 *
 * @module
 */
import type { Limits } from "../limits.ts";
import { type Account, readAccount } from "./accounts.ts";
import { type Outcome, refused } from "./requests.ts";

/** What is counted for one tenant. */
export interface Usage {
  /** What the cell holds: what the last batch that was made says. */
  readonly account: Account;
  /** Instances that have not ended, with what has been decided since. */
  living: number;
  /** Creations that might follow at once, when they were last counted; `undefined`: they never were. */
  tokens: number | undefined;
  /** When that was, monotonic ms. */
  at: number;
}

/** Key of the cell that holds it. */
export function usageCell(tenant: string): string {
  return `usage/${tenant}`;
}

/** Reads that cell. */
export function readUsage(text: string | null): Usage {
  const account = readAccount(text);
  return { account, living: account.living, tokens: undefined, at: 0 };
}

/** A life that is to begin. */
export interface Birth {
  readonly workflow: string;
  /** Monotonic ms. */
  readonly now: number;
  /** Whether it takes the place of one that has not ended. */
  readonly alive: boolean;
}

/** How long until another life may begin, ms, as far as creations a second are limited. */
export function untilLife(usage: Usage, { createsPerSecond }: Limits, now: number): number {
  const missing = 1 - tokensOf(usage, createsPerSecond, now);
  return missing <= 0 || createsPerSecond <= 0 ? 0 : Math.ceil(missing * 1000 / createsPerSecond);
}

function tokensOf({ tokens, at }: Usage, createsPerSecond: number, now: number): number {
  const most = createsPerSecond > 0 ? Math.max(1, createsPerSecond) : 0;
  return tokens === undefined ? most : Math.min(most, tokens + (now - at) / 1000 * createsPerSecond);
}

/** Why no life may begin now, or `undefined`: then it is counted as a creation. */
export function noLife(usage: Usage, { instances, createsPerSecond }: Limits, { workflow, now, alive }: Birth): Outcome | undefined {
  if (!alive && usage.living >= instances) {
    return tooMany(workflow, `the limit of ${instances} instances that have not ended has been reached`);
  }
  const tokens = tokensOf(usage, createsPerSecond, now);
  usage.at = now;
  if (tokens < 1) {
    usage.tokens = tokens;
    return tooMany(workflow, `the limit of ${createsPerSecond} creations a second has been reached`);
  }
  usage.tokens = tokens - 1;
  return undefined;
}

function tooMany(workflow: string, why: string): Outcome {
  return refused("quota_exceeded", `Cannot create an instance of "${workflow}": ${why}`);
}
