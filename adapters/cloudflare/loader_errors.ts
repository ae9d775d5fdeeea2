/**
 * Why code is not loaded.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";

/** What was given is no code. */
export function invalid(why: string): TenureError {
  return new TenureError("invalid_argument", `Cannot load the code: ${why}`);
}

/** It asks for what is not there. */
export function unsupported(what: string, why?: string): TenureError {
  return new TenureError("unsupported", `Cannot load the code: ${what} is not supported${why === undefined ? "" : `: ${why}`}`);
}
