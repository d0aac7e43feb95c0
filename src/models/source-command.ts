/** Starts pip for the package mirror. The only child process of this room; see test/layers.test.ts. */
import { spawn } from 'node:child_process';
import type { RunCommand } from './package-mirror.ts';

/** Output kept for messages; pip says little. */
const OUTPUT_CHARS = 64 * 1024;

/** Runs a program to its end, without a shell; an aborted signal ends it. */
export const runCommand: RunCommand = (command, args, { cwd, signal }) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...(signal && { signal }),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] = (output[name] + text).slice(-OUTPUT_CHARS);
      });
    }
    child.on('error', reject);
    child.on('close', code => resolve({ code, ...output }));
  });
