import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { TerminalMirror } from '../../../../src/host/agent/terminal-mirror.ts';
import { editor } from '../../../support/vscode.ts';

describe('host/agent/terminal-mirror', () => {
  let mirror: TerminalMirror;
  beforeEach(() => {
    editor.reset();
    mirror = new TerminalMirror();
  });
  afterEach(() => mirror.dispose());
  const command = { callId: 'c1', title: 'Run npm test', output: 'so far\n' };

  it('shows what was written, then what is, then how it ended', () => {
    mirror.follow({ type: 'output', callId: 'c1', text: 'nobody looks\n' });
    mirror.show(command);
    mirror.follow({ type: 'output', callId: 'c1', text: 'more\r\n' });
    mirror.follow({ type: 'output', callId: 'other', text: 'not here\n' });
    const end = { ok: true, text: '', summary: 'Exit code 0', changes: [] };
    mirror.follow({ type: 'result', callId: 'c1', ...end });
    const [terminal] = editor.terminals;
    assert.equal(terminal?.name, 'Run npm test');
    assert.equal(terminal?.written, 'so far\r\nmore\r\n\r\n[Exit code 0]\r\n');
  });

  it('shows a command once, and anew after its tab was closed', () => {
    mirror.show(command);
    mirror.show(command);
    assert.deepEqual(
      editor.terminals.map(({ shows }) => shows),
      [2],
    );
    editor.terminals[0]!.pty.close();
    mirror.follow({ type: 'output', callId: 'c1', text: 'into nothing' });
    mirror.show({ ...command, output: 'all of it' });
    assert.deepEqual(
      editor.terminals.map(({ written }) => written),
      ['so far\r\n', 'all of it'],
    );
  });
});
