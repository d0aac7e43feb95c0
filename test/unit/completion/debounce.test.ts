import assert from 'node:assert/strict';
import { AdaptiveDebounce } from '../../../src/completion/debounce.ts';
import { isLanguageOn, toggleLanguage } from '../../../src/completion/languages.ts';

describe('completion/debounce', () => {
  const after = (gapMs: number, typed = 'a') => {
    const debounce = new AdaptiveDebounce();
    for (let i = 0; i < 60; i++) debounce.keystroke(i * gapMs);
    return debounce.delayMs(typed);
  };
  it('follows the typist within bounds', () => {
    assert.equal(after(20), 10);
    assert.ok(after(120) > 40 && after(120) < 80);
    assert.ok(after(390) > 120 && after(390) < 200);
  });
  it('waits less at a natural place', () => assert.ok(after(150, '\n') < after(150, 'a')));
  it('waits less for a model that takes long anyway', () => {
    const debounce = new AdaptiveDebounce();
    const before = debounce.delayMs('a');
    for (let i = 0; i < 60; i++) debounce.answered(600);
    assert.ok(debounce.delayMs('a') < before - 30);
    for (let i = 0; i < 60; i++) debounce.answered(60_000);
    assert.equal(debounce.delayMs('a'), 10);
  });
  it('ignores pauses', () => {
    const debounce = new AdaptiveDebounce();
    const before = debounce.delayMs('a');
    for (let i = 0; i < 20; i++) debounce.keystroke(i * 5000);
    assert.equal(debounce.delayMs('a'), before);
  });
});

describe('completion/languages', () => {
  const switches = { '*': true, markdown: false };
  it('names win over *', () => {
    assert.equal(isLanguageOn(switches, 'markdown'), false);
    assert.equal(isLanguageOn(switches, 'rust'), true);
    assert.equal(isLanguageOn({ '*': false, rust: true }, 'rust'), true);
    assert.equal(isLanguageOn({ '*': false }, 'c'), false);
    assert.equal(isLanguageOn({}, 'constructor'), true);
  });
  it('toggles one', () => {
    assert.deepEqual(toggleLanguage(switches, 'markdown'), { '*': true, markdown: true });
    assert.deepEqual(toggleLanguage(switches, 'rust'), { '*': true, markdown: false, rust: false });
  });
});
