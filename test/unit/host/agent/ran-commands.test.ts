import assert from 'node:assert/strict';
import type { AgentEvent } from '../../../../src/agent/ports.ts';
import { ranCommands } from '../../../../src/host/agent/ran-commands.ts';

/** One call of a command, with what is told of it after that. */
function steps(command: string, ...told: (string | boolean)[]): AgentEvent[] {
  const callId = command;
  const call = { kind: 'call', name: 'run_command', arguments: { command } } as const;
  const request = { capability: 'command', title: '', detail: command, warning: null } as const;
  const events: AgentEvent[] = [{ type: 'call', callId, call, title: `Run ${command}` }];
  for (const one of told) {
    if (one === 'ask')
      events.push({ type: 'approval', request: { ...request, callId, fingerprint: '', remember: null } });
    else if (typeof one === 'boolean')
      events.push({
        type: 'decision',
        callId,
        decision: one ? { kind: 'once' } : { kind: 'deny', reason: null },
      });
    else if (one.endsWith('\n')) events.push({ type: 'output', callId, text: one });
    else events.push({ type: 'result', callId, ok: false, text: '', summary: one, changes: [] });
  }
  return events;
}
const ran = (...all: AgentEvent[][]) =>
  ranCommands(
    all.map(one => ({ steps: one })),
    'posix',
  );

describe('host/agent/ran-commands', () => {
  it('names what ran, allowed or unasked, and what may have when it was interrupted', () => {
    assert.deepEqual(
      ran(
        steps('prettier --write .', 'ask', true, 'stopped'),
        steps('npm test', 'Exit code 1'),
        steps('make', 'began\n', 'stopped'),
        steps('npm run dev', 'Still running in the background as c1 after 3 s'),
        steps('npm test', 'Exit code 0'),
        steps('tsc'),
      ),
      ['prettier --write .', 'npm test', 'make', 'npm run dev', 'tsc'],
    );
  });

  it('does not name what did not run, only reads, or is a patch', () => {
    assert.deepEqual(
      ran(
        steps('npm test', 'ask', false, 'Not allowed'),
        steps('npm run a', 'ask', 'stopped'),
        steps('npm run b', 'ask'),
        steps('npm run c', 'not carried out'),
        steps('git log', 'Exit code 0'),
        steps('apply_patch *** Begin Patch\n*** End Patch', 'Exit code 0'),
      ),
      [],
    );
  });

  it('names a few, in one line each, with what is invisible shown', () => {
    const many = Array.from({ length: 9 }, (_, index) => steps(`make ${index}\n\u202e`, 'Exit code 0'));
    assert.deepEqual(ran(...many).slice(4), ['make 4 <U+202E>', 'and 4 more']);
  });
});
