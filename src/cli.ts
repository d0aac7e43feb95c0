#!/usr/bin/env node
/** Entry point of the command line; loaded as a module it is the programmatic API. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeFailure, EXIT, isClosedPipe } from './cli/failure.ts';
import { createProgram } from './cli/program.ts';
import type { Terminal } from './cli/terminal.ts';

export { type Moebius, openModel } from './cli/api.ts';

/** dist/cli.js and src/cli.ts both lie one folder below package.json. */
const PACKAGE_FOLDER = join(__dirname, '..');

async function main(argv: string[]): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const controller = new AbortController();
  abortOnInterrupt(controller);
  // A reader that has gone (`| head`) ends the work, but is no failure.
  let isUnread = false;
  stdout.on('error', error => {
    isUnread = isClosedPipe(error);
    controller.abort();
  });
  const terminal: Terminal = {
    stdin,
    stdout,
    stderr,
    signal: controller.signal,
    packageFolder: PACKAGE_FOLDER,
  };
  try {
    await createProgram(terminal, packageVersion()).parseAsync(argv);
    return EXIT.ok;
  } catch (error) {
    if (isUnread) return EXIT.ok;
    const { exitCode, lines } = describeFailure(error, argv.includes('--verbose'));
    if (lines.length > 0) stderr.write(`${lines.join('\n')}\n`);
    return exitCode;
  }
}

/** The first Ctrl+C (or polite kill) aborts; the second ends the process whatever it is doing. */
function abortOnInterrupt(controller: AbortController): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.kill(process.pid, 'SIGKILL');
      controller.abort();
    });
  }
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')).version;
}

if (require.main === module) {
  main(process.argv).then(code => {
    process.exitCode = code;
  });
}
