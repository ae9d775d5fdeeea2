/**
 * A page of a list, as S3 writes it (ListObjectsV2).
 *
 * @module
 */

/** What is used of it. */
export interface ListPage {
  /** Keys in the server's order. */
  readonly keys: readonly string[];
  /** What brings the next page. */
  readonly next?: string;
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Reads one. Throws when the text is none: a page that cannot be read must not look like an empty one. */
export function readPage(xml: string): ListPage {
  if (!/<ListBucketResult[\s>]/.test(xml)) throw new Error("The server answered a list with something else");
  const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => decode(key ?? ""));
  if (/<IsTruncated>\s*true\s*<\/IsTruncated>/.exec(xml) === null) return { keys };
  const next = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(xml)?.[1];
  if (next === undefined) throw new Error("The server answered with a part of a list, and not where it goes on");
  return { keys, next: decode(next) };
}

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? all;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : parseInt(hex, 16));
  });
}
