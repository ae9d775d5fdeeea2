/** As much of SPDX licence expressions as package manifests use. */

/**
 * Whether an expression is satisfied by licences of the list: every part of an `AND`, one part of an `OR`.
 * `null` (no licence named) never is.
 */
export function isAllowed(expression: string | null, allowed: readonly string[]): boolean {
  if (expression === null) return false;
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;

  // OR binds weaker than AND: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
  function either(): boolean {
    let result = both();
    while (tokens[at] === "OR") {
      at++;
      const right = both();
      result ||= right;
    }
    return result;
  }

  function both(): boolean {
    let result = one();
    while (tokens[at] === "AND") {
      at++;
      const right = one();
      result &&= right;
    }
    return result;
  }

  function one(): boolean {
    const token = tokens[at++];
    if (token !== "(") return token !== undefined && allowed.includes(token.replace(/\+$/, ""));
    const result = either();
    at++;
    return result;
  }

  return either() && at === tokens.length;
}
