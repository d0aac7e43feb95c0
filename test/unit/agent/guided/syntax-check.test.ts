/** Whether a version broke its file: told by a grammar, where neither a language server nor the user's check does. */
import assert from 'node:assert/strict';
import { newFaults, type Parsed } from '../../../../src/agent/guided/syntax-check.ts';
import { FileFaults } from '../../../../src/completion/syntax/file-faults.ts';
import { testGrammars } from '../../../support/grammars.ts';
import type { World } from '../../../support/memory-ports.ts';
import { lastOf, play } from './play.ts';

const syntax = new FileFaults(testGrammars(), Number.POSITIVE_INFINITY);
const PY = 'def g():\n    return 1\n';
const py = (code: string) => `\`\`\`python\n${code}\n\`\`\``;
const BROKEN = py('def g():\n    return 1\n\n\ndef f(a:\n    return a');
const SOUND = py('def g():\n    return 1\n\n\ndef f(a):\n    return a');

describe('guided: a file that no longer parses', () => {
  const given = { task: 'Add f to a.py.', checkCommand: null };

  it('is not solved; the model hears where it is broken', async () => {
    const { outcome, files, prompts } = await play(
      [BROKEN, 'A bracket.', SOUND],
      { 'a.py': PY },
      { syntax },
      given,
    );
    assert.equal(outcome.reason, 'done');
    assert.equal(files.get('a.py'), `${PY}\n\ndef f(a):\n    return a\n`);
    assert.ok(prompts.length > 1);
  });

  it('is what it was where nothing better comes', async () => {
    const { outcome, files } = await play(Array(20).fill(BROKEN), { 'a.py': PY }, { syntax }, given);
    assert.equal(outcome.reason, 'limit');
    assert.equal(files.get('a.py'), PY);
  });

  it('is told by the language server where there is one', async () => {
    const diagnose: World['diagnose'] = files =>
      files.get('a.py')!.includes('f(a')
        ? [
            {
              path: 'a.py',
              line: 5,
              column: 8,
              severity: 'error',
              message: '"(" was not closed',
              source: 'py',
            },
          ]
        : [];
    const answers = Array.from({ length: 20 }, (_, index) => BROKEN.replace('f(a', `f(a${index}`));
    const { prompts } = await play(answers, { 'a.py': PY }, { syntax, diagnose }, given);
    const told = prompts.map(lastOf).filter(content => content.includes('The new code has new errors.'));
    assert.ok(told.length > 0);
    for (const content of told) {
      assert.match(content, /"\(" was not closed/);
      assert.doesNotMatch(content, /Invalid syntax/);
    }
  });
});

describe('guided: what was broken before', () => {
  const parsed = async (path: string, text: string): Promise<Parsed> => ({
    text,
    faults: (await syntax.faults(path, text))!,
  });
  const fresh = (name: string, path: string, before: string, now: string, lines: number[]) =>
    it(name, async () => {
      const faults = newFaults(await parsed(path, before), await parsed(path, now));
      assert.deepEqual(
        faults.map(({ line }) => line),
        lines,
      );
    });
  const OPEN = 'const x = ;\n';

  fresh('is no news where it has moved', 'a.js', `${OPEN}f();\n`, `g();\nh();\n${OPEN}f();\n`, []);
  fresh('is no news where its line was written anew', 'a.js', `g();\n${OPEN}`, 'g();\nconst y = ;\n', []);
  fresh('hides nothing in other lines', 'a.js', `${OPEN}f();\n`, `${OPEN}f(;\n`, [2]);
  fresh('hides nothing that takes its place elsewhere', 'a.js', `${OPEN}f();\n`, 'x = 1;\nf();\ng(;\n', [3]);
  fresh('hides nothing beside it', 'a.js', OPEN, `const y = ;\n${OPEN}`, [1]);
  fresh('is missed at another end', 'a.js', 'if (a) {\n  f();\n', 'if (a) {\n  f();\n  g();\n', []);
  fresh('is nothing in a new file', 'a.py', '', 'def f(:\n    pass\n', [1]);
});
