import assert from 'node:assert/strict';
import type { Phase } from '../../../src/protocol/webview.ts';
import { phaseText } from '../../../src/webview/phase-line.tsx';

describe('phase line in words', () => {
  const check = (phase: Phase, expected: string) =>
    it(expected || 'idle', () => assert.equal(phaseText(phase), expected));
  check({ kind: 'idle' }, '');
  check({ kind: 'down', reason: 'It ended.' }, 'It ended.');
  check({ kind: 'loading', percent: 40.2 }, 'Loading the model 40 %');
  check({ kind: 'queued', position: 2 }, 'Waiting, 2 before this');
  check(
    { kind: 'reading', done: 1200, total: 3000, reused: 800 },
    'Reading 1,200 of 3,000 tokens (reused 800)',
  );
  check({ kind: 'reading', done: 0, total: 30, reused: 0 }, 'Reading 0 of 30 tokens');
  check({ kind: 'thinking', words: 1200 }, 'Thinking, 1,200 words so far');
  check({ kind: 'writing', tokensPerSecond: 21.3 }, 'Writing 21 tokens/s');
  check({ kind: 'writing', tokensPerSecond: null }, 'Writing');
});
