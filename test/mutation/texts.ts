/**
 * What is told to people is not behaviour: sentences and lines of the log are not mutated. Codes, reasons, names and states are
 * words without a space, and are.
 */
import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** What is looked at of a node of Babel's. */
interface SyntaxNode {
  readonly type: string;
  /** Of a string. */
  readonly value?: unknown;
  /** Of a template: its texts, and the values between them. */
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
  readonly expressions?: readonly SyntaxNode[];
  /** Of a call, down to the `log` of `log.info`. */
  readonly callee?: SyntaxNode;
  readonly object?: SyntaxNode;
  readonly name?: unknown;
}

const isSentence = (text: string): boolean => text.includes(" ") && !/\bHO-[A-Z][0-9]{3}\b/.test(text);

function whyNot(node: SyntaxNode): string | undefined {
  if (node.type === "StringLiteral") return isSentence(String(node.value)) ? "a sentence" : undefined;
  if (node.type === "TemplateLiteral") {
    const text = (node.quasis ?? []).map(({ value }) => value.raw).join("");
    // With plain values in it only: an expression that chooses one is behaviour.
    const isPlain = (node.expressions ?? []).every(({ type }) => type === "Identifier" || type === "MemberExpression");
    return isPlain && isSentence(text) ? "a sentence" : undefined;
  }
  return node.type === "CallExpression" && node.callee?.object?.name === "log" ? "a line of the log" : undefined;
}

const ignorer = { shouldIgnore: (path: object) => ("node" in path ? whyNot(path.node as SyntaxNode) : undefined) };

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, "texts", ignorer)];
