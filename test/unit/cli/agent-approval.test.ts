import assert from 'node:assert/strict';
import type { ApprovalRequest } from '../../../src/agent/ports.ts';
import { parseApprovals, permissionsOf } from '../../../src/cli/agent-approval.ts';
import { stepPrinter } from '../../../src/cli/agent-report.ts';
import { memoryTerminal } from './scripted-engine.ts';

const REQUEST = {
  callId: 'k',
  capability: 'command',
  title: 'Run a command',
  detail: 'rm x\x1b[1A\x1b[2K\rls',
  warning: 'deletes \x1b]52;c;eA==\x07',
  fingerprint: '',
  remember: null,
} as const;

describe('the agent in a terminal', () => {
  const terminalOf = (isTTY: boolean, input = 'n\n') => {
    const terminal = memoryTerminal(input);
    terminal.stdin.isTTY = true;
    for (const stream of [terminal.stdout, terminal.stderr] as { isTTY?: boolean }[]) stream.isTTY = isTTY;
    return terminal;
  };

  it('hides nothing of what it asks for behind control characters', async () => {
    const terminal = terminalOf(true);
    const { approval } = permissionsOf(parseApprovals('none'), 'agent', terminal);
    assert.equal((await approval.ask(REQUEST, terminal.signal)).kind, 'deny');
    const shown = terminal.errors();
    assert.match(shown, /^rm x<U\+001B>\[1A<U\+001B>\[2K<U\+000D>ls$/m);
    assert.match(shown, /^Warning: deletes <U\+001B>\]52;c;eA==<U\+0007>$/m);
    const other = terminalOf(true, '1\n');
    const asker = permissionsOf(parseApprovals('none'), 'agent', other).questions;
    assert.equal(await asker!.ask('Which\x1b[2J?', ['a\rc', 'b'], other.signal), 'a\rc');
    assert.match(other.errors(), /Which<U\+001B>\[2J\?\n {2}1\. a<U\+000D>c\n/);
  });

  it('takes a command that was given word for word, whatever it has that is invisible', async () => {
    const terminal = terminalOf(false);
    const command = 'node a.js \u200bx\ry';
    const { approval } = permissionsOf(parseApprovals(`commands:${command}`), 'agent', terminal);
    const kindOf = async (request: ApprovalRequest) => (await approval.ask(request, terminal.signal)).kind;
    const detail = 'node a.js <U+200B>x<U+000D>y';
    assert.equal(await kindOf({ ...REQUEST, detail, command }), 'once');
    assert.equal(await kindOf({ ...REQUEST, detail, command: detail }), 'deny');
    terminal.stdin.isTTY = false;
    await assert.rejects(kindOf(REQUEST), { code: 'refused', message: /nobody is there to ask/ });
  });

  it('shows the controls in what a model says on a terminal, and hands them on in a pipe', () => {
    for (const isTTY of [true, false]) {
      const terminal = terminalOf(isTTY);
      const show = stepPrinter(terminal, false);
      show({ type: 'text', text: 'a\x1b[2J' });
      show({ type: 'notice', text: 'b\rc' });
      assert.equal(terminal.output(), isTTY ? 'a<U+001B>[2J' : 'a\x1b[2J');
      assert.equal(terminal.errors(), isTTY ? '  (b<U+000D>c)\n' : '  (b\rc)\n');
    }
  });
});
