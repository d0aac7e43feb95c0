import assert from 'node:assert/strict';
import { profileFor } from '../../../src/agent/run.ts';

describe('the profile of a model', () => {
  const profile = (parameters: number, toolCalls: boolean) =>
    profileFor({ parameters, capabilities: { chat: true, fillInTheMiddle: true, toolCalls, levels: [] } });

  it('is native for large models that were taught tool calls, else guided', () => {
    assert.equal(profile(30e9, true), 'native');
    assert.equal(profile(30e9, false), 'guided');
    assert.equal(profile(1.5e9, true), 'guided');
  });
});
