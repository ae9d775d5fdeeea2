import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { GENERATED, hashOf, recordedInputs } from "../scripts/generate.ts";

// By the hash of what they were made of, because the bundler does not run everywhere; the runner makes them again
// once and compares them whole (`scripts/generate.ts --check`).
describe("generated modules", () => {
  for (const { path } of GENERATED) {
    it(`${path} is what its sources make`, async () => {
      const { inputs, hash } = await recordedInputs(path);
      assert(inputs.length > 1, "no inputs are recorded");
      assertEquals(hash, await hashOf(inputs), "run npm run generate");
    });
  }
});
