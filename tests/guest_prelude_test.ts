import { describe, it } from "node:test";
import { guestCases } from "../testing/guest_cases.ts";
import { bareQuickjs } from "./_guest/bare_quickjs.ts";

describe("the prelude keeps the Guest port", () => {
  for (const { name, run } of guestCases(bareQuickjs)) it(name, run);
});
