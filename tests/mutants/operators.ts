/**
 * Mutants made by a tool: every small change of a file that a tired programmer could have made.
 *
 * @module
 */
import ts from "typescript";

/** One change of one file. */
export interface Made {
  readonly file: string;
  /** The function that it is in. */
  readonly within: string;
  /** From 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** What stands there, and what comes in its place. */
  readonly from: string;
  readonly to: string;
  /** The line around it. */
  readonly text: string;
}

const SWAPS: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "==="],
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
  [ts.SyntaxKind.AmpersandAmpersandToken, "||"],
  [ts.SyntaxKind.BarBarToken, "&&"],
  [ts.SyntaxKind.PlusToken, "-"],
  [ts.SyntaxKind.MinusToken, "+"],
  [ts.SyntaxKind.AsteriskToken, "+"],
  [ts.SyntaxKind.PlusEqualsToken, "-="],
  [ts.SyntaxKind.MinusEqualsToken, "+="],
]);

/** All mutants of a file. What only says something to a person (messages of errors) has none. */
export function mutantsOf(file: string, text: string): readonly Made[] {
  const lines = text.split("\n");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const found: Made[] = [];
  const names: string[] = [];

  function add(node: ts.Node, to: string, start = node.getStart(source), end = node.getEnd()): void {
    const { line } = source.getLineAndCharacterOfPosition(start);
    found.push({ file, within: names.at(-1) ?? "", line: line + 1, start, end, from: text.slice(start, end), to, text: (lines[line] as string).trim() });
  }

  function condition(node: ts.Expression, loop: boolean): void {
    const written = node.getText(source);
    if (written === "true" || written === "false") return;
    if (!loop) add(node, "true");
    add(node, "false");
    // another operator, or a dropped one, says the same of the others
    const plain = ts.isPrefixUnaryExpression(node) || (ts.isBinaryExpression(node) && /^[!=]==$/.test(node.operatorToken.getText(source)));
    if (!plain) add(node, `!(${written})`);
  }

  function mutate(node: ts.Node): void {
    if (ts.isBinaryExpression(node)) binary(node);
    else if (ts.isIfStatement(node)) condition(node.expression, false);
    else if (ts.isWhileStatement(node)) condition(node.expression, true);
    else if (ts.isForStatement(node)) {
      if (node.condition !== undefined) condition(node.condition, true);
    } else if (ts.isConditionalExpression(node)) {
      condition(node.condition, false);
    } else if (ts.isArrowFunction(node) && !ts.isBlock(node.body) && isEffect(node.body)) {
      add(node.body, "undefined");
    } else if (ts.isArrayLiteralExpression(node) && node.elements.length > 0) {
      add(node, "[]");
    } else if (ts.isStringLiteral(node) && node.text !== "" && isChosen(node)) {
      add(node, '""');
    } else if (ts.isAwaitExpression(node)) {
      add(node, node.expression.getText(source));
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      add(node, node.operand.getText(source));
    } else if ((ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) && /\+\+|--/.test(node.getText(source))) {
      add(node, node.getText(source).replace(/\+\+|--/, (sign) => sign === "++" ? "--" : "++"));
    } else if (ts.isExpressionStatement(node) && isEffect(node.expression)) {
      add(node, ";");
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) {
      add(node, "false");
    } else if (node.kind === ts.SyntaxKind.FalseKeyword) {
      add(node, "true");
    } else if (ts.isNumericLiteral(node)) {
      add(node, node.text === "1" ? "0" : String(Number(node.text) + 1));
    } else if (ts.isPropertyAccessExpression(node) && /^Math\.(min|max)$/.test(node.getText(source))) {
      add(node, node.name.text === "min" ? "Math.max" : "Math.min");
    } else if (ts.isContinueStatement(node) || ts.isThrowStatement(node) || (ts.isReturnStatement(node) && node.expression === undefined)) {
      add(node, ";");
    } else if (ts.isBreakStatement(node) && !ts.isCaseOrDefaultClause(node.parent)) {
      add(node, ";");
    }
  }

  function binary(node: ts.BinaryExpression): void {
    const { operatorToken: operator, left, right } = node;
    const swap = SWAPS.get(operator.kind);
    if (operator.kind === ts.SyntaxKind.QuestionQuestionToken) add(node, left.getText(source));
    // the sum of texts has no difference
    const texts = [left, right].some((side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side));
    if (swap !== undefined && !(texts && operator.kind === ts.SyntaxKind.PlusToken)) add(operator, swap);
  }

  function visit(node: ts.Node): void {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isImportDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    const name = nameOf(node);
    if (name !== undefined) names.push(name);
    mutate(node);
    if (!isMessage(node)) ts.forEachChild(node, visit);
    if (name !== undefined) names.pop();
  }

  visit(source);
  return found;
}

/** Whether dropping it changes what happens. */
function isEffect(expression: ts.Expression): boolean {
  if (ts.isVoidExpression(expression)) return isEffect(expression.expression);
  if (ts.isAwaitExpression(expression)) return isEffect(expression.expression);
  if (ts.isBinaryExpression(expression)) return expression.operatorToken.getText().endsWith("=");
  return ts.isCallExpression(expression) || ts.isDeleteExpression(expression);
}

/** Whether a text is what something becomes, and not a part of a message. */
function isChosen({ parent }: ts.StringLiteral): boolean {
  return ts.isReturnStatement(parent) || ts.isConditionalExpression(parent) || ts.isVariableDeclaration(parent) ||
    (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken);
}

/** The making of an error: its code and its words are for people. */
function isMessage(node: ts.Node): boolean {
  return ts.isNewExpression(node) && /Error$/.test(node.expression.getText());
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) return node.name?.getText();
  const value = ts.isVariableDeclaration(node) || ts.isPropertyAssignment(node) ? node.initializer : undefined;
  return value !== undefined && ts.isFunctionLike(value) ? (node as ts.VariableDeclaration).name.getText() : undefined;
}
