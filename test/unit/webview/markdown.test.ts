import assert from 'node:assert/strict';
import fc from 'fast-check';
import { renderBlocks } from '../../../src/webview/markdown.ts';
import { MarkdownStream } from '../../../src/webview/markdown-stream.ts';

const html = (text: string, isComplete = true) =>
  renderBlocks(text, isComplete)
    .map(block => block.html)
    .join('');

const DOCUMENT = `# Title

Some *text* with \`code\`,
over two lines
===

- a
- b

  still b
1. one
2. two

\`\`\`ts
const a = 1;

# not a heading
\`\`\`
a | b
--|--
1 | 2

> quote
lazy

    indented

---
~~~
open`;

describe('markdown of an answer', () => {
  describe('lets nothing through', () => {
    const check = (text: string, forbidden: RegExp) =>
      it(JSON.stringify(text), () => assert.doesNotMatch(html(text), forbidden));
    check('<script>alert(1)</script>', /<script/i);
    check('a <img src=x onerror=alert(1)> b', /<img/i);
    check('![x](https://evil.example/a.png)', /<img|src=/i);
    check('[x](javascript:alert(1))', /data-href|<a/i);
    check('[x](command:workbench.action.quit)', /data-href|<a/i);
    check('[x](http://plain.example)', /data-href|<a/i);
    check('[x](vscode://file/etc)', /data-href|<a/i);
    check('[x](https://a.b/"onclick="alert(1))', /"onclick=/);
    check('```ts" onclick="alert(1)\nx\n```', /onclick="alert/);
    check('```"><img\nx\n```', /<img/i);
    check('<https://a.b> <a href="https://a.b">x</a>', /<a[ >]/i);
    it('whatever the text', () => {
      const pieces = fc.constantFrom(
        '<',
        '>',
        '"',
        "'",
        '`',
        '[',
        '](',
        ')',
        '!',
        'javascript:',
        'https://a.b',
        '\n',
        '&',
        'x',
      );
      fc.assert(
        fc.property(fc.array(pieces, { maxLength: 30 }), parts => {
          const tags = [...html(parts.join('')).matchAll(/<\/?([a-z]\w*)/gi)].map(match => match[1]);
          const allowed =
            /^(p|em|strong|code|pre|div|span|button|blockquote|hr|br|ul|ol|li|h[1-6]|s|table|t[hrd]|thead|tbody)$/;
          for (const tag of tags) assert.match(tag!, allowed);
        }),
      );
    });
  });

  it('makes buttons of https links, with the address as their title', () => {
    const link = '<button type="button" class="link" data-href="https://a.b/c" title="https://a.b/c">';
    assert.equal(html('[x](https://a.b/c)'), `<p>${link}x</button></p>\n`);
    assert.equal(html('https://a.b/c'), `<p>${link}https://a.b/c</button></p>\n`);
    assert.equal(html('see foo.rs and a@b.com'), '<p>see foo.rs and a@b.com</p>\n');
  });

  it('colours closed code blocks and gives them buttons; open ones are plain', () => {
    const closed = html('```ts\nconst a = 1;\n```', false);
    assert.match(closed, /hljs-keyword">const/);
    assert.match(closed, /data-action="copy"[\s\S]*data-action="insert"[\s\S]*data-action="new-file"/);
    const open = html('```ts\nconst a = 1;\n', false);
    assert.match(open, /<code>const a = 1;<\/code>/);
    assert.doesNotMatch(open, /hljs|data-action/);
    assert.match(html('```ts\nconst a = 1;\n', true), /hljs[\s\S]*/);
    assert.match(html('```unknown-language\n<a>\n```'), /<code>&lt;a&gt;<\/code>/);
  });
});

describe('streamed markdown', () => {
  const streamed = (text: string, cuts: number[]) => {
    const stream = new MarkdownStream();
    let from = 0;
    for (const cut of [...cuts, text.length].sort((a, b) => a - b)) {
      stream.push(text.slice(from, cut));
      from = Math.max(from, cut);
    }
    stream.finish();
    return stream;
  };

  it('ends the same, however the text is cut', () => {
    const expected = renderBlocks(DOCUMENT, true);
    const position = fc.nat({ max: DOCUMENT.length });
    fc.assert(
      fc.property(fc.array(position, { maxLength: 40 }), cuts => {
        assert.deepEqual(streamed(DOCUMENT, cuts).blocks, expected);
      }),
      { numRuns: 60 },
    );
    const everywhere = Array.from({ length: DOCUMENT.length }, (_, index) => index);
    assert.deepEqual(streamed(DOCUMENT, everywhere).blocks, expected);
  });

  it('keeps finished blocks as they are', () => {
    const stream = new MarkdownStream();
    stream.push('one\n\ntwo\n\nthr');
    const [one] = stream.blocks;
    stream.push('ee\n\nfour');
    assert.equal(stream.blocks[0], one);
    assert.equal(stream.blocks.length, 4);
  });

  it('renders only the last block again: long answers cost no more per piece than short ones', () => {
    const paragraph = 'A sentence with **bold** text and `code`.\n\n';
    const cost = (paragraphs: number) => {
      const stream = new MarkdownStream();
      stream.push(paragraph.repeat(paragraphs));
      const start = performance.now();
      for (let piece = 0; piece < 200; piece++) stream.push('word ');
      return performance.now() - start;
    };
    cost(10);
    const least = (paragraphs: number) => Math.min(...Array.from({ length: 5 }, () => cost(paragraphs)));
    const [short, long] = [least(10), least(2000)];
    assert.ok(long < short * 5 + 20, `${long.toFixed(1)} ms against ${short.toFixed(1)} ms`);
  });
});
