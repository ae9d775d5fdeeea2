/**
 * The codec of values: what a step returns, what a run is given, what an event carries.
 *
 * A tenant's value is encoded once, where it was made, and stays opaque text to the host; the same text is decoded live and on
 * every replay. So this module runs on both sides, in a guest's QuickJS too, and its decoder trusts nothing.
 * The first character is the format: `j` JSON follows, `u` undefined, `x` a table (version 1) for all that JSON cannot say.
 */

export { decode } from "./values/decode.ts";
export type { DecodeOptions } from "./values/decode.ts";
export { describeError, encodeThrown } from "./values/describe.ts";
export type { ErrorDescription } from "./values/describe.ts";
export { encode } from "./values/encode.ts";
export type { EncodeOptions } from "./values/encode.ts";
export { ValueError } from "./values/error.ts";
export type { ValueErrorCode } from "./values/error.ts";
