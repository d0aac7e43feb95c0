import assert from 'node:assert/strict';
import type { Suggestion } from '../../../src/protocol/webview.ts';
import {
  actionOf,
  chosenOf,
  isAnswered,
  isInTime,
  type List,
  type ListAction,
  optionsOf,
} from '../../../src/webview/mention-keys.ts';

const file = (path: string): Suggestion => ({ kind: 'file', label: path, detail: '', path });
const PICK: Suggestion = { kind: 'pick', label: 'Attach Files…', detail: '' };

describe('list of what can be chosen', () => {
  it('stays until the answer to the next letter, and is none of another word', () => {
    const items = [file('a.ts')];
    const check = (requestId: number, isShown: boolean, isLast: boolean) => {
      const asked = { first: 3, last: 5, atMs: 0 };
      assert.deepEqual(optionsOf({ requestId, items }, asked), isShown ? items : []);
      assert.equal(isAnswered({ requestId, items }, asked), isLast);
    };
    check(2, false, false);
    check(3, true, false);
    check(5, true, true);
  });

  it('waits a second, no longer', () => {
    const asked = { first: 1, last: 1, atMs: 500 };
    assert.deepEqual(
      [500, 1400, 1500].map(nowMs => isInTime(asked, nowMs)),
      [true, true, false],
    );
  });

  it('has its first entry chosen, but not the file dialog, or what the user moved to', () => {
    const check = (options: Suggestion[], moved: Suggestion | null, chosen: number, isMoved: boolean) =>
      assert.deepEqual(chosenOf(options, moved), { chosen, isMoved });
    const [a, b] = [file('a.ts'), file('b.ts')];
    check([a, b, PICK], null, 0, false);
    check([a, b, PICK], b, 1, true);
    check([b, a, PICK], { ...b }, 0, true);
    check([a, PICK], b, 0, false);
    check([PICK], null, -1, false);
    check([PICK], PICK, 0, true);
    check([], null, -1, false);
  });

  const check = (what: string, key: string, list: Partial<List>, expected: ListAction | null) =>
    it(`${key}, ${what}: ${expected?.kind ?? 'for the input'}`, () => {
      const base = { count: 3, chosen: 0, isMoved: false, isAwaited: false };
      assert.deepEqual(actionOf(key, { ...base, ...list }), expected);
    });
  const awaited = { isAwaited: true };
  const none = { count: 0, chosen: -1 };
  const onlyPick = { count: 1, chosen: -1 };
  check('an answer', 'Enter', {}, { kind: 'choose', index: 0 });
  check('an answer', 'Tab', { chosen: 2 }, { kind: 'choose', index: 2 });
  check('the answer to an earlier letter', 'Enter', awaited, { kind: 'wait' });
  check('no answer yet', 'Enter', { ...none, ...awaited }, { kind: 'wait' });
  check(
    'moved before the answer',
    'Enter',
    { ...awaited, chosen: 1, isMoved: true },
    { kind: 'choose', index: 1 },
  );
  check('nothing', 'Enter', none, null);
  check('nothing but the file dialog', 'Enter', onlyPick, null);
  check('nothing but the file dialog', 'ArrowDown', onlyPick, { kind: 'move', to: 0 });
  check('nothing but the file dialog', 'ArrowUp', onlyPick, { kind: 'move', to: 0 });
  check('at the end', 'ArrowDown', { chosen: 2 }, { kind: 'move', to: 0 });
  check('at the beginning', 'ArrowUp', {}, { kind: 'move', to: 2 });
  check('nothing', 'ArrowUp', none, null);
  check('a list', 'Escape', {}, { kind: 'close' });
  check('no answer yet', 'Escape', { ...none, ...awaited }, { kind: 'close' });
  check('nothing', 'Escape', none, null);
  check('a list', 'x', {}, null);
});
