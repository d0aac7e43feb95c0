import assert from 'node:assert/strict';
import { guessCheckCommand } from '../../../src/agent/check-command.ts';
import type { WorkspacePort } from '../../../src/agent/ports.ts';

function folder(files: Record<string, string>): WorkspacePort {
  return {
    list: async () => Object.keys(files).map(path => ({ path, kind: 'file', sizeBytes: 1 })),
    read: async path => ({ path, text: files[path]!, version: '' }),
    find: async () => [],
    grep: async () => [],
    leadsAway: async () => false,
    isIgnored: async () => false,
    gitConfig: async () => '',
  };
}
const packageJson = (test: string) => JSON.stringify({ scripts: { test } });

describe('agent/check-command', () => {
  const cases: [string, Record<string, string>, string | null][] = [
    ['a test script', { 'package.json': packageJson('node --test') }, 'npm test'],
    ['its package manager', { 'package.json': packageJson('vitest'), 'pnpm-lock.yaml': '' }, 'pnpm test'],
    ['what npm init writes', { 'package.json': packageJson('echo "Error: no test specified"') }, null],
    ['no scripts', { 'package.json': '{}' }, null],
    ['broken JSON', { 'package.json': '{', 'Cargo.toml': '' }, 'cargo test'],
    ['scripts of another shape', { 'package.json': '{"scripts":null}', 'go.mod': '' }, 'go test ./...'],
    ['Python', { 'pyproject.toml': '' }, 'python -m pytest -q'],
    ['nothing known', { 'README.md': '' }, null],
  ];
  for (const [what, files, expected] of cases) {
    it(`${what}: ${expected}`, async () => assert.equal(await guessCheckCommand(folder(files)), expected));
  }
});
