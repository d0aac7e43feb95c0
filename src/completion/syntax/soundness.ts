/** Whether a document is the worse for a text that is put into it, by its tree. */
import type { SyntaxNode } from './syntax.ts';

/** Places that could not be parsed, words that are missing, and blocks without a word, which only Python's grammar lets pass. */
export function countErrors(node: SyntaxNode): number {
  const isEmptyBlock = node.type === 'block' && node.children.length === 0;
  const own = node.isError || node.isMissing || isEmptyBlock ? 1 : 0;
  return node.children.reduce((sum, child) => sum + countErrors(child), own);
}

/** Statements after which nothing of their block is run. */
const LEAVING = /^(?:return|raise|throw|break|continue)(?:_statement|_expression)?$/;
/** What is there wherever in its block it stands, and what is no statement. */
const ANYWHERE = /function|class|method|declaration|definition|comment|label|item/;

export interface Obstacle {
  /** Where it begins. */
  at: number;
  /** What it keeps from being run would leave the block as well. */
  isSecondEnd: boolean;
}

/** The statement, of those from `start` on, that keeps the first one from `end` on from being run; null: none does. */
export function obstacle(root: SyntaxNode, text: string, start: number, end: number): Obstacle | null {
  const gap = /\s*/y;
  gap.lastIndex = end;
  const next = end + (gap.exec(text)?.[0].length ?? 0);
  let node = root.descendantForIndex(next);
  while (node && node.startIndex === next && node.parent) {
    if (node.isError || node.parent.isError) return null;
    const siblings: readonly SyntaxNode[] = node.parent.children.filter(({ isNamed }) => isNamed);
    const before = siblings.filter(({ endIndex }) => endIndex <= next).at(-1);
    if (before) {
      const leaves = LEAVING.test(inner(before).type) && before.startIndex >= start;
      if (!node.isNamed || !leaves || ANYWHERE.test(node.type)) return null;
      return { at: before.startIndex, isSecondEnd: LEAVING.test(inner(node).type) };
    }
    node = node.parent;
  }
  return null;
}

/** `return x;` is an expression in some languages, and its statement holds nothing else. */
function inner(statement: SyntaxNode): SyntaxNode {
  const named = statement.children.filter(({ isNamed }) => isNamed);
  return statement.type === 'expression_statement' && named.length === 1 ? named[0]! : statement;
}
