import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import type { DaemonState } from '../../../src/host/context.ts';
import { type Reaction, reactionTo } from '../../../src/host/settings-watch.ts';

describe('host/settings-watch', () => {
  const ready: DaemonState = { kind: 'ready', model: 'a', status: null };
  const loading: DaemonState = { kind: 'loading', model: 'a', percent: 5 };
  const none: DaemonState = { kind: 'no-model', reason: '' };
  const cases: [
    what: string,
    setting: string,
    state: DaemonState,
    chosen: string | null,
    expected: Reaction,
  ][] = [
    ['another model', 'moebius.model.id', ready, 'b', 'load'],
    ['another one while one is loaded', 'moebius.model.id', loading, 'b', 'load'],
    ['the same model', 'moebius.model.id', ready, 'a', null],
    ['nothing is installed any more', 'moebius.model.id', ready, null, null],
    ['a size of the engine', 'moebius.engine.contextTokens', ready, 'a', 'load'],
    ['something else, though another model would be chosen by now', 'editor.fontSize', ready, 'b', null],
    ['another store', 'moebius.model.home', ready, 'b', 'restart'],
    ['another store for a process that found no model', 'moebius.model.home', none, 'b', 'restart'],
    ['another store for one that starts', 'moebius.model.home', { kind: 'starting' }, null, 'restart'],
    ['another store before there is a process', 'moebius.model.home', { kind: 'idle' }, 'b', null],
    ['a model where none was asked for', 'moebius.model.id', none, 'b', null],
  ];
  for (const [what, setting, state, chosen, expected] of cases) {
    it(`${what}: ${expected ?? 'nothing'}`, () => {
      const affects = (name: string) => setting === name || setting.startsWith(`${name}.`);
      assert.equal(reactionTo(affects, state, chosen), expected);
    });
  }
});
