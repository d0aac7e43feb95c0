/** Which lines are written anew, from what, and what becomes of them. */
import assert from 'node:assert/strict';
import { type Gap, lineMends, type MendKind, problemMends } from '../../../../src/agent/guided/line-mends.ts';

const PYTHON = `import os

def total(items):
    """Their sum."""
    sum = 0
    # each
    for item in items:
        sum = item
    return sum
`;
const WHOLE = { first: 0, last: PYTHON.split('\n').length - 1, isWholeFile: true };

/** `█` where the gap is, in two lines before and one behind; what is written there by the line before. */
async function mend(kind: MendKind, written: Record<string, string> = {}) {
  const gaps: string[] = [];
  const fillIn = async ({ prefix, suffix }: Gap) => {
    const before = prefix.trimEnd().split('\n').at(-1)!.trim();
    gaps.push(`${before} █ ${suffix.split('\n')[1]!.trim()}`);
    const text = written[before] ?? '';
    return { text, confidence: text.length === 0 ? 0 : -1 / text.length };
  };
  return { mends: await lineMends(PYTHON, [WHOLE], kind, fillIn), gaps };
}

describe('guided: single lines written anew', () => {
  it('only lines of code, in their order', async () => {
    const { gaps, mends } = await mend('replace');
    assert.deepEqual(gaps, [
      '"""Their sum.""" █ # each',
      '# each █ sum = item',
      'for item in items: █ return sum',
      'sum = item █ ',
    ]);
    assert.deepEqual(mends, []);
  });

  it('a line that differs takes the place, at the indentation of the old one', async () => {
    const { mends } = await mend('replace', {
      'for item in items:': 'sum += item\n',
      '# each': 'for item in items:',
    });
    assert.deepEqual(
      mends.map(({ text }) => text),
      [PYTHON.replace('        sum = item', '        sum += item')],
    );
  });

  it('the likeliest come first', async () => {
    const { mends } = await mend('replace', { 'for item in items:': 'x', 'sum = item': 'return sum + 0' });
    assert.deepEqual(
      mends.map(({ text }) => text.includes('+ 0')),
      [true, false],
    );
  });

  it('a line is put in with the indentation that the model gives it', async () => {
    const { mends, gaps } = await mend('insert', { 'sum = item': '    sum += 1', 'sum = 0': '    # each' });
    assert.ok(gaps.includes('sum = item █ return sum'));
    assert.deepEqual(
      mends.map(({ text }) => text),
      [PYTHON.replace('sum = item\n', 'sum = item\n    sum += 1\n')],
    );
  });

  it('neither what follows anyway nor a bracket is put in', async () => {
    const { mends } = await mend('insert', { 'for item in items:': 'sum = item', 'sum = 0': '}' });
    assert.deepEqual(mends, []);
  });

  it('ends when no more may be written', async () => {
    let asked = 0;
    const mends = await lineMends(PYTHON, [WHOLE], 'replace', async () => {
      asked++;
      return null;
    });
    assert.deepEqual([mends, asked], [[], 1]);
  });
});

describe('guided: lines at problems', () => {
  const lines = ['import os', 'def f(a):', '    print(os.sep, a)', ''];
  const mended = async (at: number, kind: MendKind, ...written: string[]) => {
    const ways = written.map(text => async () => ({ text, confidence: 0 }));
    const mends = await problemMends(lines.join('\n'), [at], kind, ways);
    return mends.map(({ text }) => text.split('\n').filter(line => !lines.includes(line)));
  };

  it('are replaced whatever they are, by another version of them', async () => {
    assert.deepEqual(await mended(0, 'replace', 'import os as o', 'x = 1'), [['import os as o']]);
    assert.deepEqual(await mended(1, 'replace', 'def f(a, b):', 'def g(a):'), [['def f(a, b):']]);
    assert.deepEqual(await mended(2, 'replace', 'print(os.sep, a)', 'print(os.sep, a)  # noqa', 'pass'), []);
  });

  it('get a line before them, also at the start of a file', async () => {
    assert.deepEqual(await mended(0, 'insert', 'import re'), [['import re']]);
    assert.deepEqual(await mended(2, 'insert', '    a = a or 1', '    return', '    raise X'), [
      ['    a = a or 1'],
    ]);
    const [first] = await problemMends(lines.join('\n'), [0], 'insert', [
      async () => ({ text: 'x', confidence: 0 }),
    ]);
    assert.ok(first!.text.startsWith('x\nimport os\n'));
  });
});
