import { describe, it } from "node:test";
import { trusted } from "../adapters/sandbox/trusted.ts";
import { guestCases } from "../testing/guest_cases.ts";

describe("trusted() keeps the Guest port", () => {
  for (const { name, run } of guestCases(() => trusted(), { realm: false })) it(name, run);
});
