import assert from 'node:assert/strict';
import { describeExit } from '../../../src/host/daemon/exit-reason.ts';
import type { ExitInfo } from '../../../src/host/daemon/spawn.ts';

describe('daemon exit reason', () => {
  const check = (name: string, exit: Partial<ExitInfo>, stderr: string, expected: RegExp) =>
    it(name, () => assert.match(describeExit({ code: null, signal: null, ...exit }, stderr), expected));

  check('memory', { signal: 'SIGKILL' }, '', /killed \(SIGKILL\), most likely because memory ran out/);
  check('native', { signal: 'SIGSEGV' }, '', /crashed in native code \(SIGSEGV\)\.$/);
  check('native on Windows', { code: 0xc0000005 }, '', /native code \(access violation\)/);
  check('other signals', { signal: 'SIGTERM' }, '', /ended by SIGTERM/);
  check('own statuses', { code: 90 }, '', /internal error/);
  check('other statuses', { code: 7 }, '', /unexpectedly \(exit code 7\)/);
  check('not started', { spawnError: new Error('spawn EACCES') }, '', /could not be started: spawn EACCES/);
  check(
    'last words without the noise',
    { code: 1 },
    'node:internal/loader:12\n  throw err;\n  ^\n\nError: Cannot find x\n    at f (a.js:1:2) {\n}\n\nNode.js v20\n',
    /Its last words:\s+throw err; \| Error: Cannot find x$/,
  );
  check(
    'last words',
    { code: 1 },
    'a\nb\nc\nd\ne\nf\n\n',
    /\(exit code 1\)\. Its last words: b \| c \| d \| e \| f$/,
  );
});
