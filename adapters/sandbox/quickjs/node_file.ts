/**
 * Reading a file by its URL, where the platform's `fetch` does not: Node, and the runtimes that have its modules.
 *
 * @module
 */
import { readFile } from "node:fs/promises";

/** The bytes of a `file:` URL. */
export function readFileUrl(url: URL): Promise<Uint8Array> {
  return readFile(url);
}
