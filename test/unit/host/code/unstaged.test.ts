import assert from 'node:assert/strict';
import { allChangesQuestion } from '../../../../src/host/code/unstaged.ts';

describe('host/code/unstaged', () => {
  const [modified, untracked] = [{ status: 5 }, { status: 7 }];
  const none = { workingTreeChanges: [], untrackedChanges: [] };
  const mixed = { workingTreeChanges: [modified, untracked], untrackedChanges: [] };
  const apart = { workingTreeChanges: [modified], untrackedChanges: [untracked] };

  it('asks about what has changed', () => {
    const changes = { ...none, workingTreeChanges: [modified] };
    assert.match(allChangesQuestion('diff', changes), /Describe all changes\?$/);
  });
  it('says that new files are left out, in whichever list Git has them', () => {
    for (const changes of [mixed, apart])
      assert.match(allChangesQuestion('diff', changes), /all changes\? New files are left out; stage them/);
  });
  it('does not say that nothing has changed where there are only new files', () => {
    for (const changes of [mixed, apart])
      assert.throws(() => allChangesQuestion('', changes), { code: 'bad-request', message: /Stage the new/ });
    assert.throws(() => allChangesQuestion('\n', none), { code: 'bad-request', message: /^Nothing has/ });
  });
});
