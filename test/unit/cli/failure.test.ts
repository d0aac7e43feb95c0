import assert from 'node:assert/strict';
import { CommanderError } from 'commander';
import { cancelled, MoebiusError } from '../../../src/base/errors.ts';
import { describeFailure } from '../../../src/cli/failure.ts';

describe('how a command fails', () => {
  const check = (error: unknown, exitCode: number, output: RegExp, verbose = false) =>
    it(`${error} ends with ${exitCode}`, () => {
      const failure = describeFailure(error, verbose);
      assert.equal(failure.exitCode, exitCode);
      assert.match(failure.lines.join('\n'), output);
    });
  check(new MoebiusError('model-missing', 'No model.'), 1, /^error: No model\.\nhint: .*model add/);
  check(new MoebiusError('bad-request', 'No prompt.'), 2, /^error: No prompt\.$/);
  check(new MoebiusError('hash-mismatch', 'It is damaged.'), 1, /^error: It is damaged\.$/);
  check(new MoebiusError('unfinished', 'It says \x1b[2J'), 1, /^error: It says <U\+001B>\[2J$/);
  check(cancelled(), 130, /^Cancelled\.$/);
  check(new DOMException('stopped', 'AbortError'), 130, /^Cancelled\.$/);
  check(new Error('odd'), 1, /^error: odd\nhint: .*--verbose/);
  check(new Error('odd', { cause: new Error('deep') }), 1, /deep[\s\S]*failure\.test/, true);
  check(new CommanderError(0, 'commander.helpDisplayed', 'help'), 0, /^$/);
  check(new CommanderError(1, 'commander.unknownOption', 'what'), 2, /^$/);
});
