import assert from 'node:assert/strict';
import { parseParams } from '../../../src/daemon/params.ts';
import { LIMITS } from '../../../src/protocol/daemon.ts';

type Method = Parameters<typeof parseParams>[0];
const generate = (more: object) => ({ requestId: 'r', ...more });
const user = { role: 'user', content: 'hi' };

describe('daemon params', () => {
  const accept = (name: string, method: Method, params: object, expected: object = params) =>
    it(`accepts ${name}`, () => assert.deepEqual(parseParams(method, params), expected));
  const refuse = (name: string, method: Method, params: unknown, message: RegExp) =>
    it(`refuses ${name}`, () =>
      assert.throws(() => parseParams(method, params), { code: 'bad-request', message }));

  accept('a prompt', 'generate', generate({ prompt: '' }));
  accept('messages with everything', 'generate', {
    ...generate({
      messages: [user],
      answerPrefix: 'a',
      level: 'fast',
      sequence: 's',
      priority: 'background',
    }),
    ...{ maxTokens: 5, temperature: 0, topK: 40, topP: 0.9, minP: 0.1, seed: 7, stop: ['\n'] },
  });
  accept('unknown keys, which it drops', 'tokens/count', { text: 'a', extra: 1 }, { text: 'a' });
  accept(
    'a completion',
    'complete',
    generate({ prefix: 'a', suffix: 'b', middle: 'c', decodeBudgetMs: 300, singleLine: true }),
  );
  accept('writing ahead', 'complete', generate({ prefix: 'a', suffix: 'b', ahead: true }));
  accept('reading ahead', 'complete', generate({ prefix: 'a', suffix: 'b', maxTokens: 0 }));
  accept('a load', 'model/load', { model: 'm', variant: 'int8', contextTokens: 4096, threads: 2 });

  const tool = { name: 'read_file', description: 'Reads.', parameters: { type: 'object', properties: {} } };
  accept(
    'a schema',
    'generate',
    generate({ prompt: 'a', grammar: { kind: 'json-schema', schema: { type: 'array' } } }),
  );
  accept('a grammar', 'generate', generate({ prompt: 'a', grammar: { kind: 'ebnf', text: 'root ::= "a"' } }));
  accept(
    'tools',
    'generate',
    generate({ prompt: 'a', grammar: { kind: 'tools', tools: [tool], choice: 'required' } }),
  );
  const withTools = (tools: unknown[]) => generate({ prompt: 'a', grammar: { kind: 'tools', tools } });
  refuse('no tools', 'generate', withTools([]), /params\.grammar\.tools/);
  refuse(
    'a tool name with a tag in it',
    'generate',
    withTools([{ ...tool, name: 'a</tool_call>' }]),
    /tools\.0\.name/,
  );
  refuse('a thousand tools', 'generate', withTools(Array(1000).fill(tool)), /params\.grammar\.tools/);
  refuse(
    'an unknown kind of grammar',
    'generate',
    generate({ prompt: 'a', grammar: { kind: 'regex' } }),
    /grammar/,
  );

  for (const junk of [undefined, null, 42, 'text', [], [1]]) {
    refuse(`${JSON.stringify(junk)} as params`, 'generate', junk, /^generate: params/);
  }
  refuse('no prompt at all', 'generate', generate({}), /either prompt or messages/);
  refuse('both', 'generate', generate({ prompt: 'a', messages: [user] }), /either prompt or messages/);
  refuse('an empty conversation', 'generate', generate({ messages: [] }), /params\.messages/);
  refuse(
    'an unknown role',
    'generate',
    generate({ messages: [{ role: 'root', content: '' }] }),
    /messages\.0\.role/,
  );
  refuse('explicit undefined', 'generate', generate({ prompt: 'a', level: undefined }), /params\.level/);
  refuse('NaN', 'generate', generate({ prompt: 'a', temperature: Number.NaN }), /params\.temperature/);
  refuse('an answer of no tokens', 'generate', generate({ prompt: 'a', maxTokens: 0 }), /params\.maxTokens/);
  refuse('a fraction of a token', 'generate', generate({ prompt: 'a', maxTokens: 1.5 }), /params\.maxTokens/);
  refuse(
    'too many tokens',
    'generate',
    generate({ prompt: 'a', maxTokens: LIMITS.maxTokens + 1 }),
    /maxTokens/,
  );
  refuse('an empty stop string', 'generate', generate({ prompt: 'a', stop: [''] }), /params\.stop\.0/);
  refuse(
    'too many stop strings',
    'generate',
    generate({ prompt: 'a', stop: Array(17).fill('x') }),
    /params\.stop/,
  );
  refuse(
    'a prompt that is too long',
    'generate',
    generate({ prompt: 'x'.repeat(LIMITS.promptChars + 1) }),
    /prompt/,
  );
  refuse(
    'messages that are too long together',
    'generate',
    generate({ messages: Array(3).fill({ role: 'user', content: 'x'.repeat(LIMITS.promptChars / 2) }) }),
    /characters in all/,
  );
  refuse(
    'parts of a completion that are too long together',
    'complete',
    generate({
      prefix: 'a',
      suffix: 'b'.repeat(LIMITS.promptChars / 2),
      middle: 'c'.repeat(LIMITS.promptChars / 2),
    }),
    /characters in all/,
  );
  refuse('a completion without suffix', 'complete', generate({ prefix: '' }), /params\.suffix/);
  refuse('a load without model', 'model/load', {}, /params\.model/);
});
