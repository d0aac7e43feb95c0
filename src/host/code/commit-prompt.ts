/** Prompt for a commit message, and the message in what comes back. */
import { MoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import { digestDiff } from './diff-digest.ts';

/** About 1,500 tokens: half a minute of reading on a slow machine, enough for the usual commit. */
const DIFF_CHARS = 5000;
/** Earlier subjects show the project's style. */
const SUBJECTS = 5;
const FEWEST_SUBJECTS = 3;

const NO_DIGEST =
  'The changes can not be read: Git prints them in a form of its own (diff.external or color.diff in its settings).';

const SYSTEM =
  'You write git commit messages. Answer with the message only: a subject line in the imperative of at most 72 ' +
  'characters and, only if the change needs it, a blank line and a short body that says why.';

/** @throws MoebiusError `bad-request` when there is nothing in the diff that could be described */
export function commitMessages(diff: string, recentSubjects: readonly string[]): ChatMessage[] {
  const digest = digestDiff(diff, DIFF_CHARS);
  if (!digest) throw new MoebiusError('bad-request', NO_DIGEST);
  // A small model copies a single example; several show what they have in common.
  const examples = recentSubjects.length < FEWEST_SUBJECTS ? [] : recentSubjects.slice(0, SUBJECTS);
  const style = examples.map(subject => `- ${subject}`);
  const earlier =
    style.length > 0 ? `Subjects of earlier commits, for their style only:\n${style.join('\n')}\n\n` : '';
  return [
    { role: 'system', content: SYSTEM },
    {
      role: 'user',
      content: `${earlier}Write the commit message for this diff:\n\n${digest}`,
    },
  ];
}

/** Without fences, labels and quotes around it. */
export function cleanCommitMessage(answer: string): string {
  return answer
    .replaceAll('\r\n', '\n')
    .replace(/^\s*```[\w-]*\n([\s\S]*?)\n?```[\s\S]*$/, '$1')
    .replace(/^\s*(?:\*\*)?(?:commit message|subject)(?:\*\*)?:\s*/i, '')
    .replace(/^(["'`])([^\n]*)\1$/, '$2')
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
    .trim();
}
