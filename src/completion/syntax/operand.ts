/** What a sign at the end of a line asks for: `:` opens a block, or is followed by a type, a value, another branch. */
import type { SyntaxNode } from './syntax.ts';

/** They hold one thing after their sign, and it is no block. */
const HOLDS_OPERAND =
  /^(?:type_annotation|typed_(?:default_)?parameter|parameter|assignment|field_declaration|pair|keyed_element|(?:ternary|conditional)_expression|lambda|slice)$/;

/**
 * What begins at `offset` belongs to an expression or a type that began before it. null: it can't be told, because the
 * text around it could not be parsed.
 */
export function isOperand(root: SyntaxNode, offset: number): boolean | null {
  let node = root.descendantForIndex(offset);
  while (node && node.startIndex === offset) {
    if (node.isError) return null;
    node = node.parent;
  }
  return !node || node.isError ? null : HOLDS_OPERAND.test(node.type);
}
