/**
 * For those who test what they built with Tenure, and for those who build on it: time that a test moves, a workflow run
 * in no time, crashes and faults at every place, and conformance suites for storages and sandboxes of your own.
 *
 * @module
 */
export { guestCases, type GuestCasesOptions, type OpenSandbox } from "./guest_cases.ts";
export {
  simulate,
  type SimulateOptions,
  type SimulateSetup,
  SimulationError,
  type SimulationReport,
} from "./simulate.ts";
export {
  CrashError,
  type CrashOptions,
  type CrashPoint,
  type CrashReport,
  type CrashSetup,
  type RepeatedStep,
  simulateCrash,
} from "./simulate_crash.ts";
export { type Case, CaseError, type OpenSubject, storeCases, type StoreSubject } from "./store_cases.ts";
export {
  type StepAnswer,
  type StepAnswers,
  type TestEvent,
  type TestLog,
  type TestOptions,
  type TestRun,
  type TestStep,
  testWorkflow,
} from "./test_workflow.ts";
export {
  type Duration,
  type DurationUnit,
  type VirtualClock,
  virtualClock,
  type VirtualClockOptions,
  type VirtualProcess,
  type VirtualProcessOptions,
  type Watchable,
} from "./virtual_clock.ts";
