/** A chat-tuned model sometimes answers with a fenced block, or `[CODE]`, where bare code was asked for. */
import { isMarkdown } from '../markup.ts';
import type { Filter } from './filter.ts';

/** A fence on a line of its own; group 1: the language, group 2: anything after it. */
const FENCE = /^\s*```+([\w+#.-]*)(.*)$/;

export const stripFences: Filter = (text, { cursor }) => {
  if (isMarkdown(cursor.languageId)) return text;
  const lines = text.split('\n');
  const first = lines.findIndex(line => line.trim() !== '');
  const opening = first < 0 ? '' : lines[first]!;
  const body = lines.slice(first + 1);
  if (/^\s*\[CODE\]\s*$/.test(opening)) return upToTag(body.join('\n'));
  if (!FENCE.test(opening)) return upToTag(lines.slice(0, strayFence(lines)).join('\n'));
  const language = FENCE.exec(opening)![1]!;
  const isProse = language === 'md' || isMarkdown(language);
  return body.slice(0, isProse ? lastFence(body) : closingFence(body)).join('\n');
};

/** Up to a mark that ends the code of some models. After an odd number of quotes it is text. */
function upToTag(text: string): string {
  for (const { index } of text.matchAll(/(?<!\S)\[\/CODE\]/g)) {
    const line = text.slice(text.lastIndexOf('\n', index) + 1, index);
    if ((line.match(/["'`]/g) ?? []).length % 2 === 0) return text.slice(0, index).trimEnd();
  }
  return text;
}

const isBare = (line: string): boolean => /^\s*```+\s*$/.test(line);
const isOpening = (line: string): boolean => !isBare(line) && FENCE.test(line) && !/```\s*$/.test(line);

/** Index of the bare fence that ends a block whose inner blocks are opened with their language; else the length. */
function closingFence(lines: readonly string[]): number {
  let depth = 1;
  for (const [i, line] of lines.entries()) {
    if (isOpening(line)) depth++;
    else if (isBare(line) && --depth === 0) return i;
  }
  return lines.length;
}

/** In prose inner blocks are opened by bare fences too, so the block's own end is the last one that pairs with none. */
function lastFence(lines: readonly string[]): number {
  const bare = lines.flatMap((line, i) => (isBare(line) ? [i] : []));
  const isUnpaired = (bare.length - lines.filter(isOpening).length) % 2 === 1;
  return isUnpaired ? bare.at(-1)! : lines.length;
}

/** Code that was not opened by a fence and is closed by one: what follows is talk. */
function strayFence(lines: readonly string[]): number {
  let isOpen = false;
  for (const [i, line] of lines.entries()) {
    if (isOpening(line)) isOpen = true;
    else if (isBare(line)) {
      if (!isOpen && !lines.slice(i + 1).some(isBare)) return i;
      isOpen = !isOpen;
    }
  }
  return lines.length;
}
