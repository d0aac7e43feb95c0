/** The packaged VSIX, installed in a real workbench, with the real daemon and a real model. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { checkWorkbench } from '../../scripts/check.ts';
import { packageVsix } from '../../scripts/package.ts';
import { ROOT } from '../../scripts/steps.ts';

describe('workbench', () => {
  it('shows ghost text in a file and streams a chat answer', async () => {
    const vsix = await packageVsix();
    // The small model: the check is of the road, not of the answers, and must pass on slow machines.
    const settings = { 'moebius.model.id': 'qwen2.5-coder-0.5b' };
    assert.equal(await checkWorkbench(vsix, join(ROOT, 'test-results'), settings), 0);
  });
});
