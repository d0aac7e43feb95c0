/** Bundles of the test daemons, made once per run. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const made = new Map<string, Promise<string>>();

/** Path of a script that node runs, from a TypeScript entry relative to the repository. */
export function bundle(entry: string): Promise<string> {
  const known = made.get(entry);
  if (known) return known;
  const outfile = join(mkdtempSync(join(tmpdir(), 'moebius-test-')), 'entry.js');
  const result = build({
    entryPoints: [join(__dirname, '../..', entry)],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['onnxruntime-node', 'vscode'],
    outfile,
    logLevel: 'error',
  }).then(() => outfile);
  made.set(entry, result);
  return result;
}

export const scriptedDaemon = (): Promise<string> => bundle('test/fixtures/daemon/scripted-daemon.ts');
export const scriptedAgentDaemon = (): Promise<string> => bundle('test/fixtures/daemon/agent-daemon.ts');
export const scriptedGhostDaemon = (): Promise<string> => bundle('test/fixtures/daemon/ghost-daemon.ts');
export const recitingDaemon = (): Promise<string> => bundle('test/fixtures/daemon/reciting-daemon.ts');
