import assert from 'node:assert/strict';
import { withoutThoughts } from '../../../src/agent/thoughts.ts';

describe('thoughts', () => {
  function check(name: string, text: string, expected: string) {
    it(name, () => assert.equal(withoutThoughts(text), expected));
  }
  const call = (text: string) =>
    `<tool_call>\n{"name": "edit", "arguments": {"text": "${text}"}}\n</tool_call>`;
  check('are left out, with the calls in them', `<think>${call('a')}</think>\n\nNo.`, 'No.');
  check('are left out before a call', `<think>hm</think>\n${call('a')}`, call('a'));
  check('may never end', 'So. <think>hm', 'So. ');
  for (const written of [
    call('<think>'),
    '<tool_call>edit<arg_key>text</arg_key><arg_value>a <think> b</arg_value></tool_call>',
    '<function=edit>\n<parameter=text>\n<think>\n</parameter>\n</function>',
    '<|channel|>commentary to=functions.edit<|message|>{"text": "<think>"}',
  ])
    check(`are not what a call holds: ${written.slice(0, 14)}`, `I edit. ${written}`, `I edit. ${written}`);
});
