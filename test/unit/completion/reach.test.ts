import assert from 'node:assert/strict';
import { withinReach } from '../../../src/completion/reach.ts';

/** Lines of four characters, their ends included. */
const lines = (count: number) => Array.from({ length: count }, (_, i) => `${String(i).padStart(3, '0')}\n`);

describe('completion/reach', () => {
  it('a small document is within reach from its start to its end', () => {
    const own = { before: lines(20).join(''), after: 'rest\nlast' };
    assert.deepEqual(withinReach(own, 'python'), own);
  });

  it('of a long one so many lines, and again the same of what is left', () => {
    const own = { before: `${'\n'.repeat(6000)}here`, after: `rest\n${lines(100).join('')}` };
    const { before, after } = withinReach(own, 'python');
    assert.equal(before, `${'\n'.repeat(5000)}here`);
    assert.equal(after, `rest\n${lines(59).join('')}`);
    assert.deepEqual(withinReach({ before, after }, 'python'), { before, after });
  });

  it('and so many characters', () => {
    const { before, after } = withinReach(
      { before: 'a'.repeat(20_000), after: 'b'.repeat(20_000) },
      'python',
    );
    assert.deepEqual([before.length, after.length], [12_000, 3000]);
  });

  it('cells of a notebook stand around it', () => {
    const cells = { before: 'import os\n\n', after: '\n\nprint(1)' };
    assert.deepEqual(withinReach({ before: 'x = ', after: '' }, 'python', cells), {
      before: 'import os\n\nx = ',
      after: '\n\nprint(1)',
    });
  });
});
