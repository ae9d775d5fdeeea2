/**
 * Where an instance is wished to run: Cloudflare's hints and jurisdictions. Taken, checked and recorded, so that the
 * same call works on both and a platform can see what was asked for; an engine that is in one place acts on none.
 *
 * @module
 */
import { quote, TenureError } from "./errors.ts";

/** Regions of a {@linkcode Placement.locationHint}. */
export const LOCATION_HINTS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me"] as const;
/** Jurisdictions of a {@linkcode Placement.jurisdiction}. */
export const JURISDICTIONS = ["eu", "fedramp", "us"] as const;

/** What was wished for. */
export interface Placement {
  /** A region, best effort. */
  readonly locationHint?: typeof LOCATION_HINTS[number];
  /** Whose law its data is to stay under. */
  readonly jurisdiction?: typeof JURISDICTIONS[number];
}

/**
 * Takes what was asked for; nothing else of the object.
 *
 * @throws {TenureError} `invalid_argument` for a place that there is not
 */
export function checkPlacement(given: Placement): Placement {
  check("locationHint", given.locationHint, LOCATION_HINTS);
  check("jurisdiction", given.jurisdiction, JURISDICTIONS);
  return placementOf(given);
}

/** What of something that was checked, or recorded, is a placement. */
export function placementOf({ locationHint, jurisdiction }: Placement): Placement {
  return { ...(locationHint !== undefined && { locationHint }), ...(jurisdiction !== undefined && { jurisdiction }) };
}

function check(what: string, given: unknown, known: readonly unknown[]): void {
  if (given === undefined || known.includes(given)) return;
  throw new TenureError("invalid_argument", `Cannot use ${quote(given)} as ${what}: it is none of ${known.join(", ")}`);
}
