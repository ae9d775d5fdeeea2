/**
 * Objects of a bucket by the S3 protocol.
 *
 * Guarantee: an answer that is not one (an error of the server, a time-out, a broken connection) is a throw, whatever
 * was done. Nothing is sent twice but what the server said that it did not do (409).
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { Objects } from "../log_store/objects.ts";
import { readPage } from "./list_page.ts";

/** Signs a request and makes it: what `AwsClient` of aws4fetch does. */
export interface S3Client {
  /** As the global `fetch`. */
  fetch(url: string, init: S3Request): Promise<Response>;
}

/** What requests are made of. */
export interface S3Request {
  /** The method. */
  readonly method: "GET" | "PUT" | "DELETE";
  /** Conditions. */
  readonly headers?: Record<string, string>;
  /** What is put. */
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How often a put that collided with another one is tried again. */
const COLLISIONS = 5;

/**
 * Opens a bucket; all keys begin with `prefix`.
 *
 * @param url the bucket, without `/` at the end
 * @param timeout of one request, ms
 */
export function openS3(client: S3Client, url: string, prefix: string, timeout: number): Objects {
  async function ask(method: S3Request["method"], path: string, more: Omit<S3Request, "method" | "signal"> = {}): Promise<Response> {
    const response = await client.fetch(`${url}${path}`, { method, ...more, signal: AbortSignal.timeout(timeout) });
    if (response.status < 200 || (response.status >= 300 && ![404, 409, 412].includes(response.status))) {
      await response.body?.cancel();
      throw new Error(`The server answered ${method} with ${response.status}`);
    }
    return response;
  }

  async function putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const headers = { "if-none-match": "*", "content-type": "application/octet-stream" };
    for (let tries = 0;; tries++) {
      const { status, body } = await ask("PUT", `/${prefix}${key}`, { headers, body: new Uint8Array(bytes) });
      await body?.cancel();
      if (status === 412) return false;
      // Two puts at one time: this one was not done, and the next look finds the other or nothing.
      if (status === 409 && tries < COLLISIONS) continue;
      if (status >= 300) throw new Error(`The server answered PUT with ${status}`);
      return true;
    }
  }

  async function get(key: string): Promise<Uint8Array | null> {
    const response = await ask("GET", `/${prefix}${key}`);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    const text = await response.text();
    // Without its bucket nothing is there, which is not the same as an object that is not there.
    if (response.status === 404 && !text.includes("<Code>NoSuchBucket</Code>")) return null;
    throw new Error(`The server answered GET with ${response.status}`);
  }

  async function list(below: string): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ "list-type": "2", prefix: prefix + below });
      if (token !== undefined) query.set("continuation-token", token);
      const response = await ask("GET", `/?${query.toString().replaceAll("+", "%20")}`);
      const text = await response.text();
      if (!response.ok) throw new Error(`The server answered a list with ${response.status}`);
      const page = readPage(text);
      for (const key of page.keys) if (key.startsWith(prefix + below)) keys.push(key.slice(prefix.length));
      token = page.next;
    } while (token !== undefined);
    // Some kinds of buckets list in an order of their own.
    return keys.sort();
  }

  async function remove(key: string): Promise<void> {
    const { status, body } = await ask("DELETE", `/${prefix}${key}`);
    await body?.cancel();
    if (status === 409 || status === 412) throw new Error(`The server answered DELETE with ${status}`);
  }

  return { putIfAbsent, get, list, delete: remove };
}

/**
 * Has the server show that it keeps conditions: those that do not know `If-None-Match` overwrite, and say nothing.
 *
 * @throws {TenureError} `storage_unavailable` when it does not
 */
export async function checkConditions(objects: Objects): Promise<void> {
  const probe = new TextEncoder().encode("tenure");
  // There after the first, whoever put it; then a second one has to be refused.
  if (!await objects.putIfAbsent("probe", probe) || !await objects.putIfAbsent("probe", probe)) return;
  const reason = "it overwrites where `If-None-Match: *` forbids it, so two writers would lose data";
  throw new TenureError("storage_unavailable", `Cannot open "s3": ${reason}`);
}
