import assert from 'node:assert/strict';
import { runnable, shellLine } from '../../../scripts/steps.ts';

describe('scripts/steps', () => {
  it('quotes for the shell of Windows what it would cut or read otherwise', () => {
    assert.equal(
      shellLine('C:\\Program Files\\Microsoft VS Code\\bin\\code.cmd', [
        '--install-extension',
        'C:\\Users\\A & B\\moebius.vsix',
        '--force',
      ]),
      '"C:\\Program Files\\Microsoft VS Code\\bin\\code.cmd" --install-extension "C:\\Users\\A & B\\moebius.vsix" --force',
    );
    assert.equal(shellLine('npm', ['ci', '']), 'npm ci ""');
  });

  it('runs the batch file where a script for other shells stands before it', () => {
    assert.equal(runnable(['C:\\bin\\code', 'C:\\bin\\code.cmd']), 'C:\\bin\\code.cmd');
    assert.equal(runnable(['/usr/bin/code']), '/usr/bin/code');
  });
});
