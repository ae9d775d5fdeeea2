import { test } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { guestCases } from "../testing/guest_cases.ts";

for (const { name, run } of guestCases(() => quickjs())) test(`quickjs: ${name}`, run);
