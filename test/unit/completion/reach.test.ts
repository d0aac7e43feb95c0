import assert from 'node:assert/strict';
import { withinReach } from '../../../src/completion/reach.ts';

/** Lines of four characters, their ends included. */
const lines = (count: number) => Array.from({ length: count }, (_, i) => `${String(i).padStart(3, '0')}\n`);

describe('completion/reach', () => {
  it('a small document is within reach from its start to its end', () => {
    const own = { before: lines(20).join(''), after: 'rest\nlast' };
    assert.deepEqual(withinReach(own, 'python'), own);
  });

  it('of what follows in a long one so many lines, and again the same of what is left', () => {
    const { after } = withinReach({ before: '', after: `rest\n${lines(100).join('')}` }, 'python');
    assert.equal(after, `rest\n${lines(59).join('')}`);
    assert.equal(withinReach({ before: '', after }, 'python').after, after);
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
