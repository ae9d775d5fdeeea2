import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkEventType,
  checkSentConfig,
  checkStepConfig,
  checkStepName,
  DEFAULT_STEP_CONFIG,
  MAX_RETRIES,
} from "../core/step_config.ts";

function refuses(run: () => unknown, text: string): void {
  const error = assertThrows(run, Error, text);
  assertEquals(error.name, "WorkflowFatalError");
}

describe("checkStepName()", () => {
  it("accepts every string without control characters up to 256", () => {
    for (const name of ["", "a", "x".repeat(256), "ünï 🎉", "a/b:c", "\x7f", "\ud800"]) {
      assertEquals(checkStepName(name), name);
    }
  });

  it("refuses what is longer or has control characters", () => {
    refuses(() => checkStepName("x".repeat(257)), "longer than 256");
    for (const name of ["\x00", "a\nb", "\x1f"]) refuses(() => checkStepName(name), "control character");
  });

  it("refuses what is not a string, and reads nothing of it", () => {
    const hostile = new Proxy({}, {
      get() {
        throw new Error("read");
      },
    });
    for (const name of [undefined, null, 1, {}, [], Symbol("x"), () => 1, 1n, hostile, new String("x")]) {
      refuses(() => checkStepName(name), "not a string");
    }
  });
});

describe("checkEventType()", () => {
  it("accepts 1 to 100 characters", () => {
    assertEquals(checkEventType("paid"), "paid");
    for (const type of ["", "x".repeat(101), 1, undefined]) refuses(() => checkEventType(type), "1 to 100");
  });
});

describe("checkStepConfig()", () => {
  it("fills in the defaults", () => {
    assertEquals(checkStepConfig({}), {
      retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
      timeout: "10 minutes",
    });
    assertEquals(checkStepConfig({ timeout: 5 }).retries, DEFAULT_STEP_CONFIG.retries);
    assertEquals(checkStepConfig({ retries: { limit: 0, delay: 0 } }), {
      retries: { limit: 0, delay: 0, backoff: "exponential" },
      timeout: "10 minutes",
    });
  });

  it("keeps durations as written, and takes undefined for absent", () => {
    const config = checkStepConfig({
      retries: { limit: 2, delay: "1 minute", backoff: undefined },
      timeout: "30 seconds",
      sensitive: undefined,
    });
    assertEquals(config.retries.delay, "1 minute");
    assertEquals(config.timeout, "30 seconds");
    assert(!("sensitive" in config));
  });

  it("records sensitive", () => {
    assertEquals(checkStepConfig({ sensitive: "output" }).sensitive, "output");
    for (const sensitive of ["all", true, null, ""]) {
      refuses(() => checkStepConfig({ sensitive }), "config.sensitive");
    }
  });

  it("refuses unknown keys", () => {
    refuses(() => checkStepConfig({ retry: {} }), 'Cannot use "retry" in config');
    refuses(() => checkStepConfig({ retries: { limit: 1, delay: 1, jitter: true } }), '"jitter" in config.retries');
  });

  it("refuses what is no object", () => {
    for (const config of [null, undefined, 1, "x", [], () => 1]) {
      refuses(() => checkStepConfig(config), "as config: it is not an object");
    }
    for (const retries of [null, 1, []]) refuses(() => checkStepConfig({ retries }), "as config.retries");
  });

  it("wants both limit and delay", () => {
    refuses(() => checkStepConfig({ retries: { limit: 1 } }), "without delay");
    refuses(() => checkStepConfig({ retries: { delay: 1 } }), "without limit");
  });

  it("refuses limits that are no integers from 0 to 10,000", () => {
    for (const limit of [-1, 1.5, NaN, Infinity, MAX_RETRIES + 1, "3", null]) {
      refuses(() => checkStepConfig({ retries: { limit, delay: 1 } }), "config.retries.limit");
    }
    assertEquals(checkStepConfig({ retries: { limit: MAX_RETRIES, delay: 1 } }).retries.limit, MAX_RETRIES);
  });

  it("refuses delays and time-outs that are no durations", () => {
    for (const bad of ["soon", "5", "10 foos", "-5 seconds", -1, NaN, Infinity, null, {}, "5ms"]) {
      refuses(() => checkStepConfig({ retries: { limit: 1, delay: bad } }), "config.retries.delay");
      refuses(() => checkStepConfig({ timeout: bad }), "config.timeout");
    }
    for (const zero of [0, "0 seconds"]) refuses(() => checkStepConfig({ timeout: zero }), "config.timeout");
  });

  it("leaves a delay out that is a function, and takes no other config without one but from a guest", () => {
    const config = checkStepConfig({ retries: { limit: 1, delay: () => 1 } });
    assertEquals(config.retries, { limit: 1, backoff: "exponential" });
    assertEquals(checkSentConfig(config), config);
    refuses(() => checkStepConfig(config), "without delay");
    refuses(() => checkSentConfig({ retries: { limit: 1, delay: () => 1 } }), "config.retries.delay");
  });

  it("refuses an unknown backoff", () => {
    for (const backoff of ["quadratic", null, 1]) {
      refuses(() => checkStepConfig({ retries: { limit: 1, delay: 1, backoff } }), "config.retries.backoff");
    }
  });

  it("does not take inherited fields for options", () => {
    assertEquals(checkStepConfig(Object.create({ timeout: 0, retries: 1 })), DEFAULT_STEP_CONFIG);
  });

  it("takes a config that it gave", () => {
    const once = checkStepConfig({ retries: { limit: 1, delay: "2 hours", backoff: "linear" }, sensitive: "output" });
    assertEquals(checkStepConfig(JSON.parse(JSON.stringify(once))), once);
  });
});
