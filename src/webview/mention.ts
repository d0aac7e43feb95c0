/** What is being typed that a list can complete: `@word` or `#word` anywhere, `/word` at the beginning. Pure. */
import { TYPED_MENTION_NAME } from '../base/mention-name.ts';

const CONTEXT = new RegExp(String.raw`(?:^|[\s(])[@#](${TYPED_MENTION_NAME})$`, 'u');

export interface MentionAtCaret {
  /** What can be attached, or what the message can stand for. */
  list: 'context' | 'slash';
  /** Index of the sign that it begins with. */
  start: number;
  query: string;
}

export function mentionAt(text: string, caret: number): MentionAtCaret | null {
  const before = text.slice(0, caret);
  const slash = /^\/([\w-]*)$/.exec(before);
  if (slash) return { list: 'slash', start: 0, query: slash[1]! };
  const match = CONTEXT.exec(before);
  return match && { list: 'context', start: caret - match[1]!.length - 1, query: match[1]! };
}

/** The text without the mention, for what became a chip; and where the caret goes. */
export function withoutMention(text: string, mention: MentionAtCaret): { text: string; caret: number } {
  const before = text.slice(0, mention.start);
  const after = text.slice(mention.start + 1 + mention.query.length);
  return { text: before + (/(^|\s)$/.test(before) ? after.replace(/^ /, '') : after), caret: before.length };
}

/** The text without the command, prompt or skill that stands at its beginning. */
export function withoutSlash(text: string, { query }: MentionAtCaret): string {
  return text.slice(query.length + 1).trimStart();
}

/** Whether a drag may have URIs, by the types of its data: all that is known of it before it ends. */
export const mayHaveUris = (types: readonly string[]): boolean =>
  ['application/vnd.code.uri-list', 'text/uri-list', 'resourceurls'].some(type => types.includes(type));

/** URIs of a drag from the explorer or the tabs; empty for anything else. */
export function draggedUris(getData: (type: string) => string): string[] {
  const list = getData('application/vnd.code.uri-list') || getData('text/uri-list');
  const lines = list.split(/\r?\n/).filter(line => line !== '' && !line.startsWith('#'));
  if (lines.length > 0) return lines;
  try {
    const urls: unknown = JSON.parse(getData('resourceurls') || '[]');
    return Array.isArray(urls) ? urls.filter(url => typeof url === 'string') : [];
  } catch {
    return [];
  }
}
