import assert from 'node:assert/strict';
import type { AgentOptions } from '../../../../src/agent/agent.ts';
import { Checks } from '../../../../src/agent/guided/checks.ts';
import { openNodePorts } from '../../../../src/workspace/node-ports.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

describe('checks of the guided profile', () => {
  it('find no problems where there is no language server to ask, which tools are told', async () => {
    const ports = await openNodePorts([tempFolder({ 'a.ts': 'one' })], tempFolder());
    await assert.rejects(ports.diagnostics.read(null), {
      code: 'unsupported',
      message: /Run the compiler or the tests/,
    });
    const context = { openFile: null, attachments: [] };
    const options = { task: 'Fix the error.', context, checkCommand: null, ports };
    const checks = new Checks(options as unknown as AgentOptions, null!, () => 'id');
    assert.deepEqual(await checks.problemsOfTask(), []);
    await checks.remember('a.ts');
    assert.deepEqual((await checks.look(['a.ts'], false)).fresh, []);
  });
});
