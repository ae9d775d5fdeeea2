/**
 * Hard bounds of the codec, the same when writing and when reading. What a tenant may store is for `limits` to say, and is
 * usually less; these hold where no limit has been looked at yet.
 */

/** How many containers may lie within one another, counted along the shortest way from the root. */
export const MAX_DEPTH: number = 200;
/** Array elements (holes too), properties, and map and set entries of a value, in all. */
export const MAX_ENTRIES: number = 1_000_000;
/** Characters of an encoded value. */
export const MAX_LENGTH: number = 2 ** 26;
/** Characters of a regular expression's source. */
export const MAX_PATTERN: number = 2 ** 16;
/** Hexadecimal digits of a bigint. */
export const MAX_BIGINT_DIGITS: number = 2 ** 18;
