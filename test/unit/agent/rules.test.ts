import assert from 'node:assert/strict';
import type { WorkspacePort } from '../../../src/agent/ports.ts';
import { expandPrompt, readPromptFiles } from '../../../src/agent/prompt-files.ts';
import { readRules } from '../../../src/agent/rules.ts';
import { MoebiusError } from '../../../src/base/errors.ts';

/** Files and folders from paths. */
function workspace(files: Record<string, string>): WorkspacePort {
  const missing = (path: string) => new MoebiusError('not-found', `${path} is not there`);
  return {
    async read(path) {
      if (files[path] === undefined) throw missing(path);
      return { path, text: files[path], version: '1' };
    },
    async list(folder) {
      const below = Object.keys(files).filter(path => path.startsWith(`${folder}/`));
      if (below.length === 0) throw missing(folder);
      const names = new Set(below.map(path => path.slice(folder.length + 1).split('/')[0]!));
      return [...names].map(name => ({
        path: `${folder}/${name}`,
        kind: files[`${folder}/${name}`] === undefined ? ('directory' as const) : ('file' as const),
        sizeBytes: null,
      }));
    },
    find: async () => [],
    grep: async () => [],
  };
}

const project = {
  'AGENTS.md': 'Use tabs.',
  'src/AGENTS.md': 'No classes.',
  'src/a/AGENTS.md': 'Near.',
  'other/AGENTS.md': 'Elsewhere.',
  '.moebius/rules/b.md': '---\ntitle: B\n---\nSecond.',
  '.moebius/rules/a.md': 'First.',
  '.moebius/rules/image.png': 'no rule',
  '.moebius/skills/pdf/SKILL.md':
    '---\nname: pdf-forms\ndescription: "Fill in PDF forms"\n---\nThe long text.',
  '.moebius/skills/broken/SKILL.md': 'no description',
  '.moebius/prompts/review.md': '---\ndescription: Review a file\n---\nReview $ARGUMENTS carefully.',
  '.moebius/prompts/tidy.md': 'Tidy up.',
  '.moebius/prompts/no good.md': 'a name with a space',
};
const trusted = { userRules: '', isTrusted: true, openFile: null };

describe('rules', () => {
  it('are those of the user, the project from the top down, then the skills by name', async () => {
    const rules = await readRules(workspace(project), {
      userRules: 'Be brief.',
      isTrusted: true,
      openFile: 'src/a/x.ts',
    });
    assert.equal(
      rules,
      `Rules of the user:
Be brief.

Rules in AGENTS.md:
Use tabs.

Rules in src/AGENTS.md:
No classes.

Rules in src/a/AGENTS.md:
Near.

Rules in .moebius/rules/a.md:
First.

Rules in .moebius/rules/b.md:
Second.

Skills. When one fits the task, read its file first:
- pdf-forms: Fill in PDF forms (.moebius/skills/pdf/SKILL.md)`,
    );
  });

  it('of a workspace that is not trusted are not read', async () => {
    const options = { userRules: 'Mine.', isTrusted: false, openFile: 'src/a/x.ts' };
    assert.equal(await readRules(workspace(project), options), 'Rules of the user:\nMine.');
    assert.deepEqual(await readPromptFiles(workspace(project), false), []);
  });

  it('are none in an empty workspace', async () => {
    assert.equal(await readRules(workspace({}), trusted), '');
  });

  it('that are too long are cut, and say so', async () => {
    const rules = await readRules(workspace({ 'AGENTS.md': 'x'.repeat(50_000) }), trusted);
    assert.ok(rules.length < 8100);
    assert.match(rules, /the rest is left out/);
  });
});

describe('prompt files', () => {
  it('are read by name', async () => {
    assert.deepEqual(await readPromptFiles(workspace(project), true), [
      { name: 'review', description: 'Review a file', text: 'Review $ARGUMENTS carefully.' },
      { name: 'tidy', description: '', text: 'Tidy up.' },
    ]);
  });

  it('stand for a message that begins with their name', async () => {
    const prompts = await readPromptFiles(workspace(project), true);
    const expands = (message: string, expected: string) =>
      assert.equal(expandPrompt(message, prompts), expected);
    expands('/review src/a.ts', 'Review src/a.ts carefully.');
    expands('/review $& $1', 'Review $& $1 carefully.');
    expands('/tidy', 'Tidy up.');
    expands('/tidy the tests\nand docs', 'Tidy up.\n\nthe tests\nand docs');
    expands('/unknown x', '/unknown x');
    expands('see /review', 'see /review');
  });
});
