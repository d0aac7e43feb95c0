/** What a message goes on with. */
import assert from 'node:assert/strict';
import type { AgentEvent, StopReason } from '../../../src/agent/ports.ts';
import { threadOf } from '../../../src/agent/thread.ts';
import { type Answer, type Ask, type Attachment, emptyTranscript } from '../../../src/agent/transcript.ts';

const GO_ON = 'Go on with the task where you left off.';
const FINISH: Partial<Record<StopReason, Answer['finish']>> = {
  ...{ done: 'stop', answered: 'stop', unfinished: 'stop' },
  ...{ stopped: 'cancelled', limit: 'length', error: 'error' },
};
const todo = (text: string): AgentEvent => ({ type: 'todo', items: [{ text, state: 'doing' }] });
const file = (label: string): Attachment => ({
  ...{ id: label, kind: 'file', label, language: '', text: '', tokens: 1, cut: null },
});

/** A message and how its answer ended; `torn`: the process ended first. */
type Turn = readonly [text: string, reason: StopReason | 'torn', steps?: AgentEvent[]];

function thread(turns: readonly Turn[], words: string, attachments: Attachment[] = []) {
  const transcript = emptyTranscript('chat', 0);
  const ask = (id: string, text: string, attachments: Attachment[]): Ask => {
    return { kind: 'ask', id, at: 0, text, expanded: null, attachments };
  };
  for (const [index, [text, reason, steps = []]] of turns.entries()) {
    const end: AgentEvent[] = reason === 'torn' ? [] : [{ type: 'end', reason, text: '' }];
    transcript.entries.push(ask(`q${index}`, text, [file(`file ${index}`)]), {
      ...{ kind: 'answer', id: `a${index}`, askId: `q${index}`, at: 0, model: 'm', level: 'exact', text: '' },
      ...{ finish: reason === 'torn' ? null : FINISH[reason]!, usage: null, error: null, promptCounts: [] },
      ...{ sentFrom: null, steps: [...steps, ...end], undone: [], kept: [] },
    });
  }
  const last = ask('last', words, attachments);
  transcript.entries.push(last);
  return threadOf(transcript, last);
}

describe('a message goes on', () => {
  const check = (expected: string, turns: readonly Turn[], ...words: string[]) => {
    for (const word of words)
      it(`${[...turns.map(([text, reason]) => `${text} (${reason})`), word].join(', ')} -> ${expected}`, () => {
        assert.equal(thread(turns, word).first.text, expected);
      });
  };
  check('fix it', [['fix it', 'stopped']], 'continue', 'Yes, please.', 'sure, do it', GO_ON);
  check('what is it?', [['what is it?', 'stopped']], 'Go on.');
  check('fix it', [['fix it', 'answered']], 'Yes, please.');
  check('fix it', [['fix it', 'done']], 'try again', GO_ON);
  check(
    'fix it',
    [
      ['fix it', 'limit'],
      [GO_ON, 'limit'],
      ['continue', 'error'],
    ],
    'continue',
  );
  // What was said in between, and is over.
  check(
    'fix it',
    [
      ['fix it', 'stopped'],
      ['run the tests', 'done'],
    ],
    'continue',
  );
  check(
    'fix it',
    [
      ['fix it', 'stopped'],
      ['ok', 'answered'],
      ['commit this', 'unfinished'],
    ],
    'continue',
  );
  check(
    'fix it',
    [
      ['fix it', 'torn'],
      ['What happened?', 'answered'],
    ],
    'continue',
  );
  check(
    'fix it',
    [
      ['fix it', 'done'],
      ['thanks', 'answered'],
    ],
    'try again',
  );
  check(
    'run the tests',
    [
      ['fix it', 'done'],
      ['run the tests', 'done'],
    ],
    'again',
  );
  check(
    'What happened?',
    [
      ['fix it', 'stopped'],
      ['What happened?', 'stopped'],
    ],
    'continue',
  );
});

describe('a message goes on with nothing', () => {
  const check = (turns: readonly Turn[], ...words: string[]) => {
    for (const word of words)
      it([...turns.map(([text, reason]) => `${text} (${reason})`), word].join(', '), () => {
        assert.equal(thread(turns, word).first.id, 'last');
      });
  };
  check([], 'continue', 'again');
  check([['fix it', 'stopped']], 'continue with b.js', 'Write the docs');
  check([['fix it', 'done']], 'yes');
  check(
    [
      ['fix it', 'stopped'],
      ['add a test', 'done'],
      ['why?', 'answered'],
    ],
    'continue',
  );
  check([['what is it?', 'answered']], 'yes');
  check([['hi', 'answered']], 'continue');
});

describe('what a message goes on with', () => {
  it('has the newest steps; another task begins without', () => {
    const turns: Turn[] = [
      ['fix it', 'stopped', [todo('look'), todo('mend')]],
      [GO_ON, 'error'],
    ];
    assert.deepEqual(thread(turns, GO_ON).todo, [{ text: 'mend', state: 'doing' }]);
    assert.deepEqual(thread(turns, 'Write the docs').todo, []);
  });

  it('has what is attached since', () => {
    const { first } = thread([['fix it', 'stopped']], 'continue', [file('b.js')]);
    assert.deepEqual(
      first.attachments.map(({ label }) => label),
      ['file 0', 'b.js'],
    );
  });

  it('has all answers that were torn since it was asked', () => {
    const torn = (turns: readonly Turn[], words: string) => thread(turns, words).torn.map(({ id }) => id);
    assert.deepEqual(
      torn(
        [
          ['fix it', 'torn'],
          ['What happened?', 'answered'],
        ],
        'continue',
      ),
      ['a0'],
    );
    assert.deepEqual(
      torn(
        [
          ['fix it', 'torn'],
          [GO_ON, 'error'],
        ],
        GO_ON,
      ),
      ['a0'],
    );
    assert.deepEqual(
      torn(
        [
          ['fix it', 'torn'],
          [GO_ON, 'answered'],
        ],
        'continue',
      ),
      ['a0'],
    );
    assert.deepEqual(
      torn(
        [
          ['fix it', 'torn'],
          ['continue', 'torn'],
        ],
        'continue',
      ),
      ['a1', 'a0'],
    );
    assert.deepEqual(torn([['fix it', 'torn']], 'Write the docs'), []);
  });

  it('is found at once, however often it was gone on with', () => {
    const again = Array.from({ length: 40 }, (): Turn => ['continue', 'limit']);
    assert.equal(thread([['Port the parser', 'limit'], ...again], 'continue').first.text, 'Port the parser');
  });
});
