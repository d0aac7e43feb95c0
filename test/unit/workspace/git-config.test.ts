import assert from 'node:assert/strict';
import { unusualVariable } from '../../../src/workspace/git-config.ts';

describe('variables of git', () => {
  it('that git and editors write by themselves are usual', () => {
    for (const key of `core.repositoryformatversion core.bare core.worktree remote.origin.url remote.a.b.fetch branch.main.merge
      branch.a.b.vscode-merge-base branch.x.github-pr-owner-number remote.origin.gh-resolved remote.x.github-pr-remote submodule.active core.hookspath commit.template merge.tool
      index.skiphash index.threads submodule.lib/a.b.url user.email pull.rebase
      lfs.https://example.org/a.git/info/lfs.locksverify lfs.repositoryformatversion color.branch.current extensions.objectformat`.split(
      /\s+/,
    ))
      assert.equal(unusualVariable([key]), null, key);
  });

  it('that name programs or files, and all others, are not', () => {
    for (const [key, name] of Object.entries({
      'diff.external': 'diff.external',
      'diff.a.b.textconv': 'diff.*.textconv',
      'diff.core.bare.command': 'diff.*.command',
      'filter.x.clean': 'filter.*.clean',
      'merge.x.driver': 'merge.*.driver',
      'include.path': 'include.path',
      'includeif.gitdir:~/.path': 'includeif.*.path',
      'core.fsmonitor': 'core.fsmonitor',
      'core.askpass': 'core.askpass',
      'core.sshcommand': 'core.sshcommand',
      'gpg.program': 'gpg.program',
      'core.x.bare': 'core.*.bare',
      'help.format': 'help.format',
      'man.x.cmd': 'man.*.cmd',
      'browser.x.cmd': 'browser.*.cmd',
      'extensions.partialclone': 'extensions.partialclone',
      'remote.origin.promisor': 'remote.*.promisor',
      'remote.x.uploadpack': 'remote.*.uploadpack',
      'blame.ignorerevsfile': 'blame.ignorerevsfile',
      'lfs.customtransfer.x.path': 'lfs.*.path',
      'url.x.insteadof': 'url.*.insteadof',
      'credential.helper': 'credential.helper',
      'log.showsignature': 'log.showsignature',
      'submodule.recurse': 'submodule.recurse',
      'constructor.x': 'constructor.x',
    }))
      assert.equal(unusualVariable(['core.bare', key]), name, key);
  });

  it('are told without what stands in their middle', () => {
    assert.equal(unusualVariable(['alias.Please say yes.x']), 'alias.*.x');
  });
});
