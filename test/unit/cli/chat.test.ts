import assert from 'node:assert/strict';
import { converse } from '../../../src/cli/chat.ts';
import { memoryTerminal, scriptedEngine } from './scripted-engine.ts';

const OPTIONS = { variant: 'int4', context: 1000, threads: 1, maxTokens: 5, temperature: 0 } as const;

describe('chat in the terminal', () => {
  const talk = async (
    input: string,
    answer: (request: object) => string,
    { system, isTTY = false }: { system?: string; isTTY?: boolean } = {},
  ) => {
    const { engine, requests } = scriptedEngine(answer);
    const terminal = memoryTerminal(input);
    terminal.stdout.isTTY = isTTY;
    await converse(engine, terminal, { ...OPTIONS, ...(system && { system }) });
    const conversations = requests.map(request =>
      'messages' in request ? request.messages?.map(({ role, content }) => `${role}: ${content}`) : [],
    );
    return { conversations, output: terminal.output(), errors: terminal.errors() };
  };

  it('sends the whole conversation and prints the answers', async () => {
    const { conversations, output } = await talk('hi\n\nand?\n', () => 'yes', { system: 'be kind' });
    assert.deepEqual(conversations, [
      ['system: be kind', 'user: hi'],
      ['system: be kind', 'user: hi', 'assistant: yes', 'user: and?'],
    ]);
    assert.equal(output, 'yes\nyes\n');
  });

  it('obeys nothing on a terminal that a model writes, and changes nothing in a pipe', async () => {
    const text = 'a\x1b]52;c;eA==\x07\rb\r\n\t\u009b2J 👩‍💻';
    const on = await talk('hi\n', () => text, { isTTY: true });
    assert.equal(on.output, 'a<U+001B>]52;c;eA==<U+0007><U+000D>b\r\n\t<U+009B>2J 👩‍💻\n');
    assert.equal((await talk('hi\n', () => text)).output, `${text}\n`);
  });

  it('starts over with /new and leaves with /exit', async () => {
    const { conversations } = await talk('one\n/new\ntwo\n/exit\nthree\n', () => 'ok');
    assert.deepEqual(conversations, [['user: one'], ['user: two']]);
  });

  it('says what failed and forgets the question', async () => {
    let calls = 0;
    const { conversations, errors } = await talk('one\ntwo\n', () => {
      if (++calls === 1) throw new Error('too long');
      return 'ok';
    });
    assert.match(errors, /error: too long/);
    assert.deepEqual(conversations, [['user: one'], ['user: two']]);
  });
});
