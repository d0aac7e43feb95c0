import assert from 'node:assert/strict';
import { MoebiusError } from '../../../src/base/errors.ts';
import { describe as describeStep, type Step, withProgress } from '../../../src/cli/progress.ts';
import { memoryTerminal } from './scripted-engine.ts';

describe('progress', () => {
  const steps: Step[] = [
    { phase: 'download', percent: 3, doneBytes: 30, totalBytes: 1000 },
    { phase: 'download', percent: 7, doneBytes: 70, totalBytes: 1000 },
    { phase: 'convert', percent: 7, message: 'layer 2' },
  ];
  const job = async (report: (step: Step) => void) => {
    for (const step of steps) report(step);
    return { model: 'm' };
  };

  it('is JSON lines with an end on request', async () => {
    const terminal = memoryTerminal();
    await withProgress(terminal, true, job);
    const lines = terminal
      .output()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.deepEqual(lines, [...steps, { done: true, model: 'm' }]);
    assert.equal(terminal.errors(), '');
  });

  it('ends with the error as a line too', async () => {
    const terminal = memoryTerminal();
    const failing = withProgress(terminal, true, async () => {
      throw new MoebiusError('disk-full', 'No room.');
    });
    await assert.rejects(failing, { code: 'disk-full' });
    assert.deepEqual(JSON.parse(terminal.output()), { error: { code: 'disk-full', message: 'No room.' } });
  });

  it('is one line a tenth and phase where nobody watches a bar', async () => {
    const terminal = memoryTerminal();
    await withProgress(terminal, false, job);
    assert.deepEqual(terminal.errors().trim().split('\n'), [
      'download 3 %  0 of 0 MB',
      'convert 7 %  layer 2',
    ]);
    assert.equal(terminal.output(), '');
  });

  const check = (step: Step, expected: string) =>
    it(expected, () => assert.equal(describeStep(step), expected));
  check(
    { phase: 'download', percent: 41.7, doneBytes: 458e6, totalBytes: 1117e6, secondsLeft: 95 },
    '41 %  458 of 1,117 MB  2 min left',
  );
  check({ phase: 'convert', percent: 99.99, secondsLeft: 2.2 }, '99 %  3 s left');
});
