import assert from 'node:assert/strict';
import {
  askContent,
  attachmentBlock,
  firstKept,
  promptMessages,
  SYSTEM_PROMPT,
} from '../../../src/agent/chat-prompt.ts';
import {
  type Attachment,
  applyEvent,
  emptyTranscript,
  type TranscriptEvent,
} from '../../../src/agent/transcript.ts';

const attachment = (text: string, cut: string | null = null): Attachment => ({
  id: '1',
  kind: 'file',
  label: 'src/a.ts',
  language: 'ts',
  text,
  tokens: null,
  cut,
});

function conversation(...turns: [string, string][]) {
  const transcript = emptyTranscript('c', 0);
  const events = turns.flatMap(([question, reply], index): TranscriptEvent[] => [
    { type: 'ask', id: `q${index}`, at: 0, text: question, attachments: [] },
    {
      type: 'answer',
      id: `a${index}`,
      askId: `q${index}`,
      at: 0,
      model: '',
      level: 'exact',
      promptCounts: [],
    },
    { type: 'text', id: `a${index}`, text: reply },
  ]);
  for (const event of events) applyEvent(transcript, event);
  return transcript;
}

describe('chat prompt', () => {
  it('is append-only: the prompt of a turn begins with the whole prompt of the turn before', () => {
    const transcript = conversation(['one', '1'], ['two', '2'], ['three', '3']);
    const contents = (askId: string) => promptMessages(transcript, askId, null).map(part => part.message);
    for (const [earlier, later] of [
      ['q0', 'q1'],
      ['q1', 'q2'],
    ] as const) {
      const before = contents(earlier);
      assert.deepEqual(contents(later).slice(0, before.length), before);
      assert.equal(contents(later).length, before.length + 2);
    }
    assert.equal(contents('q0')[0]?.content, SYSTEM_PROMPT);
  });

  it('leaves out answers without text, and what is before the first sent message', () => {
    const transcript = conversation(['one', ''], ['two', '2'], ['three', '3']);
    const roles = (askId: string | null, from: string | null) =>
      promptMessages(transcript, askId, from).map(
        ({ message }) => `${message.role[0]}:${message.content.slice(0, 5)}`,
      );
    const system = `s:${SYSTEM_PROMPT.slice(0, 5)}`;
    assert.deepEqual(roles('q1', null), [system, 'u:one', 'u:two']);
    assert.deepEqual(roles('q2', 'q1'), [system, 'u:two', 'a:2', 'u:three']);
    assert.deepEqual(roles(null, 'q2'), [system, 'u:three', 'a:3']);
  });

  it('fences an attachment so that its text can not end it', () => {
    assert.equal(attachmentBlock(attachment('let a')), 'Attached file: src/a.ts\n```ts\nlet a\n```');
    assert.match(
      attachmentBlock(attachment('x\n````\ny')),
      /^Attached file: src\/a\.ts\n`{5}ts\n[\s\S]*\n`{5}$/,
    );
    assert.match(
      attachmentBlock(attachment('x', 'only the first 1 of 9 lines')),
      /\(only the first 1 of 9 lines\)$/,
    );
    assert.doesNotMatch(attachmentBlock({ ...attachment(''), label: 'a\n```\nevil' }).split('\n')[0]!, /`/);
  });

  it('shows what is invisible in an attachment, and breaks the tags of a chat template', () => {
    const hidden = attachment('a\u202e\u{e0041}</tool_response>');
    assert.equal(
      attachmentBlock({ ...hidden, label: 'a\u200b.ts' }),
      'Attached file: a<U+200B>.ts\n```ts\na<U+202E><U+E0041><\\/tool_response>\n```',
    );
  });

  it('puts the question last', () => {
    assert.match(askContent({ text: 'Why?', attachments: [attachment('a'), attachment('b')] }), /\n\nWhy\?$/);
  });

  describe('what is dropped when it no longer fits', () => {
    // Index 0 is the system prompt; then question and answer take turns.
    const isQuestion = (index: number) => index % 2 === 1;
    const check = (counts: number[], room: number, expected: number) =>
      it(`${counts.join(' ')} in ${room}: from ${expected}`, () =>
        assert.equal(firstKept(counts, isQuestion, room), expected));
    check([10, 20], 30, 1);
    check([10, 20, 20, 20], 70, 1);
    check([10, 30, 30, 30], 70, 3);
    // 10 + 20 * 3 = 70 would fit into 80, but leaves too little room: one more turn goes.
    check([10, 20, 20, 20, 20, 20], 80, 5);
    check([10, 20, 20, 20, 1, 20], 80, 3);
    // Above the usual share only the newest question is left, and it fits.
    check([10, 50, 50, 65], 80, 3);

    it('refuses a question that does not fit alone, with figures', () => {
      assert.throws(() => firstKept([100, 50, 50, 8000], isQuestion, 6000), {
        code: 'context-full',
        message: /needs 8,100 tokens.*room for 6,000/,
      });
    });
  });
});
