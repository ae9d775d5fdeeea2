/**
 * The Store port: where journals, heads, cells and messages are kept.
 *
 * The contract in one sentence: *a commit is one batch, all or nothing, durable when it answers, and refused
 * when its writer is not the newest owner*. Everything else (group commit, caching, timers, uniqueness of ids)
 * is the core's. A store trusts the core and nobody else: every text that it is given is opaque to it.
 *
 * Texts are ordered by their UTF-8 bytes. U+0000 and lone surrogates, which some storages change, are refused
 * (`invalid_argument`); the core never writes them.
 *
 * @module
 */
import type { Blobs } from "./blobs.ts";

/** Who an instance is: the three parts are injective in every index and key of a store. */
export interface InstanceKey {
  /** The tenant, 1 to 128 UTF-8 bytes. */
  readonly tenant: string;
  /** The workflow's name within the tenant. */
  readonly workflow: string;
  /** The instance's id within the workflow. */
  readonly id: string;
}

/** The small row of an instance: what lists, timers and recovery need without its journal. */
export interface Head extends InstanceKey {
  /** The committed status, one of the core's (`queued`, `running`, `waiting`, …). */
  readonly status: string;
  /**
   * When it has to be looked at: ms since the epoch; 0 when it has work now (recovery finds it by this);
   * `null` when only a message can move it; less than 0 when it has ended and is to be forgotten (see core/retention.ts).
   */
  readonly wake: number | null;
  /** When it was created, ms. */
  readonly created: number;
  /** When it ended, ms, or `null`. */
  readonly ended: number | null;
  /** The core's own text (life, code version, output, error). */
  readonly data: string;
}

/** Journal text to append to one instance: one or more whole records, one a line. */
export interface Append {
  /** Whose journal. */
  readonly key: InstanceKey;
  /** Number of the first record in `text`; dense within a journal: a gap or an overlap throws with the code `corrupt`. */
  readonly seq: number;
  /** Number of records in `text`. */
  readonly count: number;
  /** The records, separated by `\n`, without one at the end. */
  readonly text: string;
}

/** A message of somebody who is not the owner. */
export interface Message {
  /** Makes it idempotent within its shard: a key that was posted or applied before is not applied again. */
  readonly key: string;
  /** The core's own text. */
  readonly body: string;
}

/** What one commit does to one shard. Applied in the order of the fields. */
export interface ShardBatch {
  /** The shard. */
  readonly shard: number;
  /** The writer's epoch of it: the fence. */
  readonly epoch: number;
  /** Instances to forget whole (head and journal); a later field may make the key anew. */
  readonly drops: readonly InstanceKey[];
  /** Heads to insert or replace. */
  readonly heads: readonly Head[];
  /** Journal text to append. */
  readonly appends: readonly Append[];
  /** Keyed values of the shard to put, or to remove (`null`): small ones, and pieces of streams, of up to 350,000 bytes. */
  readonly cells: readonly { readonly key: string; readonly value: string | null }[];
  /**
   * Messages that this batch applies: each leaves the inbox and keeps its outcome for at least 24 h after `at` (ms).
   * A message that was never posted here may be acknowledged, too.
   */
  readonly acks: readonly { readonly key: string; readonly outcome: string; readonly at: number }[];
}

/** An instance as stored: what {@linkcode Store.load} answers. */
export interface Image {
  /** Its head. */
  readonly head: Head;
  /** Its journal in order: texts of {@linkcode Append}, whose lines are the records 0, 1, 2, … */
  readonly journal: readonly string[];
  /** Of a part: the number of the first record in `journal`, which may be less than was asked for. Without it: 0. */
  readonly from?: number;
}

/** Which part of a journal is wanted: a reader that follows a long one need not read it whole each time. */
export interface JournalPart {
  /** Texts are left out whose records are all before this one. */
  readonly from: number;
  /** At most this many texts. */
  readonly texts: number;
}

/** An entry of the timers. */
export interface Due extends InstanceKey {
  /** The head's wake time, ms. */
  readonly wake: number;
}

/** Which timers to read. */
export interface DueQuery {
  /** Only wake times greater than this, ms. */
  readonly after: number;
  /** Only wake times up to and including this, ms. */
  readonly until: number;
  /** At most this many. */
  readonly limit: number;
  /** Only entries behind this one in the order (wake, tenant, workflow, id), for reading on. */
  readonly from?: Due;
}

/** Which heads to read. */
export interface FindQuery {
  /** The tenant: always given, nothing crosses tenants. */
  readonly tenant: string;
  /** Only this workflow. */
  readonly workflow?: string;
  /** Only this id (with `workflow`). */
  readonly id?: string;
  /** Only this status. */
  readonly status?: string;
  /** At most this many. */
  readonly limit: number;
  /** Only heads behind this one in the order (created, workflow, id), for reading on. */
  readonly from?: Head;
}

/** What an owner is told when it acquires a shard. */
export interface Lease {
  /** Its epoch: greater than every epoch before it. */
  readonly epoch: number;
  /** Id of the last batch committed to the shard, or `""`: decides an unknown outcome. */
  readonly lastBatch: string;
  /** Whether the owner before it released the shard (or there was none). */
  readonly clean: boolean;
}

