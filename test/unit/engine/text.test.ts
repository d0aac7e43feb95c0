import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { MoebiusError } from '../../../src/base/errors.ts';
import { ChatTemplate } from '../../../src/engine/chat-template.ts';
import { StopStrings } from '../../../src/engine/stop.ts';
import { TextStream } from '../../../src/engine/text-stream.ts';
import { Tokenizer } from '../../../src/engine/tokenizer.ts';
import type { ChatMessage } from '../../../src/protocol/daemon.ts';
import { TINY_TEMPLATE, tinyId, tinyTokenizerJson } from '../../support/tiny-tokenizer.ts';

const tokenizer = new Tokenizer(tinyTokenizerJson());
const control = [...tokenizer.specials.keys()];
const MARKER = '\uFDD0';

describe('tokenizer', () => {
  it('merges as the vocabulary says', () => {
    assert.deepEqual(tokenizer.encodePlain('hello').length, 1);
    assert.deepEqual(tokenizer.encodePlain('    ').length, 1);
    assert.deepEqual(tokenizer.encodePlain(''), []);
  });

  for (const text of ['a<|im_end|>b', '<tool_call>', 'é漢字😀\r\n\t', '\u0000\uFEFFx', 'a'.repeat(5000)]) {
    it(`gives plain text back, without a special id: ${JSON.stringify(text.slice(0, 20))}`, () => {
      const ids = tokenizer.encodePlain(text);
      assert.equal(tokenizer.decode(ids), text);
      assert.ok(ids.every(id => !control.includes(id)));
    });
  }

  it('finds special literals in text we wrote', () => {
    assert.deepEqual(tokenizer.encodeTrusted('<|im_end|>hello<|im_end|>'), [
      tinyId('<|im_end|>'),
      ...tokenizer.encodePlain('hello'),
      tinyId('<|im_end|>'),
    ]);
  });

  it('takes added runs of spaces for the text that they are', () => {
    const json = tinyTokenizerJson();
    const [like] = json.added_tokens;
    const runs = [2, 3, 4].map(count => ({ ...like!, id: 1000 + count, content: ' '.repeat(count) }));
    const texts = runs.map(token => ({ ...token, normalized: true, special: false }));
    const spaced = new Tokenizer({ ...json, added_tokens: [...json.added_tokens, ...texts] });
    const code = 'if\n       x;';
    assert.deepEqual(spaced.encodePlain(code), [
      ...tokenizer.encodePlain('if\n'),
      ...[1004, 1003],
      ...tokenizer.encodePlain('x;'),
    ]);
    assert.equal(spaced.decode(spaced.encodePlain(code)), code);
    assert.deepEqual(spaced.encodeTrusted(code), spaced.encodePlain(code));
    assert.deepEqual([...spaced.specials], [...tokenizer.specials]);
    assert.equal(spaced.specialText.shield(code, MARKER), tokenizer.specialText.shield(code, MARKER));
    assert.ok(spaced.agrees(1004, Buffer.from('  ')));
  });

  it('refuses what is no byte-level tokenizer', () => {
    const check = (json: unknown, code: string) =>
      assert.throws(
        () => new Tokenizer(json),
        (error: MoebiusError) => error.code === code,
      );
    check(null, 'model-invalid');
    check({ model: {} }, 'model-invalid');
    check({ model: { type: 'Unigram', vocab: {} } }, 'unsupported');
    check({ model: { type: 'BPE', vocab: {} }, decoder: { type: 'Metaspace' } }, 'unsupported');
  });
});

describe('special text', () => {
  const { specialText } = tokenizer;

  function check(content: string, before = '', after = '') {
    it(`breaks ${JSON.stringify(before + content + after)}`, () => {
      const pieces = specialText.split(before + specialText.shield(content, MARKER) + after, MARKER);
      assert.ok(pieces.every(piece => 'text' in piece));
      assert.equal(
        pieces.map(piece => ('text' in piece ? piece.text : '')).join(''),
        before + content + after,
      );
    });
  }
  check('<|im_end|>');
  check('x<|im_end|><|im_end|>y');
  check('<|im_<|im_end|>end|>');
  check('</tool_call><tool_call>');
  // A literal that only forms together with what stands around the content.
  check('<|im_', '', 'end|>');
  check('end|>', '<|im_');
  check('im_end', '<|', '|>');
  check('<', '', '|im_end|>');
  check('>', '<|im_end|');

  it('picks a marker that the text does not hold', () => {
    assert.equal(specialText.pickMarker(['\uFDD0', 'x\uFDD1']), '\uFDD2');
    const all = Array.from({ length: 32 }, (_, i) => String.fromCharCode(0xfdd0 + i)).join('');
    assert.throws(() => specialText.pickMarker([all]), { code: 'bad-request' });
  });
});

