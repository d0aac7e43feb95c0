/** A text as a tree, where there is a grammar for its language: what the rules of this room may ask, whoever parses. */
export interface SyntaxNode {
  /** The grammar's name of it: `statement_block`, `"("`. */
  readonly type: string;
  /** Named in the grammar; the others are its words and signs. */
  readonly isNamed: boolean;
  /** UTF-16 offsets in the text, the end exclusive. */
  readonly startIndex: number;
  readonly endIndex: number;
  /** What could not be parsed. */
  readonly isError: boolean;
  /** What the text lacks, as the parser guesses: of no length. */
  readonly isMissing: boolean;
  /** It is such a node, or holds one. */
  readonly hasError: boolean;
  readonly parent: SyntaxNode | null;
  readonly children: readonly SyntaxNode[];
  /** The smallest node around the character at `index`. */
  descendantForIndex(index: number): SyntaxNode | null;
}

export interface Syntax {
  /**
   * What `use` makes of the tree of `text`; null where the language has no grammar, or none that has been loaded yet, or
   * the text took too long to parse. Nodes are of no use after `use` has returned.
   */
  read<T>(languageId: string, text: string, use: (root: SyntaxNode) => T): T | null;
}

/** For languages of which nothing is known. */
export const NO_SYNTAX: Syntax = { read: () => null };
