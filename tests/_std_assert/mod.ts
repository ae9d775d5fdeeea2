/**
 * Stand-in for `jsr:@std/assert` 1.0.19, for machines that cannot reach JSR: the same names, signatures and verdicts.
 *
 * `deno.json` links this folder in place of the real package, and npm installs it as a `file:` dependency;
 * without the link Deno runs the same tests against the real one, so nothing may be exported here that std lacks.
 *
 * @module
 */
export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export {
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "./comparisons.ts";
export { assertIsError, assertRejects, assertThrows } from "./errors.ts";
export { assert, assertFalse, fail, unreachable } from "./conditions.ts";
export { assertObjectMatch } from "./object_match.ts";
