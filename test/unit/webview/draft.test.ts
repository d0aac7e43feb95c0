import assert from 'node:assert/strict';
import { signal } from '@preact/signals';
import { MAX_MESSAGE_CHARS } from '../../../src/protocol/message-length.ts';
import { webviewMessage } from '../../../src/protocol/webview.ts';
import { canSend, unsentOf, withReturned } from '../../../src/webview/draft.ts';

describe('what is written and not sent', () => {
  it('can be sent as long as the host takes it, and says what to do with more', () => {
    const check = (text: string, expected: boolean, told: RegExp) => {
      const toast = signal('');
      assert.equal(canSend(text, toast), expected);
      assert.match(toast.value, told);
      assert.equal(webviewMessage.safeParse({ type: 'send', text }).success, told.test(''));
    };
    check('hi', true, /^$/);
    check(' \n', false, /^$/);
    check('x'.repeat(MAX_MESSAGE_CHARS), true, /^$/);
    check('x'.repeat(MAX_MESSAGE_CHARS + 1), false, /1,000,001 characters.*1,000,000.*as a file/);
  });

  it('stays below what comes back', () => {
    const check = (returned: string, text: string, expected: string) =>
      assert.equal(withReturned(returned, text), expected);
    check('back', '', 'back');
    check('back', ' \n', 'back');
    check('back', 'half a thought', 'back\n\nhalf a thought');
  });

  it('is what was kept, as far as it can be read', () => {
    const nothing = { draft: '', edit: null, reply: null };
    const check = (saved: unknown, expected: object) =>
      assert.deepEqual(unsentOf(saved), { ...nothing, ...expected });
    const edit = { id: 'q1', text: 'better' };
    check({ draft: 'hi', edit, reply: edit }, { draft: 'hi', edit, reply: edit });
    check({ draft: 'hi' }, { draft: 'hi' });
    check(undefined, {});
    check('hi', {});
    check({ draft: 7, edit: { id: 'q1' }, reply: [] }, {});
  });
});