/** Who works on a store, and which of its shards nobody owns: what {@linkcode Store.survey} answers. */
export interface Survey {
  /** Engines that live, who asks among them: their names, and how many shards each owns. */
  readonly members: readonly Member[];
  /** Shards that can be acquired now: released, or the lease has run out, or the owner is known to be dead. */
  readonly free: readonly number[];
  /** Shards whose owner is who asks. */
  readonly yours: readonly number[];
}

/** An engine that lives. */
export interface Member {
  /** The name under which it acquires shards. */
  readonly owner: string;
  /** How many it owns. */
  readonly shards: number;
}

/** What a store promises, so that `createTenure` can refuse what would lose data. */
export interface StoreCaps {
  /** What "ok" of a commit survives: power loss, loss of a replica, loss of the process, nothing. */
  readonly durability: "fsync" | "replicated" | "process" | "none";
  /** Whether writers of several processes are fenced, or there must be only one process. */
  readonly writers: "fenced" | "single-process";
  /** How many shards one commit may touch. */
  readonly fencesPerCommit: number;
  /** How many operations (drops, heads, appends, cells, acks) one commit may hold. */
  readonly maxOps: number;
  /** How many bytes of text one commit may hold. */
  readonly maxBytes: number;
  /** How many bytes one text may have. */
  readonly maxValue: number;
}

/**
 * An opened store.
 *
 * Every method may throw when the storage beneath fails. For {@linkcode Store.commit} a throw means **outcome
 * unknown**: applied whole or not at all, nobody knows. No retry inside an adapter may hide this.
 */
export interface Store {
  /** What it promises. */
  readonly caps: StoreCaps;
  /** How many shards it has, fixed at its creation. */
  readonly shards: number;
  /** Where code and large values go unless the platform names another place. */
  readonly blobs: Blobs;
  /**
   * Takes a shard over when its owner is gone: dead (a free lock), released, or its lease ran out. Always raises
   * the epoch, also for the same owner. `null` while another owner lives.
   *
   * @param owner a name that no other engine has
   * @param ttl lease in ms, where ownership is by lease
   */
  acquire(shard: number, owner: string, ttl: number): Promise<Lease | null>;
  /** Prolongs the lease; false when the epoch is not the newest. */
  renew(shard: number, epoch: number, ttl: number): Promise<boolean>;
  /**
   * Gives the shard up in good order: the next {@linkcode Lease.clean} is true, and the epoch can write no more. Of an
   * old epoch: does nothing.
   */
  release(shard: number, epoch: number): Promise<void>;
  /**
   * Says that the engine `owner` lives for `ttl` ms more (0: that it owns no more), and answers who else does, so that
   * shards can be shared out. Only a matter of who asks for what: whether a write counts is decided by the epoch.
   * Without it whoever comes first takes every shard that is free.
   */
  survey?(owner: string, ttl: number): Promise<Survey>;
  /**
   * Writes all of `batches` or nothing; durable when it answers "ok". Answers the shards whose epoch is not the
   * newest, when there is one, and then has written nothing. Records `batchId` as {@linkcode Lease.lastBatch} of
   * each shard.
   */
  commit(batchId: string, batches: readonly ShardBatch[]): Promise<"ok" | { readonly fenced: readonly number[] }>;
  /**
   * Reads one instance, or `null`: head and journal of one moment. A store may leave out what is no part of `part`, and
   * need not.
   */
  load(shard: number, key: InstanceKey, part?: JournalPart): Promise<Image | null>;
  /** Reads timers of a shard in the order (wake, tenant, workflow, id). */
  due(shard: number, query: DueQuery): Promise<readonly Due[]>;
  /** Reads heads in the order (created, workflow, id). May be called by anybody; committed state only. */
  find(query: FindQuery): Promise<readonly Head[]>;
  /** Reads one cell, or `null`. */
  cell(shard: number, key: string): Promise<string | null>;
  /** Reads cells whose key starts with `prefix`, behind `after`, in the order of their keys (by UTF-8 bytes). */
  cells(
    shard: number,
    query: { readonly prefix: string; readonly after?: string; readonly limit: number },
  ): Promise<readonly { readonly key: string; readonly value: string }[]>;
  /** Leaves a message for the owner: durable when it returns. A key already posted or acknowledged does nothing. */
  post(shard: number, message: Message): Promise<void>;
  /** Reads all messages that wait, in the order in which they were posted, up to `limit`. */
  inbox(shard: number, limit: number): Promise<readonly Message[]>;
  /** Reads the outcome of a message, or `null` while it is not applied. */
  outcome(shard: number, key: string): Promise<string | null>;
  /**
   * Calls `posted` some time after a message was left for the shard, `committed` some time after something was
   * committed to it, by whomever. Hints that spare looking: they may be late, missing or superfluous. Stores without
   * them are looked at every 50 ms by who waits. Returns their end.
   */
  listen?(shard: number, on: { readonly posted: () => void; readonly committed: () => void }): () => void;
  /** Closes the connection and frees locks; releases no shard (a shard not released counts as unclean). */
  close(): Promise<void>;
}

/** What a storage factory returns: a recipe that the engine opens (each engine its own connection to the same data). */
export interface StorageAdapter {
  /** For messages: `sqlite`, `memory`, … */
  readonly name: string;
  /** Opens, creates or migrates the store. */
  open(): Promise<Store>;
}
