/**
 * Turns what a Postgres client throws into one sentence, without SQL, addresses and values.
 *
 * @module
 */
import { quote, TenureError } from "../../../core/errors.ts";
import { corrupt } from "../../../core/store_rules.ts";

/** The code that our functions raise with a sentence of ours. */
export const CORRUPT = "TN001";

const REASONS: readonly (readonly [start: string, reason: string])[] = [
  ["ECONNREFUSED", "nothing listens at its address"],
  ["ENOTFOUND", "its host is not known"],
  ["ECONNRESET", "the connection broke"],
  ["EPIPE", "the connection broke"],
  ["ETIMEDOUT", "the connection timed out"],
  ["CONNECT_TIMEOUT", "it cannot be reached in time"],
  ["CONNECTION_", "the connection was closed"],
  ["28", "it does not accept the user or the password"],
  ["3D000", "there is no such database"],
  ["42501", "the user may not do this"],
  ["53100", "its disk is full"],
  ["53300", "it has too many connections"],
  ["53", "it is out of resources"],
  ["57P", "it is starting or shutting down"],
  ["57014", "it took longer than the server allows"],
  ["55P03", "a lock was not to be had in time"],
  ["25006", "it is read-only"],
  ["40", "the server gave the transaction up"],
  ["08", "the connection broke"],
];

/** Wraps an error of the client; errors of ours pass. */
export function failure(act: string, name: string, error: unknown): unknown {
  if (TenureError.is(error)) return error;
  const { code, message, constraint_name: constraint } = (error ?? {}) as Record<string, unknown>;
  const text = typeof code === "string" ? code : "";
  if (text === CORRUPT) return corrupt(String(message));
  if (text === "23505" && constraint === "journal_pkey") return corrupt("The journal continues behind what was to be added");
  const reason = REASONS.find(([start]) => text.startsWith(start))?.[1] ??
    (text === "" ? "the client failed" : `the server answered with the code ${text.slice(0, 20)}`);
  return new TenureError("storage_unavailable", `Cannot ${act} ${quote(name)}: ${reason}`, { cause: error });
}
