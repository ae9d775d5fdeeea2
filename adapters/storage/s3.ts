/**
 * A store in a bucket of S3, or of what speaks its protocol and keeps `If-None-Match`: no server of one's own, and as
 * many writers as there are. And blobs there.
 *
 * Guarantees: the whole {@linkcode Store} contract. A commit is one object, put with `If-None-Match: *`. Who owns a shard
 * is decided by a lease, and whether a write counts by who took its number. A server that ignores the condition is
 * refused at the start. An answered commit survives what the service promises of an answered PUT.
 *
 * Signs with the npm package `aws4fetch`, an optional peer, or with a client that is passed in.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { Blobs } from "../../core/ports/blobs.ts";
import type { StorageAdapter, StoreCaps } from "../../core/ports/store.ts";
import { createLogBlobs } from "./log_store/blobs.ts";
import { createLogStorage } from "./log_store/mod.ts";
import type { LogStoreOptions } from "./log_store/options.ts";
import type { Objects } from "./log_store/objects.ts";
import { checkConditions, openS3, type S3Client } from "./s3/objects.ts";

export type { LogStoreOptions } from "./log_store/options.ts";
export type { S3Client, S3Request } from "./s3/objects.ts";

/** Who asks. */
export interface S3Credentials {
  /** Id of the key. */
  readonly accessKeyId: string;
  /** Its secret. */
  readonly secretAccessKey: string;
  /** Of a key that ends. */
  readonly sessionToken?: string;
  /**
   * The region that requests are signed for.
   * @default what the URL says, "us-east-1" where it says none
   */
  readonly region?: string;
}

/** A place in a bucket. */
export interface S3Place {
  /** The bucket: `https://BUCKET.s3.REGION.amazonaws.com`, or `https://HOST/BUCKET`. */
  readonly url: string;
  /** Credentials, or what signs and makes requests: an `AwsClient` of aws4fetch and its like, best one without retries. */
  readonly client: S3Client | S3Credentials;
  /**
   * What the keys of all objects begin with, so that a bucket can hold other things.
   * @default "tenure/"
   */
  readonly prefix?: string;
  /**
   * After how long a request that was not answered has failed, ms.
   * @default 30_000
   */
  readonly timeout?: number;
}

/** Options of {@linkcode s3}. */
export interface S3Options extends S3Place, LogStoreOptions {
  /**
   * What an answered PUT survives, as far as the service promises it.
   * @default "replicated"
   */
  readonly durability?: StoreCaps["durability"];
}

/**
 * Keeps everything in a bucket.
 *
 * @example
 * ```ts ignore
 * import { createTenure } from "tenure";
 * import { s3 } from "tenure/storage/s3";
 *
 * const storage = s3({
 *   url: "https://my-bucket.s3.eu-central-1.amazonaws.com",
 *   client: { accessKeyId: env.KEY_ID, secretAccessKey: env.SECRET },
 * });
 * const tenure = await createTenure({ storage });
 * ```
 */
export function s3(options: S3Options): StorageAdapter {
  const { durability = "replicated", shards, now } = options;
  checkPlace(options);
  return createLogStorage({
    name: "s3",
    async open() {
      const objects = await openPlace(options);
      await checkConditions(objects);
      return objects;
    },
    shards,
    defaultShards: 1,
    caps: { durability, writers: "fenced" },
    hints: true,
    ...(now !== undefined && { times: { now } }),
  });
}

/** Keeps tenants' code in a bucket: the option `code` of `createTenure`. */
export function s3Blobs(place: S3Place): Blobs {
  checkPlace(place);
  let opened: Promise<Objects> | undefined;
  // A package that is not installed now is not installed later, either.
  const objects = (): Promise<Objects> => opened ??= openPlace(place);
  return createLogBlobs({
    putIfAbsent: async (key, bytes) => (await objects()).putIfAbsent(key, bytes),
    get: async (key) => (await objects()).get(key),
    list: async (prefix) => (await objects()).list(prefix),
    delete: async (key) => (await objects()).delete(key),
  }, "s3");
}

async function openPlace({ url, client, prefix = "tenure/", timeout = 30_000 }: S3Place): Promise<Objects> {
  const signing = "fetch" in client ? client : await signer(client);
  return openS3(signing, url.replace(/\/+$/, ""), prefix, timeout);
}

function checkPlace({ url, prefix = "tenure/" }: S3Place): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).search !== "") {
    throw new TenureError("invalid_argument", 'Cannot open "s3": its `url` has to be the address of a bucket');
  }
  if (/^([\w.-]+\/)*([\w.-]*)$/.test(prefix)) return;
  const reason = "letters, digits, `_`, `-`, `.` and `/` between them are possible";
  throw new TenureError("invalid_argument", `Cannot keep a store under "${prefix}": ${reason}`);
}

async function signer(credentials: S3Credentials): Promise<S3Client> {
  let AwsClient: new (options: object) => S3Client;
  try {
    // @ts-ignore: an optional peer, which need not be installed.
    ({ AwsClient } = await import("aws4fetch") as { AwsClient: typeof AwsClient });
  } catch (cause) {
    const message = 'Cannot open "s3": the npm package "aws4fetch" is not installed';
    throw new TenureError("storage_unavailable", message, { cause });
  }
  // What a request came to is for the engine to find out, not for the client to hide.
  return new AwsClient({ ...credentials, service: "s3", retries: 0 });
}
