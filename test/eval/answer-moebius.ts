/** Answers by the built command line: `moebius batch` in a child process, as any user of it would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Answer, Answerer } from './task.ts';

const CLI = join(__dirname, '..', '..', 'dist', 'cli.js');

export function moebiusAnswerer(flags: readonly string[]): Answerer {
  return async (tasks, log) => {
    if (!existsSync(CLI)) throw new Error('dist/cli.js is missing: npm run build');
    const child = spawn(process.execPath, [CLI, 'batch', ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    child.stdin.end(tasks.map(({ id, request }) => `${JSON.stringify({ id, ...request })}\n`).join(''));
    const answers: Answer[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const { id, text = '', promptTokens = 0, outputTokens = 0, error } = JSON.parse(line);
      answers.push({ id, text, promptTokens, outputTokens, ...(error && { error: error.message }) });
      if (answers.length % 10 === 0) log(`moebius: ${answers.length} of ${tasks.length}`);
    }
    const [code] = await exited;
    if (code !== 0 || answers.length !== tasks.length) {
      throw new Error(`moebius batch ended with ${code} after ${answers.length} of ${tasks.length} answers.`);
    }
    return answers;
  };
}
