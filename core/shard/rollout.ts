/**
 * Moving all live instances of a tenant to a version: the caller's side, in any process.
 *
 * Instances are read a page at a time and looked at by their owner, a few at a time; what is kept of them is a number
 * and the list of those that did not move, which ends the call when it is full.
 *
 * @module
 */
import type { CallerStore } from "../caller_store.ts";
import { quote, TenureError } from "../errors.ts";
import type { Departure } from "../execution/rehearsal.ts";
import { placeOf, readCursor, writeCursor } from "../pages.ts";
import type { Head } from "../ports/store.ts";
import type { Engine } from "./engine.ts";
import type { HeadData } from "./live.ts";
import type { SkipCode, Verdict } from "./requests.ts";

/** Options of {@linkcode Tenant.upgrade}. */
export interface UpgradeOptions {
  /**
   * Only say what would happen: nothing is moved, nothing held up.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
  /** How many live instances to look at, at most. All of them by default. */
  readonly limit?: number;
  /** Where the call before ended: see {@linkcode UpgradeReport.cursor}. */
  readonly cursor?: string;
  /** Ends the call: it rejects with the signal's reason. What has moved has moved; the call may be repeated. */
  readonly signal?: AbortSignal;
}

/** An instance that would break. */
export interface BrokenInstance extends Departure {
  /** The name of its workflow. */
  readonly workflow: string;
  /** Its id. */
  readonly id: string;
}

/** An instance that could not be moved, or looked at, now. */
export interface SkippedInstance {
  /** The name of its workflow. */
  readonly workflow: string;
  /** Its id. */
  readonly id: string;
  /**
   * `busy`: its running steps did not end in time; `workflow_not_found`: the version exports no class of its name;
   * `code_unavailable`: the version could not be started; `corrupt`, `storage_newer`: its history cannot be read.
   */
  readonly code: SkipCode;
  /** In words. */
  readonly message: string;
}

/** What {@linkcode Tenant.upgrade} answers. */
export interface UpgradeReport {
  /** How many were moved; in a dry run: could be. */
  readonly moved: number;
  /** Those whose history the version does not keep to: left where they are. */
  readonly broken: readonly BrokenInstance[];
  /** Those that were left where they are for another reason. */
  readonly skipped: readonly SkippedInstance[];
  /** There: not all have been looked at (`limit`, or 1,000 entries in the lists). Where to go on. */
  readonly cursor?: string;
}

/** How many instances are read at a time, and how many of them looked at. */
const PAGE = 100;
const AT_A_TIME = 8;
/** So many entries in its lists end a call. */
const MAX_ENTRIES = 1_000;

/** Looks at the live instances of a tenant that run in another version, and moves them. */
export async function rollOut(
  { engine, store, tenant, version }: { readonly engine: Engine; readonly store: CallerStore; readonly tenant: string; readonly version: string },
  { dryRun = false, limit = Infinity, cursor, signal }: UpgradeOptions,
): Promise<UpgradeReport> {
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new TenureError("invalid_argument", `Cannot look at ${quote(limit)} instances: at least 1`);
  }
  const [created, workflow, id] = cursor === undefined ? [] : readCursor(cursor, ["number", "string", "string"]);
  let from = cursor === undefined ? undefined : placeOf({ tenant, workflow: workflow as string, id: id as string, created: created as number });
  const broken: BrokenInstance[] = [], skipped: SkippedInstance[] = [];
  let moved = 0;
  let left = limit;

  /** What the owner says of it. */
  async function ask({ workflow, id }: Head): Promise<Verdict> {
    try {
      return await engine.upgrade({ verb: "upgrade", tenant, workflow, id, version, dryRun });
    } catch (error) {
      if (!TenureError.is(error)) throw error;
      const { code, message } = error;
      // deleted meanwhile
      if (code === "instance.not_found") return { is: "current" };
      if (code === "corrupt" || code === "storage_newer") return { is: "skipped", code, message };
      throw error;
    }
  }

  for (;;) {
    signal?.throwIfAborted();
    const heads = await store.find({ tenant, limit: PAGE, ...(from && { from }) });
    const page: Head[] = [];
    let read = 0;
    for (; read < heads.length && left > 0; read++) {
      const head = heads[read] as Head;
      if (!concerns(head, version)) continue;
      page.push(head);
      left--;
    }
    for (const [n, verdict] of (await eachOf(page, ask, signal)).entries()) {
      const { workflow, id } = page[n] as Head;
      const { is, ...why } = verdict;
      if (is === "moved") moved++;
      if (is === "broken") broken.push({ workflow, id, ...why as Departure });
      if (is === "skipped") skipped.push({ workflow, id, ...why as Omit<SkippedInstance, "workflow" | "id"> });
    }
    from = heads[read - 1] ?? from;
    if (read === heads.length && heads.length < PAGE) return { moved, broken, skipped };
    if (left > 0 && broken.length + skipped.length < MAX_ENTRIES) continue;
    const { created, workflow, id } = from as Head;
    return { moved, broken, skipped, cursor: writeCursor([created, workflow, id]) };
  }
}

/** Does a job for each of a page, a few at a time; after a failure begins no more, and rejects when all is quiet. */
async function eachOf<A, B>(page: readonly A[], job: (item: A) => Promise<B>, signal: AbortSignal | undefined): Promise<B[]> {
  const results: B[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  async function work(): Promise<void> {
    while (next < page.length && failure === undefined) {
      const n = next++;
      try {
        signal?.throwIfAborted();
        results[n] = await job(page[n] as A);
      } catch (error) {
        failure ??= { error };
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
  return results;
}

/** Whether an instance lives, and runs in another version of the same kind: a tenant's, or one of the host's own. */
function concerns(head: Head, version: string): boolean {
  if (head.ended !== null) return false;
  const at = (JSON.parse(head.data) as HeadData).version;
  return at !== version && at.startsWith("host:") === version.startsWith("host:");
}
