import assert from 'node:assert/strict';
import { type Occasion, ReadAhead } from '../../../src/completion/read-ahead.ts';
import { FakeClock } from '../../support/fake-clock.ts';

type Step = [at: number, occasion: Occasion, line: number, uri?: string];

/** Times (ms) at which it read, after the given steps. */
async function play(steps: Step[]): Promise<number[]> {
  const clock = new FakeClock();
  const reads: number[] = [];
  const readAhead = new ReadAhead(clock, () => reads.push(clock.now()));
  for (const [at, occasion, line, uri = 'a'] of steps) {
    await clock.advance(at - clock.now());
    readAhead.note(occasion, { uri, line });
  }
  await clock.advance(5000);
  return reads;
}

describe('completion/read-ahead', () => {
  const check = (name: string, steps: Step[], expected: number[]) =>
    it(name, async () => assert.deepEqual(await play(steps), expected));

  check('reads a file that was opened, after a pause', [[0, 'opened', 3]], [500]);
  check(
    'waits until the user has stopped',
    [
      [0, 'opened', 3],
      [300, 'moved', 90],
      [600, 'typed', 90],
      [700, 'moved', 90],
    ],
    [1200],
  );
  check(
    'reads again after a far move, not after a near one',
    [
      [0, 'opened', 10],
      [1000, 'moved', 14],
      [2000, 'moved', 60],
      [3000, 'moved', 55],
      [4000, 'moved', 10],
    ],
    [500, 2500, 4500],
  );
  check(
    'reads after a pause in typing and after a save, wherever that is',
    [
      [0, 'opened', 10],
      [1000, 'typed', 11],
      [2000, 'saved', 11],
    ],
    [500, 1500, 2500],
  );
  check(
    'reads in the other document at the same line',
    [
      [0, 'opened', 10],
      [1000, 'moved', 10, 'b'],
    ],
    [500, 1500],
  );

  it('reads nothing once it is disposed of', async () => {
    const clock = new FakeClock();
    const readAhead = new ReadAhead(clock, () => assert.fail('read'));
    readAhead.note('opened', { uri: 'a', line: 0 });
    readAhead.dispose();
    await clock.advance(5000);
  });
});
