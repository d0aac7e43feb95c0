/**
 * Markdown to safe HTML, block by block. What the model writes is untrusted: no HTML passes, nothing is loaded, and only
 * https addresses become links, which do nothing by themselves (a click asks the host).
 */
import MarkdownIt, { type Token } from 'markdown-it';
import { highlight } from './highlight.ts';

/** One top-level block. */
export interface Block {
  /** Where it begins, in characters of the whole text; its key. */
  start: number;
  html: string;
}

const md = new MarkdownIt({ html: false, linkify: true, typographer: false });
// Only what is written as an address becomes one; `foo.rs` is no web site.
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
md.validateLink = href => /^https:\/\/[^/\s]/i.test(href);

const escapeHtml = md.utils.escapeHtml;

md.renderer.rules.link_open = (tokens, index) => {
  const href = escapeHtml(String(tokens[index]!.attrGet('href') ?? ''));
  return `<button type="button" class="link" data-href="${href}" title="${href}">`;
};
md.renderer.rules.link_close = () => '</button>';
/** Never loaded: an address can carry away what was read. Its description stands for it. */
md.renderer.rules.image = (tokens, index) => {
  const href = escapeHtml(String(tokens[index]!.attrGet('src') ?? ''));
  const text = escapeHtml(tokens[index]!.content || 'image');
  return `<button type="button" class="link" data-href="${href}" title="${href}">[${text}]</button>`;
};
md.renderer.rules.table_open = () => '<div class="table"><table>';
md.renderer.rules.table_close = () => '</table></div>';
md.renderer.rules.code_block = (tokens, index) => codeHtml(tokens[index]!.content, '', true);
md.renderer.rules.fence = (tokens, index, _options, env) => {
  const token = tokens[index]!;
  const language = token.info.trim().split(/[\s,{:]/, 1)[0] ?? '';
  return codeHtml(token.content, language, env?.isComplete === true);
};

function codeHtml(content: string, language: string, isComplete: boolean): string {
  const code = content.replace(/\n$/, '');
  const html = (isComplete ? highlight(code, language.toLowerCase()) : null) ?? escapeHtml(code);
  const name = escapeHtml(language || 'text');
  const button = (action: string, icon: string, label: string) =>
    `<button type="button" class="icon" data-action="${action}" aria-label="${label}" title="${label}"` +
    ` data-testid="code-${action}"><span class="codicon codicon-${icon}" aria-hidden="true"></span></button>`;
  const buttons = isComplete
    ? `<span class="code-actions" role="group" aria-label="Code block">${button('copy', 'copy', 'Copy')}` +
      `${button('insert', 'insert', 'Insert at Cursor')}${button('new-file', 'new-file', 'New File')}</span>`
    : '';
  return (
    `<div class="code" data-testid="code-block" data-language="${escapeHtml(language)}"><div class="code-bar">` +
    `<span class="code-language">${name}</span>${buttons}</div>` +
    `<pre><code>${html}</code></pre></div>`
  );
}

/**
 * The top-level blocks of `text`. `isComplete`: no block is still being written, so code is coloured and has buttons.
 * Otherwise that holds for all but the last.
 */
export function renderBlocks(text: string, isComplete: boolean): Block[] {
  const lineStarts = startsOfLines(text);
  const groups = topLevel(md.parse(text, {}));
  return groups.map((group, index) => {
    const first = group[0]!;
    const isDone = isComplete || index < groups.length - 1 || isClosedFence(first, text, lineStarts);
    return {
      start: lineStarts[first.map?.[0] ?? 0] ?? 0,
      html: md.renderer.render(group, md.options, { isComplete: isDone }),
    };
  });
}

/** Where the last top-level block of `text` begins; 0 if there is at most one. */
export function lastBlockStart(text: string): number {
  const last = topLevel(md.parse(text, {})).at(-1);
  return startsOfLines(text)[last?.[0]?.map?.[0] ?? 0] ?? 0;
}

/** A block is a lone token (fence, rule) or everything up to its closing token. */
function topLevel(tokens: Token[]): Token[][] {
  const groups: Token[][] = [];
  let from = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.level !== 0 || token.nesting > 0) continue;
    groups.push(tokens.slice(from, index + 1));
    from = index + 1;
  }
  return groups;
}

/** A fence that has not ended takes all lines there are, so whether its last line closes it must be looked up. */
function isClosedFence(token: Token, text: string, lineStarts: number[]): boolean {
  if (token.type !== 'fence' || !token.map) return false;
  const [first, end] = token.map;
  const last = text.slice(lineStarts[end - 1], lineStarts[end]).trim();
  return end - first > 1 && last.startsWith(token.markup) && last === token.markup[0]!.repeat(last.length);
}

function startsOfLines(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
