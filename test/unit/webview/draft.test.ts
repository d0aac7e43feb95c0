import assert from 'node:assert/strict';
import { withReturned } from '../../../src/webview/draft.ts';

describe('what is written and not sent', () => {
  it('stays below what comes back', () => {
    const check = (returned: string, text: string, expected: string) =>
      assert.equal(withReturned(returned, text), expected);
    check('back', '', 'back');
    check('back', ' \n', 'back');
    check('back', 'half a thought', 'back\n\nhalf a thought');
  });
});
