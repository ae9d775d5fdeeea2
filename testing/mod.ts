/**
 * For those who build on Tenure: conformance suites for storages and sandboxes of your own.
 *
 * @module
 */
export { guestCases, type GuestCasesOptions, type OpenSandbox } from "./guest_cases.ts";
export { type Case, CaseError, type OpenSubject, storeCases, type StoreSubject } from "./store_cases.ts";
