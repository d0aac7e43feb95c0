/** Whether a cursor is in words, a comment or a string, by the tree. */
import type { SyntaxNode } from './syntax.ts';

export interface Prose {
  kind: 'comment' | 'string';
  /** Characters since it began. */
  length: number;
}

const COMMENT = /^(?:line_|block_)?comment$/;
const STRING =
  /^(?:template_string|heredoc_body|(?:encapsed_|interpolated_|interpreted_|raw_|verbatim_)?string(?:_literal|_expression)?)$/;
/** Code in the middle of a string. */
const CODE = /^(?:template_substitution|interpolation|command_substitution|expansion)$/;
/** What ends with its line and not with a mark. */
const LINE_COMMENT = /^(?:\/\/|#)/;
const DOCSTRING = /^[a-z]*(?:"""|''')/i;

/**
 * The comment or string around `offset`; `none`: it is in code. null where that can't be told, because the text around
 * the cursor could not be parsed: a quote that is still open makes what follows it anything.
 */
export function proseAt(root: SyntaxNode, text: string, offset: number): Prose | 'none' | null {
  for (let node = offset > 0 ? root.descendantForIndex(offset - 1) : null; node; node = node.parent) {
    if (node.isError) return null;
    if (CODE.test(node.type)) return 'none';
    const isComment = COMMENT.test(node.type);
    if (!node.isNamed || !(isComment || STRING.test(node.type))) continue;
    const own = text.slice(node.startIndex, offset);
    const isInside = isComment && LINE_COMMENT.test(own) ? !own.includes('\n') : node.endIndex > offset;
    if (!isInside) continue;
    const kind = isComment || DOCSTRING.test(own) ? 'comment' : 'string';
    return { kind, length: own.length };
  }
  return 'none';
}
