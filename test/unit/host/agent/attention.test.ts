import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import type { WebviewView } from 'vscode';
import { Deferred } from '../../../../src/base/deferred.ts';
import { Attention } from '../../../../src/host/agent/attention.ts';
import { editor } from '../../../support/vscode.ts';

describe('host/agent/attention', () => {
  beforeEach(() => editor.reset());

  /** How many notifications there are when a chat asks. */
  const check = (name: string, isVisible: boolean, isShown: boolean, expected: number) =>
    it(name, async () => {
      const attention = new Attention();
      const view = { visible: isVisible } as WebviewView;
      attention.show(view);
      const opened: string[] = [];
      const chat = { isShown: () => isShown, show: async () => void opened.push('the chat') };
      const waits = new Deferred<string>();
      const answer = attention.during('Moebius asks', chat, waits.promise);
      assert.equal(view.badge?.value, 1);
      assert.equal(editor.informed.length, expected);
      editor.informed[0]?.choose('Show');
      waits.resolve('yes');
      assert.equal(await answer, 'yes');
      assert.equal(view.badge, undefined);
      assert.equal(opened.length, expected);
    });
  check('says nothing about a chat that is in view', true, true, 0);
  check('tells of a chat that is hidden, and shows it', false, true, 1);
  check('tells of a chat while another is shown, and shows it', true, false, 1);
});
