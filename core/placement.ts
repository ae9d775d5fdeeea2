/**
 * Where an instance is wished to run: Cloudflare's hints and jurisdictions. Taken, checked and recorded, so that the
 * same call works on both and a platform can see what was asked for; an engine that is in one place acts on none.
 *
 * @module
 */
import { quote, TenureError } from "./errors.ts";

/** A region that Cloudflare knows. */
export type WorkflowInstanceLocationHint =
  | "wnam"
  | "enam"
  | "sam"
  | "weur"
  | "eeur"
  | "apac"
  | "apac-ne"
  | "apac-se"
  | "oc"
  | "afr"
  | "me";
/** A jurisdiction that Cloudflare knows. */
export type WorkflowInstanceJurisdiction = "eu" | "fedramp" | "us";

const HINTS: { readonly [hint in WorkflowInstanceLocationHint]: true } = {
  wnam: true,
  enam: true,
  sam: true,
  weur: true,
  eeur: true,
  apac: true,
  "apac-ne": true,
  "apac-se": true,
  oc: true,
  afr: true,
  me: true,
};
const JURISDICTIONS: { readonly [jurisdiction in WorkflowInstanceJurisdiction]: true } = { eu: true, fedramp: true, us: true };

/** What was wished for. */
export interface Placement {
  /** A region, best effort. */
  readonly locationHint?: WorkflowInstanceLocationHint;
  /** Whose law its data is to stay under. */
  readonly jurisdiction?: WorkflowInstanceJurisdiction;
}

/**
 * Takes what was asked for; nothing else of the object.
 *
 * @throws {TenureError} `invalid_argument` for a place that there is not
 */
export function checkPlacement(given: Placement): Placement {
  check("locationHint", given.locationHint, HINTS);
  check("jurisdiction", given.jurisdiction, JURISDICTIONS);
  return placementOf(given);
}

/** What of something that was checked, or recorded, is a placement. */
export function placementOf({ locationHint, jurisdiction }: Placement): Placement {
  return { ...(locationHint !== undefined && { locationHint }), ...(jurisdiction !== undefined && { jurisdiction }) };
}

function check(what: string, given: unknown, known: object): void {
  if (given === undefined || (typeof given === "string" && Object.hasOwn(known, given))) return;
  throw new TenureError("invalid_argument", `Cannot use ${quote(given)} as ${what}: it is none of ${Object.keys(known).join(", ")}`);
}
