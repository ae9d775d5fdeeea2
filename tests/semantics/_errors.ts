/** What a caller is told. */
import { assertEquals, assertRejects } from "@std/assert";

/** Rejects with this code, and a message that has these words. */
export async function refused(asked: () => Promise<unknown>, code: string, words: string = ""): Promise<Error> {
  const error = await assertRejects(asked, Error, words);
  assertEquals((error as { code?: unknown }).code, code, error.message);
  return error;
}
