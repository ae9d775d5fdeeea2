/**
 * Deployed code by content hash: the source as given and the text made from it, so that every process runs the same
 * bytes.
 *
 * @module
 */
import { storageFailed } from "../caller_store.ts";
import { TenureError } from "../errors.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Code, Prepared } from "../ports/guest.ts";

/** Code as kept. */
interface Kept {
  readonly format: 1;
  readonly sandbox: string;
  readonly code: Code;
  readonly prepared: Prepared;
}

/** The code of all tenants, with a small memory of what was used last. */
export interface CodeStore {
  /** Keeps code; durable when it returns. */
  put(tenant: string, version: string, code: Code, sandbox: string, prepared: Prepared): Promise<void>;
  /**
   * Reads what was prepared.
   *
   * @throws {TenureError} `code_unavailable` when it is not there or does not hash to its name
   */
  get(tenant: string, version: string): Promise<Prepared>;
  /** Forgets it. */
  delete(tenant: string, version: string): Promise<void>;
}

const REMEMBERED = 256;

/** Makes one over blobs. */
export function createCodeStore(blobs: Blobs): CodeStore {
  // by tenant and hash, never by name alone: two tenants' code never meets (S14); a failed read is not remembered
  const recent = new Map<string, Prepared>();
  const reading = new Map<string, Promise<Prepared>>();
  function remember(tenant: string, version: string, prepared: Prepared): void {
    recent.set(`${version} ${tenant}`, prepared);
    if (recent.size > REMEMBERED) recent.delete(recent.keys().next().value as string);
  }
  return {
    async put(tenant, version, code, sandbox, prepared) {
      const kept: Kept = { format: 1, sandbox, code, prepared };
      await blobs.put(tenant, version, new TextEncoder().encode(JSON.stringify(kept))).catch((cause) => {
        throw storageFailed(cause);
      });
      remember(tenant, version, prepared);
    },
    async delete(tenant, version) {
      recent.delete(`${version} ${tenant}`);
      await blobs.delete(tenant, version).catch((cause) => {
        throw storageFailed(cause);
      });
    },
    async get(tenant, version) {
      const key = `${version} ${tenant}`;
      const known = recent.get(key);
      if (known !== undefined) return known;
      // a thousand instances that are found after a start have their code read and hashed once
      const under = reading.get(key);
      if (under !== undefined) return await under;
      const begun = read(tenant, version).finally(() => reading.delete(key));
      reading.set(key, begun);
      return await begun;
    },
  };

  async function read(tenant: string, version: string): Promise<Prepared> {
    const bytes = await blobs.get(tenant, version).catch((cause) => {
      // a damaged store concerns all; a damaged blob is this version's alone
      if (TenureError.is(cause) && cause.code === "corrupt") throw unavailable(version, "its content is damaged");
      throw storageFailed(cause);
    });
    if (bytes === null) throw unavailable(version, "it is not in the code store");
    const kept = JSON.parse(new TextDecoder().decode(bytes)) as Kept;
    if (await hashCode(kept.code) !== version) throw unavailable(version, "its content does not match its hash");
    remember(tenant, version, kept.prepared);
    return kept.prepared;
  }
}

function unavailable(version: string, why: string): TenureError {
  return new TenureError("code_unavailable", `Cannot run the version "${version}": ${why}`);
}

/** The content hash of code, as given: SHA-256 in hex over its modules in the order of their names. */
export async function hashCode(code: Code): Promise<string> {
  const modules = Object.keys(code.modules).sort().map((name) => [name, code.modules[name]]);
  const text = JSON.stringify([code.mainModule, modules]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, "0")).join("");
}
