/**
 * Many instances in one call: what of it is refused as a whole, and what is said of each.
 *
 * @module
 */
import { quote, TenureError } from "../errors.ts";
import { checkAddressableId } from "../ids.ts";
import { byteLength } from "../utf8.ts";

/** An entry of what a batch answers for what it could not do. */
export interface BatchError {
  /** Position in the call. */
  readonly index: number;
  /** The id that was asked for. */
  readonly id: string;
  /** Cloudflare's number: 10405 the id is taken, 10415 it stands twice in the batch, 10400 not found, 10001 other. */
  readonly code: number;
  /** In words. */
  readonly message: string;
}

/** What a deletion of many answers: each position of the call stands in one of the two. */
export interface BatchDeleteResult {
  /** In the order of the call. */
  readonly deleted: { readonly id: string }[];
  /** What could not be deleted. */
  readonly errors: BatchError[];
}

/** Most instances in one batch. */
const MAX_BATCH = 100;

/** What an instance of a batch is made with. */
interface Options {
  readonly id?: string;
}

/** What the members of a batch are made by. */
export interface BatchMaker<O, R extends { readonly params: string }, H> {
  /** Checks one; throws for what is wrong with it. */
  readonly checked: (options: O) => R;
  /** Makes one. */
  readonly submitted: (request: R) => Promise<H>;
  /** Bytes that the params of a batch may have together. */
  readonly bytes: number;
}

/**
 * The older form: makes what it can of a list, and leaves out what is taken or repeated. Nothing is made when anything
 * in the list is wrong.
 */
export async function createList<O extends Options, R extends { readonly params: string }, H extends object>(
  batch: readonly O[],
  { checked, submitted, bytes }: BatchMaker<O, R, H>,
): Promise<H[]> {
  const requests = size(batch).map(checked);
  within(bytes, requests);
  const seen = new Set<unknown>();
  const made = await Promise.all(requests.map(async (request, index) => {
    const id = batch[index]?.id;
    if (id !== undefined && seen.has(id)) return undefined;
    seen.add(id);
    return submitted(request).catch((error) => {
      // whatever else is wrong is wrong with the call
      if (codeOf(error) !== 10_405) throw error;
      return undefined;
    });
  }));
  return made.filter((handle) => handle !== undefined);
}

/** Makes what it can of a batch, and says of the rest why not. Nothing is made when it is too large as a whole. */
export async function createMany<O extends Options, R extends { readonly params: string }, H extends object>(
  batch: { readonly instances?: readonly O[]; readonly count?: number } & O,
  { checked, submitted, bytes }: BatchMaker<O, R, H>,
): Promise<{ readonly created: H[]; readonly errors: BatchError[] }> {
  const { instances, count, ...each } = batch ?? {} as typeof batch;
  const seen = new Set<unknown>();
  const tried = listOf(instances, count, each as unknown as O).map((options, index) => {
    const given: unknown = options?.id;
    const id = typeof given === "string" ? given : "";
    if (given !== undefined && seen.has(given)) {
      return { index, id, code: 10_415, message: `(instance.duplicate_in_batch) The id ${quote(given)} stands twice in the batch` };
    }
    seen.add(given);
    try {
      return { index, id, request: checked(options) };
    } catch (error) {
      return failed(index, id, error);
    }
  });
  // what all have in common crosses once
  within(bytes, tried.flatMap((each, n) => "request" in each && (instances !== undefined || n === 0) ? [each.request] : []));
  const settled = await Promise.all(tried.map((each) => {
    return "request" in each ? submitted(each.request).catch((error) => failed(each.index, each.id, error)) : each;
  }));
  return {
    created: settled.filter((each): each is Awaited<H> => !("index" in each)),
    errors: settled.filter((each): each is BatchError => "index" in each),
  };
}

/**
 * Deletes what exists of a list of ids, each once however often it stands there.
 *
 * @throws {TenureError} `invalid_argument` when it is no list of 1 to 100
 * @throws {WorkflowError} `invalid_instance_id` when one of them can be no id; nothing is deleted then
 */
export async function deleteMany(ids: readonly string[], remove: (id: string) => Promise<void>): Promise<BatchDeleteResult> {
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > MAX_BATCH) {
    throw new TenureError("invalid_argument", `Cannot delete a batch: it must have 1 to ${MAX_BATCH} ids`);
  }
  for (const id of ids) checkAddressableId(id);
  const removed = new Map<string, Promise<unknown>>();
  for (const id of ids) {
    if (!removed.has(id)) removed.set(id, remove(id).then(() => undefined, (error: unknown) => error ?? new Error("")));
  }
  const deleted: { id: string }[] = [], errors: BatchError[] = [];
  for (const [index, id] of ids.entries()) {
    const error = await removed.get(id);
    if (error === undefined) deleted.push({ id });
    else errors.push(failed(index, id, error));
  }
  return { deleted, errors };
}

function listOf<O>(instances: readonly O[] | undefined, count: number | undefined, each: O): readonly O[] {
  const counted = instances === undefined && Number.isSafeInteger(count) && (count as number) <= MAX_BATCH;
  return size(counted ? Array.from({ length: Math.max(0, count as number) }, () => each) : instances);
}

function size<O>(list: readonly O[] | undefined): readonly O[] {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_BATCH) {
    throw new TenureError("invalid_argument", `Cannot create a batch: it must have 1 to ${MAX_BATCH} instances`);
  }
  return list;
}

function within(limit: number, requests: readonly { readonly params: string }[]): void {
  const bytes = requests.reduce((sum, { params }) => sum + byteLength(params), 0);
  if (bytes > limit) {
    throw new TenureError("too_large", `Cannot create a batch: its params have ${bytes} bytes, more than the limit of ${limit}`);
  }
}

function failed(index: number, id: string, error: unknown): BatchError {
  return { index, id, code: codeOf(error), message: error instanceof Error ? error.message : String(error) };
}

function codeOf(error: unknown): number {
  const code = TenureError.is(error) ? error.code : "";
  return code === "instance.already_exists" ? 10_405 : code === "instance.not_found" ? 10_400 : 10_001;
}
