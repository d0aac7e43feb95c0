import assert from 'node:assert/strict';
import { promptSize } from '../../../src/completion/prompt-size.ts';
import { type PromptText, PromptWindow, WINDOW_LIMITS } from '../../../src/completion/prompt-window.ts';
import { drawn } from './drawn.ts';

const lines = (count: number, word = 'line') =>
  Array.from({ length: count }, (_, i) => `${word} ${i} with some text in it;\n`).join('');

describe('completion/prompt-window', () => {
  it('starts with whole lines, at most the start size; the cursor is in the middle', () => {
    const { prefix, middle } = new PromptWindow().next(drawn(`${lines(300)}const x = █`));
    assert.match(prefix, /^line \d+ with/);
    assert.match(middle, /^line \d+ with[\s\S]*\nconst x = $/);
    assert.ok(middle.length >= WINDOW_LIMITS.middleStartChars);
    const { length } = prefix + middle;
    assert.ok(length <= WINDOW_LIMITS.startChars && length > WINDOW_LIMITS.startChars - 60);
  });

  it('takes a short document whole', () => {
    const { prefix, middle, suffix } = new PromptWindow().next(drawn('x\nab█cd\ne'));
    assert.deepEqual([prefix, middle, suffix], ['', 'x\nab', 'cd\ne']);
  });

  /** What the engine can't take from the last prompt, as a share of this one (prefix, suffix, middle is the order). */
  const newShare = (last: PromptText, { prefix, suffix, middle }: PromptText) => {
    const [old, current] = [last.prefix + last.suffix + last.middle, prefix + suffix + middle];
    let same = 0;
    while (same < current.length && old[same] === current[same]) same++;
    return 1 - same / current.length;
  };

  it('costs what a keystroke adds, brackets that the editor closes and lines that it indents included', () => {
    const window = new PromptWindow();
    const [above, below] = [lines(200), lines(200, 'below')];
    let last = window.next(drawn(`${above}█\n${below}`));
    const keys = ['f█', 'f(█)', 'f(a█)', "f(a, '█')", "f(a, 'b'█)", "f(a, 'b')█", "f(a, 'b') {█}"];
    const body = ['█', 'r█', 'return █', 'return [█]', 'return [a]█'];
    for (const key of [...keys, ...body.map(line => `f(a, 'b') {\n  ${line}\n}`)]) {
      const next = window.next(drawn(`${above}${key}\n${below}`));
      assert.ok(newShare(last, next) < 0.01, key);
      last = next;
    }
  });

  it('reads on from where it was while lines are added, and starts anew past the limit', () => {
    const window = new PromptWindow();
    let text = lines(300);
    const first = window.next(drawn(`${text}█`)).prefix;
    let anchored = 0;
    for (let i = 0; i < 200; i++) {
      text += `added ${i} with some text in it;\n`;
      const next = window.next(drawn(`${text}█`));
      assert.ok(next.prefix.length <= WINDOW_LIMITS.grownChars);
      assert.ok(next.middle.length <= WINDOW_LIMITS.middleChars);
      assert.ok(text.endsWith(next.prefix + next.middle));
      if (next.prefix.startsWith(first)) anchored++;
    }
    assert.ok(anchored > 100, `the window moved after ${anchored} of 200 lines`);
  });

  it('finds its start again after lines were inserted above it', () => {
    const window = new PromptWindow();
    const first = window.next(drawn(`${lines(100)}█`)).prefix;
    assert.equal(window.next(drawn(`${lines(3, 'new')}${lines(100)}█`)).prefix, first);
  });

  it('does not grow by text that was never read', () => {
    const window = new PromptWindow();
    window.next(drawn(`█${lines(150)}`));
    assert.ok(window.next(drawn(`${lines(150)}█`)).prefix.length <= WINDOW_LIMITS.startChars);
  });

  it('freezes the suffix until it differs materially', () => {
    const window = new PromptWindow();
    const below = lines(40, 'below');
    const first = window.next(drawn(`a █\n${below}`)).suffix;
    assert.ok(first.split('\n').length <= WINDOW_LIMITS.suffixLines);
    const nudged = below.replace('below 7 with', 'below 7 or');
    assert.equal(window.next(drawn(`a b█\n${nudged}`)).suffix, first);
    assert.notEqual(window.next(drawn(`a b█\n${lines(40, 'other')}`)).suffix, first);
    assert.equal(window.next(drawn(`a b█ + c\n${below}`)).suffix.slice(0, 5), ' + c\n');
  });

  it('shows no line twice when the cursor moves down', () => {
    const window = new PromptWindow();
    const below = lines(5, 'below');
    window.next(drawn(`a {\n  b;█\n}\n${below}`));
    const { prefix, middle, suffix } = window.next(drawn(`a {\n  b;\n}█\n${below}`));
    assert.equal(`${prefix}${middle}|${suffix.slice(0, 8)}`, 'a {\n  b;\n}|\nbelow 0');
  });

  describe('in a cold document', () => {
    const cold = 500;
    const at = drawn(`${lines(300)}const x = █\n${lines(40, 'below')}`);

    it('takes what can be read at once', () => {
      const { prefix, middle, suffix } = new PromptWindow().next(at, cold);
      assert.ok(prefix.length + middle.length <= cold && suffix.length <= cold * 0.3);
      assert.match(middle, /const x = $/);
    });

    it('grows in idle time, in the other sequence, and only when it was read to the end', () => {
      const window = new PromptWindow();
      const first = window.next(at, cold);
      const coming = window.ahead(at, [])!;
      assert.notEqual(coming.buffer, first.buffer);
      assert.ok(coming.prefix.length > 2 * first.prefix.length);
      assert.equal(window.next(at, cold).prefix, first.prefix, 'broken off: what was read is still used');
      window.adopt(window.ahead(at, [])!);
      const { prefix, buffer } = window.next(at, cold);
      assert.deepEqual([prefix, buffer], [coming.prefix, coming.buffer]);
    });

    it('tells beforehand what it will show of the document', () => {
      const window = new PromptWindow();
      const shown = ({ prefix, middle, suffix }: PromptText) => prefix + middle + suffix;
      window.next(at, cold);
      assert.equal(window.shownAhead(at), shown(window.ahead(at, [])!));
      window.adopt(window.ahead(at, [])!);
      const typed = drawn(`${at.before}${lines(40, 'typed')}█${at.after}`);
      const grown = window.next(typed, cold);
      assert.ok(grown.prefix.length > WINDOW_LIMITS.startChars, 'it has grown beyond what a new one has');
      assert.equal(window.shownAhead(typed), shown(grown));
    });

    it('goes on with what was begun, so that a pause takes up where the last one ended', () => {
      const window = new PromptWindow();
      window.next(at, cold);
      const begun = window.ahead(at, [])!;
      const typed = drawn(`${at.before}a█${at.after}`);
      window.next(typed, cold);
      assert.equal(window.ahead(typed, [])!.prefix, begun.prefix);
    });

    it('after a move nearby it reads no more anew than a key may cost, and the rest of the suffix in idle time', () => {
      const window = new PromptWindow();
      window.next(at, cold);
      window.adopt(window.ahead(at, [])!);
      const full = window.next(at, cold);
      const below = lines(40, 'below').split('\n');
      const moved = drawn(`${at.before}1;\n${below.slice(0, 4).join('\n')}\n█${below.slice(4).join('\n')}`);
      const near = window.next(moved, cold);
      assert.equal(near.prefix.startsWith(full.prefix), true, 'what was read is still used');
      const unread = near.prefix.length - full.prefix.length + near.suffix.length;
      assert.ok(unread <= cold, `${unread} characters before the middle are read anew`);
      const ahead = window.ahead(moved, [])!;
      assert.deepEqual([ahead.buffer, ahead.prefix], [near.buffer, near.prefix]);
      assert.ok(ahead.suffix.length > near.suffix.length && ahead.suffix.startsWith(near.suffix));
      window.adopt(ahead);
      assert.equal(window.next(moved, cold).suffix, ahead.suffix);
      assert.equal(window.ahead(moved, []), null);
    });

    it('takes other files along when they were read', () => {
      const window = new PromptWindow();
      window.next(at);
      const files = [{ path: 'b.ts', text: 'export const b = 1;' }];
      assert.deepEqual(window.next(at).files, []);
      window.adopt(window.ahead(at, files)!);
      assert.deepEqual(window.next(at).files, files);
      assert.equal(window.ahead(at, files), null, 'nothing more to read');
    });
  });

  describe('on a fast machine', () => {
    const fast = promptSize(16_000);
    const at = drawn(`${lines(600)}const x = █\n${lines(100, 'below')}`);
    /** A window with what `idleChars` are enough for. */
    const read = (size = fast, cursor = at) => {
      const window = new PromptWindow();
      window.next(cursor, WINDOW_LIMITS.startChars, size);
      window.adopt(window.ahead(cursor, [], size)!);
      return window;
    };

    it('has more of the document once it was read in peace', () => {
      const { prefix, middle, suffix } = read().next(at);
      const { length } = prefix + middle;
      assert.ok(length > fast.before - 60 && length <= fast.before, String(length));
      assert.ok(suffix.length > 1.5 * WINDOW_LIMITS.suffixChars && suffix.length <= fast.after);
    });

    it('a key costs what it adds, on and on', () => {
      const window = read();
      let [last, typed, moved] = [window.next(at), '', 0];
      for (let i = 0; i < 100; i++) {
        typed += `${i} + `;
        if (i % 5 === 4) typed += '\n';
        const next = window.next(drawn(`${at.before}${typed}█${at.after}`));
        if (next.prefix !== last.prefix) moved++;
        assert.ok(next.prefix.startsWith(last.prefix));
        assert.equal(next.suffix, last.suffix);
        last = next;
      }
      assert.equal(moved, 0);
    });

    it('is read anew where the machine turned out much faster, and not for less', () => {
      const window = read(promptSize(0));
      const small = window.next(at);
      assert.equal(window.ahead(at, [], promptSize(5000)), null);
      const ahead = window.ahead(at, [], fast)!;
      assert.notEqual(ahead.buffer, small.buffer);
      assert.ok(ahead.prefix.length > 3 * small.prefix.length);
      window.adopt(ahead);
      assert.equal(window.ahead(at, [], fast), null);
      assert.equal(
        window.ahead(at, [], promptSize(0)),
        null,
        'it stays where the machine is slower for a while',
      );
    });

    it('a document that has no more above gets a longer suffix, without reading it twice', () => {
      const short = drawn(`${lines(10)}const x = █\n${lines(100, 'below')}`);
      const window = read(promptSize(0), short);
      const small = window.next(short);
      const ahead = window.ahead(short, [], fast)!;
      assert.deepEqual([ahead.buffer, ahead.prefix], [small.buffer, small.prefix]);
      assert.ok(ahead.suffix.length > 2 * small.suffix.length);
      window.adopt(ahead);
      assert.equal(window.ahead(short, [], fast), null);
    });

    it('stays within a small context, cold and grown', () => {
      const size = promptSize(16_000, 800);
      const window = new PromptWindow();
      window.next(at, WINDOW_LIMITS.startChars, size);
      window.adopt(window.ahead(at, [], size)!);
      for (let typed = ''; typed.length < 2000; typed += 'a + b;\n') {
        const cursor = drawn(`${at.before}${typed}█${at.after}`);
        const { prefix, middle, suffix } = window.next(cursor, WINDOW_LIMITS.startChars, size);
        assert.ok((prefix + middle + suffix).length <= 800);
      }
    });
  });
});
