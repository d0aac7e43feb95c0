/** The guided profile with a real model, in real folders, with tests as the judge. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Diagnostic } from '../../src/agent/ports.ts';
import { runAgent } from '../../src/agent/run.ts';
import type { Backend } from '../../src/backends/backend.ts';
import { FileFaults } from '../../src/completion/syntax/file-faults.ts';
import { openNodePorts } from '../../src/workspace/node-ports.ts';
import { testGrammars } from '../support/grammars.ts';
import type { GuidedTask } from './guided-tasks.ts';
import { inFolder, policyOf, writeAll } from './world.ts';

const BUDGET = { turns: 10, outputTokens: 8000, timeMs: 15 * 60_000 };
const WINDOW_TOKENS = 8192;
const CHECK_TIMEOUT_MS = 120_000;
const SYNTAX = new FileFaults(testGrammars());

/** Whether its tests pass afterwards. The same seed gives the same answers. */
export const solve = (
  { task, files, argv, isCheckGiven, judge, isTypeChecked, openFile }: GuidedTask,
  backend: Backend,
  seed: number,
): Promise<boolean> =>
  inFolder(files, async (folder, checkpoints) => {
    const nodePorts = await openNodePorts([folder], checkpoints);
    const command = argv.map(word => `'${word}'`).join(' ');
    try {
      await runAgent('guided', {
        task,
        mode: 'agent',
        backend,
        ports: {
          ...nodePorts,
          syntax: SYNTAX,
          approval: { ask: async () => ({ kind: 'once' }) },
          questions: { ask: async () => null },
          diagnostics: { read: async () => (isTypeChecked ? typeErrors(folder, Object.keys(files)) : []) },
        },
        ...policyOf('agent'),
        budget: BUDGET,
        windowTokens: WINDOW_TOKENS,
        turnId: `seed-${seed}`,
        sequence: 'simulate',
        history: [],
        rules: '',
        context: { openFile: openFile ? { path: openFile, selection: null } : null, attachments: [] },
        checkCommand: isCheckGiven ? command : null,
        emit: () => {},
        signal: new AbortController().signal,
      });
      await writeAll(folder, judge);
      const { exitCode } = await nodePorts.terminal.run({ command, cwd: '.', timeoutMs: CHECK_TIMEOUT_MS });
      return (
        exitCode === 0 && (!isTypeChecked || (await typeErrors(folder, Object.keys(files))).length === 0)
      );
    } finally {
      nodePorts.dispose();
    }
  });

const TSC = join(createRequire(__filename).resolve('typescript/package.json'), '..', 'bin', 'tsc');

/** What an editor would show. */
export function typeErrors(folder: string, paths: readonly string[]): Promise<Diagnostic[]> {
  const flags = ['--noEmit', '--strict', '--pretty', 'false', '--ignoreConfig'];
  return new Promise(resolve => {
    execFile(process.execPath, [TSC, ...flags, ...paths], { cwd: folder }, (_error, output) => {
      const found = output.matchAll(/^(\S+?)\((\d+),(\d+)\): error TS\d+: (.+)$/gm);
      resolve(
        [...found].map(([, path, line, column, message]) => ({
          path: path!,
          line: Number(line),
          column: Number(column),
          severity: 'error',
          message: message!,
          source: 'ts',
        })),
      );
    });
  });
}
