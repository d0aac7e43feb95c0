/** A set of changes as the user sees it before saying yes: a unified diff, and what is special about it. */
import { createTwoFilesPatch } from 'diff';
import { MoebiusError } from '../../base/errors.ts';
import { mixesAlphabets, visibleText } from '../../base/visible-text.ts';
import { normalisePath, protectedReason } from '../paths.ts';
import type { FileChange, TextFile } from '../ports.ts';
import { applyReplacements, splitLines } from './lines.ts';
import { addsSchema } from './schemas.ts';
import { MAX_EDIT_LENGTH } from './search-replace.ts';

export interface DescribedChanges {
  /** `Edit src/a.ts`, `Edit 2 files`. */
  title: string;
  diff: string;
  isProtected: boolean;
  /** null: an ordinary change. */
  warning: string | null;
}

/** @throws MoebiusError `stale` when a file is not of the version that a change was made for, and what `read` throws. */
export async function describeChanges(
  changes: readonly FileChange[],
  read: (path: string) => Promise<TextFile>,
): Promise<DescribedChanges> {
  const diffs: string[] = [];
  const warnings = new Set<string>();
  let isProtected = false;
  for (const change of changes) {
    const path = normalisePath(change.path);
    const before = change.kind === 'create' ? '' : await currentText(change, read);
    const after = textAfter(change, before);
    diffs.push(unifiedDiff(change, path, before, after));
    const reason = protectedReason(path);
    if (reason) {
      isProtected = true;
      warnings.add(`${path}: ${reason}`);
    }
    if (change.kind === 'create' && mixesAlphabets(path))
      warnings.add(`${path}: its name has letters that look like others`);
    if (addsSchema(before, after)) {
      isProtected = true;
      warnings.add(`${path}: the editor would fetch its schema from the network`);
    }
    if (hiddenIn(after) > hiddenIn(before)) warnings.add(`${path}: gets invisible characters`);
  }
  const verb = changes.every(({ kind }) => kind === changes[0]!.kind) ? VERBS[changes[0]!.kind] : 'Change';
  const what = changes.length === 1 ? normalisePath(changes[0]!.path) : `${changes.length} files`;
  return {
    title: `${verb} ${what}`,
    diff: diffs.join('\n'),
    isProtected,
    warning: [...warnings].join('; ') || null,
  };
}

const VERBS = { edit: 'Edit', create: 'Create', delete: 'Delete' } as const;

async function currentText(
  change: Exclude<FileChange, { kind: 'create' }>,
  read: (path: string) => Promise<TextFile>,
): Promise<string> {
  const { text, version } = await read(change.path);
  if (version === change.version) return text;
  throw new MoebiusError(
    'stale',
    `${change.path} has changed since it was read. Read it again before you edit it.`,
  );
}

function textAfter(change: FileChange, before: string): string {
  if (change.kind === 'delete') return '';
  return change.kind === 'create' ? change.text : applyReplacements(before, change.replacements);
}

/** For the user. */
export function unifiedDiff(
  { kind }: Pick<FileChange, 'kind'>,
  path: string,
  before: string,
  after: string,
): string {
  const from = kind === 'create' ? '/dev/null' : `a/${path}`;
  const to = kind === 'delete' ? '/dev/null' : `b/${path}`;
  const options = { context: 3, maxEditLength: MAX_EDIT_LENGTH };
  const patch = createTwoFilesPatch(from, to, before, after, undefined, undefined, options);
  return patch?.replace(/^=+\n/, '') ?? wholeDiff(from, to, before, after);
}

/** Of two texts that have little in common: all of both. */
function wholeDiff(from: string, to: string, before: string, after: string): string {
  const [old, fresh] = [splitLines(before), splitLines(after)];
  return [
    `--- ${from}`,
    `+++ ${to}`,
    `@@ -1,${old.length} +1,${fresh.length} @@`,
    ...old.map(({ text }) => `-${text}`),
    ...fresh.map(({ text }) => `+${text}`),
    '',
  ].join('\n');
}

/** How much longer it is where all is seen. A mark of the byte order at the start hides nothing. */
function hiddenIn(text: string): number {
  const marked = text.replace(/^\ufeff/, '');
  return visibleText(marked).length - marked.length;
}