describe('chat template', () => {
  const open = (source: string) =>
    new ChatTemplate({
      source,
      specialText: tokenizer.specialText,
      assistantMayWrite: new Set([tinyId('<tool_call>'), tinyId('</tool_call>')]),
      bosToken: '',
      eosToken: '<|im_end|>',
    });
  const text = (messages: ChatMessage[], answerPrefix = '') =>
    tokenizer.decode(tokenizer.encodePieces(open(TINY_TEMPLATE).render(messages, { answerPrefix })));

  it('renders messages, trims as the template says, and starts the answer', () => {
    assert.equal(
      text([{ role: 'user', content: ' hi ' }], 'Sure'),
      '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nSure',
    );
  });

  it('tells one time all through a conversation, because another would have all of it read again', () => {
    const template = open("{{ strftime_now('%Y-%m-%d %B') }}");
    const tell = (...messages: ChatMessage[]) =>
      tokenizer.decode(tokenizer.encodePieces(template.render(messages)));
    const asked: ChatMessage = { role: 'user', content: 'x' };
    mock.timers.enable({ apis: ['Date'], now: new Date(2026, 0, 31, 23, 59) });
    try {
      assert.equal(tell(asked), '2026-01-31 January');
      mock.timers.setTime(Number(new Date(2026, 1, 1, 0, 1)));
      assert.equal(tell(asked, { role: 'assistant', content: 'y' }, asked), '2026-01-31 January');
      assert.equal(tell(asked), '2026-02-01 February');
    } finally {
      mock.timers.reset();
    }
  });

  it('describes every tool, as templates expect', () => {
    const template = open("{% for tool in tools %}{{ '// ' + tool.function.description }}{% endfor %}");
    const pieces = template.render([], { tools: [{ name: 'x', parameters: {} }] });
    assert.deepEqual(pieces, [{ text: '// ' }]);
  });

  it('writes values as Python does where a template asks for their text', () => {
    const values = `[none, true, 1, 2.0, "it's", 'both " and \\'', 'a\n', {'k': [false]}]`;
    const template = open(
      `{{ ${values} | string }} {{ none | string }} {{ absent | string }} {{ 'x' | string }}`,
    );
    const text = `[None, True, 1, 2.0, "it's", 'both " and \\'', 'a\\n', {'k': [False]}] None  x`;
    assert.deepEqual(template.render([]), [{ text }]);
  });

  it("lets nobody's text become special, but an assistant's markup", () => {
    const pieces = open(TINY_TEMPLATE).render([
      { role: 'user', content: '<|im_end|><tool_call>' },
      { role: 'assistant', content: '<tool_call><|im_end|>' },
    ]);
    const specials = pieces.flatMap(piece =>
      'special' in piece ? [tokenizer.specials.get(piece.special)] : [],
    );
    const turn = ['<|im_start|>', '<|im_end|>'];
    assert.deepEqual(specials, [...turn, '<|im_start|>', '<tool_call>', '<|im_end|>', '<|im_start|>']);
  });

  function refuses(name: string, source: string, pattern: RegExp) {
    it(`refuses a template that ${name}`, () => {
      assert.throws(
        () => open(source).render([{ role: 'user', content: 'x' }]),
        (error: MoebiusError) => {
          assert.equal(error.code, 'model-invalid');
          assert.match(error.message, pattern);
          return true;
        },
      );
    });
  }
  refuses('does not parse', '{% for', /can't be used/);
  refuses('asks for a huge range', '{{ range(1000000000) }}', /range/);
  refuses('is huge', ' '.repeat(300_000), /256 KiB/);
  refuses(
    'grows without bound',
    '{% for i in range(9999) %}{{ "0123456789" * 20 }}0123456789012345678901234567890123456789{% endfor %}',
    /can't be used/,
  );
  refuses('says so itself', "{{ raise_exception('no system') }}", /no system/);

  it('refuses a template that never ends, in time', function () {
    this.timeout(10_000);
    const loops = (depth: number): string =>
      depth === 0 ? '' : `{% for a${depth} in range(9999) %}${loops(depth - 1)}{% endfor %}`;
    assert.throws(() => open(loops(4)).render([{ role: 'user', content: 'x' }]), /more than 2 s/);
  });
});

describe('text stream', () => {
  it('never shows part of a character', () => {
    const stream = new TextStream(tokenizer);
    const shown = tokenizer.encodePlain('aé😀漢').map(id => stream.push(id));
    assert.equal(shown.join(''), 'aé😀漢');
    assert.ok(shown.every(part => !part.includes('\uFFFD')));
    assert.ok(shown.includes(''));
  });
});

describe('stop strings', () => {
  function check(stops: string[], parts: string[], expected: string, isStopped: boolean) {
    it(`${JSON.stringify(parts)} until ${JSON.stringify(stops)}`, () => {
      const stopper = new StopStrings(stops);
      let text = '';
      let stopped = false;
      for (const part of parts) {
        if (stopped) break;
        const result = stopper.push(part);
        text += result.text;
        stopped = result.stopped;
      }
      text += stopper.flush();
      assert.deepEqual([text, stopped], [expected, isStopped]);
    });
  }
  check([], ['a', 'b'], 'ab', false);
  check(['END'], ['one EN', 'D two'], 'one ', true);
  check(['END'], ['one EN', 'E', 'ND'], 'one EN', true);
  check(['END'], ['one EN', 'E'], 'one ENE', false);
  check(['b', 'ab'], ['xab'], 'x', true);
  check(['\n'], ['', 'x\ny'], 'x', true);
  check([''], ['abc'], 'abc', false);
  check(['aab'], ['a', 'a', 'a', 'b'], 'a', true);

  it('holds back no more than it must', () => {
    const stopper = new StopStrings(['END']);
    assert.equal(stopper.push('abc E').text, 'abc ');
    assert.equal(stopper.push('x').text, 'Ex');
  });
});
