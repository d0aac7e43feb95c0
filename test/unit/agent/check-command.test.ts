import assert from 'node:assert/strict';
import { checkName, projectCheck, whyUseless } from '../../../src/agent/check-command.ts';
import type { DirectoryEntry, WorkspacePort } from '../../../src/agent/ports.ts';
import { MoebiusError } from '../../../src/base/errors.ts';

function workspace(files: Record<string, string>): WorkspacePort {
  return {
    list: async folder => {
      const prefix = folder ? `${folder}/` : '';
      const below = Object.keys(files).filter(path => path.startsWith(prefix));
      if (below.length === 0) throw new MoebiusError('not-found', `${folder} does not exist.`);
      const paths = below.map(path => prefix + path.slice(prefix.length).split('/')[0]);
      return [...new Set(paths)].map((path): DirectoryEntry => ({ path, kind: 'file', sizeBytes: 1 }));
    },
    read: async path => ({ path, text: files[path]!, version: '' }),
    find: async () => [],
    grep: async () => [],
    leadsAway: async () => false,
    isIgnored: async () => false,
    gitRisk: async () => null,
  };
}
const packageJson = (test: string) => JSON.stringify({ scripts: { test } });
const PYTEST = 'python3 -m pytest -q';

describe('agent/check-command', () => {
  const cases: [string, Record<string, string>, string | null][] = [
    ['a test script', { 'package.json': packageJson('node --test') }, 'npm test'],
    ['its package manager', { 'package.json': packageJson('vitest'), 'pnpm-lock.yaml': '' }, 'pnpm test'],
    ['what npm init writes', { 'package.json': packageJson('echo "Error: no test specified"') }, null],
    ['no scripts', { 'package.json': '{}' }, null],
    ['broken JSON', { 'package.json': '{', 'Cargo.toml': '' }, 'cargo test'],
    ['scripts of another shape', { 'package.json': '{"scripts":null}', 'go.mod': '' }, 'go test ./...'],
    ['Python that names pytest', { 'pyproject.toml': '[tool.pytest.ini_options]' }, PYTEST],
    ['Python that requires pytest', { 'requirements-dev.txt': 'ruff\npytest>=8\n' }, PYTEST],
    ['what only pytest reads', { 'conftest.py': '' }, PYTEST],
    ['Python that names no pytest', { 'pyproject.toml': '[tool.ruff]' }, null],
    ['nothing known', { 'README.md': '' }, null],
  ];
  const guess = (files: Record<string, string>, openFile: string | null = null, roots = ['']) =>
    projectCheck(null, workspace(files), { roots, openFile }, 'posix');
  for (const [what, files, expected] of cases) {
    it(`${what}: ${expected}`, async () => assert.equal((await guess(files)).checkCommand, expected));
  }

  it('has another name for Python on Windows', async () => {
    const { checkCommand } = await projectCheck(
      null,
      workspace({ 'pytest.ini': '' }),
      { roots: [''], openFile: null },
      'windows',
    );
    assert.equal(checkCommand, 'python -m pytest -q');
  });

  it('is that of the project in which the open file is', async () => {
    const files = {
      'package.json': '{"private":true}',
      'pnpm-lock.yaml': '',
      'packages/a/package.json': packageJson('node --test'),
      'packages/a/src/deep/x.js': '',
      'tests/conftest.py': '',
      'tests/test_a.py': '',
    };
    const found = await guess(files, 'packages/a/src/deep/x.js');
    const checkFolder = 'packages/a';
    assert.deepEqual(found, { checkCommand: 'pnpm test', checkFolder, isCheckGuessed: true });
    assert.equal(checkName(found), '`pnpm test` in packages/a');
    assert.deepEqual(await guess(files, 'tests/test_a.py'), { checkCommand: null });
    assert.deepEqual(await guess(files, 'gone/x.js'), { checkCommand: null });
  });

  it('is in the folder of the open file where there are several, and no guess without one', async () => {
    const files = { 'api/package.json': packageJson('node a'), 'web/go.mod': '', 'web/x.go': '' };
    const roots = ['api/', 'web/'];
    const web = { checkCommand: 'go test ./...', checkFolder: 'web', isCheckGuessed: true };
    assert.deepEqual(await guess(files, 'web/x.go', roots), web);
    assert.deepEqual(await guess(files, null, roots), { checkCommand: null });
  });

  it('is what the user says, at the root; "none" is no check', async () => {
    const files = workspace({ 'go.mod': '' });
    const said = (setting: string, openFile: string | null, roots = ['']) =>
      projectCheck(setting, files, { roots, openFile }, 'posix');
    assert.deepEqual(await said('make', 'a/b.go'), { checkCommand: 'make', checkFolder: '' });
    const two = ['api/', 'web/'];
    assert.deepEqual(await said('make', 'web/b.go', two), { checkCommand: 'make', checkFolder: 'web' });
    assert.deepEqual(await said('make', null, two), { checkCommand: 'make', checkFolder: 'api' });
    assert.deepEqual(await said('none', null), { checkCommand: null });
  });

  it('tells a run that says nothing about the code from one that fails', () => {
    assert.equal(whyUseless('cargo test', 127, 'sh: cargo: not found'), 'can not run here');
    const cmd = "'cargo' is not recognized as an internal or external command";
    assert.equal(whyUseless('cargo test', 1, cmd), 'can not run here');
    assert.match(whyUseless(PYTEST, 1, '/usr/bin/python3: No module named pytest')!, /not installed/);
    assert.equal(whyUseless(PYTEST, 5, 'no tests ran in 0.01s'), 'found no tests');
    assert.equal(whyUseless('npm test', 1, 'No tests found, exiting with code 1'), 'found no tests');
    assert.equal(whyUseless('npm test', 5, '1 failed'), null);
    assert.equal(whyUseless('npm test', 0, 'No tests found, exiting with code 0'), null);
    assert.equal(whyUseless(PYTEST, 1, "ModuleNotFoundError: No module named 'shop'"), null);
  });
});
