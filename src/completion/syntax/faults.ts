/** Where a text can't be parsed, told line by line in the words of compilers. */
import type { SyntaxNode } from './syntax.ts';

export interface Fault {
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units. */
  column: number;
  message: string;
}

interface Found {
  /** Offset in the text. */
  at: number;
  message: string;
}

const INVALID = 'Invalid syntax.';

/** In their order, at most one a line. `text` is what `root` was parsed from. */
export function faultsOf(languageId: string, root: SyntaxNode, text: string): Fault[] {
  const found: Found[] = [];
  const isPython = languageId === 'python';
  const visit = (node: SyntaxNode): void => {
    const { isError, isMissing, hasError, startIndex: at, children } = node;
    if (isMissing) found.push({ at, message: `${wordOf(node)} expected.` });
    // What is inside of it is a guess, and where it begins is where a reader would look.
    else if (isError) found.push({ at: at + text.slice(at).search(/\S|$/), message: INVALID });
    else {
      if (hasError && !children.some(child => child.hasError)) found.push(unseen(node, text));
      if (isPython) found.push(...wronglyIndented(node, text));
      if (hasError || (isPython && HOLDS_BLOCK.test(node.type))) children.forEach(visit);
    }
  };
  visit(root);
  return found
    .sort((a, b) => a.at - b.at)
    .map(({ at, message }) => ({ ...positionOf(text, at), message }))
    .filter(({ line }, index, faults) => line !== faults[index - 1]?.line);
}

/** Of what has no node only the end of a statement is ever missing. */
function unseen({ children, endIndex }: SyntaxNode, text: string): Found {
  const isGlued = (child: SyntaxNode, index: number): boolean =>
    index > 0 && !/[\n;]/.test(text.slice(children[index - 1]!.endIndex, child.startIndex));
  return { at: children.find(isGlued)?.startIndex ?? endIndex, message: INVALID };
}

/** Of Python. */
const HOLDS_BLOCK =
  /^(?:module|block|(?:class|decorated|function)_definition|(?:for|if|match|try|while|with)_statement|\w+_clause)$/;

const wordOf = ({ isNamed, type }: SyntaxNode): string =>
  isNamed ? `${type[0]!.toUpperCase()}${type.slice(1).replaceAll('_', ' ')}` : `'${type}'`;

/** What only Python's grammar lets pass: blocks without a statement, and statements beside the column of their block. */
function wronglyIndented({ type, children, parent, startIndex }: SyntaxNode, text: string): Found[] {
  if (type !== 'block' && type !== 'module') return [];
  // Beside what can't be parsed an empty block is a consequence of that.
  const isEmpty =
    type === 'block' && children.length === 0 && !parent?.children.some(({ isError }) => isError);
  if (isEmpty) return [{ at: startIndex, message: 'Expected an indented block.' }];
  const statements = children.flatMap(({ type, isNamed, isError, startIndex: at }) => {
    const indent = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
    return isNamed && !isError && type !== 'comment' && indent.trim() === '' ? [{ at, indent }] : [];
  });
  const own = type === 'module' ? '' : statements[0]?.indent;
  const message = 'Invalid indentation: all statements of a block begin in one column.';
  return statements.filter(({ indent }) => indent !== own).map(({ at }) => ({ at, message }));
}

function positionOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
