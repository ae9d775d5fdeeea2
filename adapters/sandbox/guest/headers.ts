/**
 * Headers of commands, written by hand: no object is made of which a tenant's `toJSON` or setter could get hold, and
 * `JSON.stringify` is asked for texts alone, which is also what it does fastest.
 *
 * @module
 */
import type { ErrorSummary } from "../../../core/ports/guest.ts";
import type { MergedStepConfig } from "../../../core/step_config.ts";

const { stringify } = JSON;

/** `,"key":"value"`. The key is ours. */
export function textField(key: string, value: string): string {
  return `,"${key}":${stringify(value)}`;
}

/** `,"key":1`. Finite numbers only. */
export function numberField(key: string, value: number): string {
  return `,"${key}":${value}`;
}

/** The config of a step, or of its rollback. The key is ours. */
export function configField(key: string, config: MergedStepConfig): string {
  const { limit, delay, backoff } = config.retries;
  const wait = delay === undefined ? "" : `"delay":${duration(delay)},`;
  const retries = `{"limit":${limit},${wait}"backoff":"${backoff}"}`;
  const sensitive = config.sensitive === undefined ? "" : `,"sensitive":"output"`;
  return `,"${key}":{"retries":${retries},"timeout":${duration(config.timeout)}${sensitive}}`;
}

/** What the host needs of an error. */
export function errorField(error: ErrorSummary): string {
  return `,"error":{"name":${stringify(error.name)},"message":${stringify(error.message)}}`;
}

function duration(value: number | string): string {
  return typeof value === "string" ? stringify(value) : `${value}`;
}
