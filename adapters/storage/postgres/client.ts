/**
 * What is asked of a Postgres client, and how one is made.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";

/** What is bound. */
export type PostgresValue = string | number | Uint8Array | null;

/** A pool of connections: what the npm package `postgres` makes, and its like. */
export interface PostgresClient {
  /** Runs SQL: one statement with values, or several without any. */
  unsafe(
    query: string,
    values?: PostgresValue[],
    options?: { readonly prepare?: boolean },
  ): PromiseLike<readonly unknown[]>;
  /** Subscribes to a channel on a connection of its own, again after each loss of it. */
  listen?(channel: string, on: (payload: string) => void): PromiseLike<{ unlisten(): PromiseLike<unknown> }>;
  /** Ends all connections. */
  end(options?: { readonly timeout?: number }): PromiseLike<unknown>;
  /** Settings of the pool; without `prepare: false` statements are prepared. */
  readonly options?: { readonly prepare?: boolean };
}

/** Makes a pool of the npm package `postgres`, which is an optional peer. */
export async function connectTo(url: string): Promise<PostgresClient> {
  let make: (url: string, options: object) => PostgresClient;
  try {
    // @ts-ignore: an optional peer, which need not be installed.
    make = (await import("postgres")).default as typeof make;
  } catch (cause) {
    const message = 'Cannot open "postgres": the npm package "postgres" is not installed';
    throw new TenureError("storage_unavailable", message, { cause });
  }
  return make(url, { connection: { application_name: "tenure" }, onnotice: () => {} });
}
