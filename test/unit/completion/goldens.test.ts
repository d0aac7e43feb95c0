/**
 * What other completion clients decided for real model outputs, put through our filters (the data and its licences:
 * ../shared/eval/README.md). Where we decide otherwise the reason stands beside it.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { parse } from 'smol-toml';
import type { Cursor } from '../../../src/completion/cursor.ts';
import { dropChatter } from '../../../src/completion/post/chatter.ts';
import { stripFences } from '../../../src/completion/post/fences.ts';
import { cutOverlap } from '../../../src/completion/post/overlap.ts';
import { cutRepetition } from '../../../src/completion/post/repetition.ts';
import { StopStrings } from '../../../src/engine/stop.ts';
import { testGrammars } from '../../support/grammars.ts';
import { readRecords, SHARED_DATA } from '../../support/shared-data.ts';
import { accept } from './accept.ts';
import { drawn } from './drawn.ts';

const LANGUAGES: Readonly<Record<string, string>> = {
  '.c': 'c',
  '.clj': 'clojure',
  '.cpp': 'cpp',
  '.cs': 'csharp',
  '.fs': 'fsharp',
  '.hs': 'haskell',
  '.jl': 'julia',
  '.js': 'javascript',
  '.jsx': 'javascriptreact',
  '.kt': 'kotlin',
  '.md': 'markdown',
  '.py': 'python',
  '.R': 'r',
  '.rb': 'ruby',
  '.rs': 'rust',
  '.sh': 'shellscript',
  '.ts': 'typescript',
  '.tsx': 'typescriptreact',
};

function cursorIn(path: string, before: string, after: string): Cursor {
  const extension = extname(path);
  const languageId = LANGUAGES[extension] ?? extension.slice(1);
  return { uri: `file:///${path}`, path, languageId, before, after };
}

/** As it is shipped: with the grammars. */
const syntax = testGrammars();
before(async () => {
  for (const languageId of Object.values(LANGUAGES)) await syntax.load(languageId);
});

/** One test a record; one that says what is missing where there are none. */
function each<T>(
  name: string,
  records: readonly T[] | null,
  idOf: (record: T) => string,
  test: (record: T) => void,
) {
  if (!records) it(`${name}: skipped, there is no ${join(SHARED_DATA, name)}`);
  for (const record of records ?? []) it(idOf(record), () => test(record));
}

describe('completion/post, goldens of Tabby', () => {
  interface Golden {
    context: { filepath: string; text: string };
    expected: { unchanged?: boolean; discard?: boolean; text?: string };
  }
  const name = 'tabby_postprocess_golden';
  const folder = join(SHARED_DATA, name);
  const files = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.toml'))
    : null;
  each(name, files, String, file => {
    const { context, expected } = parse(readFileSync(join(folder, file), 'utf8')) as unknown as Golden;
    const [before, written, after] = split(context.text);
    const got = accept(cursorIn(context.filepath, before, after), written, 'always', false, syntax);
    if (expected.discard) return assert.equal(got, null);
    assert.equal(plain(got?.document), documentOf(expected.unchanged ? context.text : expected.text!));
  });

  /** Before, between and after ├ and ┤. */
  function split(text: string): [string, string, string] {
    const [from, to] = [text.indexOf('├'), text.indexOf('┤')];
    return [text.slice(0, from), text.slice(from + 1, to), text.slice(to + 1)];
  }

  /**
   * The document that the golden comes to: what stands from ┤ to ╣ is replaced. Compared is the document and not the
   * range, because dropping a doubled bracket and replacing the one that is there look the same to the user.
   */
  function documentOf(golden: string): string {
    const [before, text, after] = split(golden);
    return before + text + after.slice(after.indexOf('╣') + 1);
  }
  const plain = (document?: string) => document?.replace(/[‹›]/g, '');
});

describe('completion/post, cases of Continue', () => {
  interface Case {
    id: string;
    filename: string;
    prefix: string;
    suffix: string;
    model_output: string;
    expected: string | null;
  }
  /** Where another decision is better for the user, with what ours is. */
  const OTHERWISE: Readonly<Record<string, string>> = {
    // A Go file is indented with tabs, and the suggestion follows it; upstream leaves the model's blanks.
    'should-autocomplete-a-simple-go-function-declaration':
      '(length float64, width float64) float64 {\n\treturn length * width\n}',
    // The last brace closes the function that the suggestion opened. Upstream takes it for the one below, which closes
    // the `impl`, and leaves the document with a brace too few.
    'should-autocomplete-a-rust-function-implementation-inside-a-struct':
      ' divide(&mut self, number: f64) {\n    if number != 0.0 {\n        self.result /= number;\n    } else {\n' +
      '        println!("Cannot divide by zero.");\n    }\n}',
  };
  const name = 'continue_completion_filter.jsonl';
  each(
    name,
    readRecords<Case>(name),
    ({ id }) => id,
    ({ id, filename, prefix, suffix, model_output, expected }) => {
      const got = accept(cursorIn(filename, prefix, suffix), model_output, 'always', false, syntax);
      const wanted = OTHERWISE[id.replace(/^.*\/\d+-/, '')] ?? expected?.trimEnd() ?? null;
      const rest = suffix.split('\n', 1)[0]!;
      // Upstream shows a doubled end of the line and replaces what is there; we do not show it.
      const isDoubled = wanted !== null && rest.trim() !== '' && wanted.endsWith(rest.trim());
      const shown = got && isDoubled ? got.shown + rest.slice(got.replaceAfter) : (got?.shown ?? null);
      assert.equal(shown, wanted);
    },
  );
});

describe('completion/post, bad completions of Continue', () => {
  interface Case {
    id: string;
    prompt: string;
    cursor_marker: string;
    bad_completion: string;
  }
  const name = 'continue_bad_completions.jsonl';
  each(
    name,
    readRecords<Case>(name),
    ({ id }) => id,
    ({ id, prompt, cursor_marker, bad_completion }) => {
      const [before = '', after = ''] = prompt.split(cursor_marker);
      const extension = { TYPESCRIPT: 'ts', PYTHON: 'py', RUST: 'rs' }[/[A-Z]+$/.exec(id)?.[0] ?? ''] ?? 'js';
      const got = accept(cursorIn(`a.${extension}`, before, after), bad_completion, 'always', false, syntax);
      assert.notEqual(got?.shown.trim(), bad_completion.trim());
    },
  );
});

describe('completion/post, stream filters of Continue', () => {
  interface Case {
    id: string;
    filter: string;
    input: unknown[];
    args: unknown[];
    expected: unknown;
  }
  const draft = { cursor: drawn('█'), extent: 'block', isCut: false } as const;
  const lines = (input: unknown[]) => input.join('\n');
  type Run = (input: string[], args: unknown[]) => unknown;
  /** Their filter -> the same by ours. */
  const OURS: Readonly<Record<string, Run>> = {
    avoidPathLine: input => dropChatter(lines(input), draft).split('\n'),
    filterCodeBlockLines: input => stripFences(lines(input), draft).split('\n'),
    stopAtLines: input => dropChatter(lines(input), draft).split('\n'),
    stopAtRepeatingLines: input => cutRepetition(lines(input)).split('\n'),
    stopAtSimilarLine: (input, [below]) => cutOverlap(lines(input), drawn(`█\n${below}`)).split('\n'),
    // Whole lines are cut, so what stands before the suffix on its line is not compared.
    stopAtStartOf: (input, [suffix]) => `${cutOverlap(input.join(''), drawn(`█${suffix}`))}\n    `,
    stopAtStopTokens(input, [stops]) {
      const filter = new StopStrings(stops as string[]);
      let text = '';
      for (const piece of input) {
        const pushed = filter.push(piece);
        text += pushed.text;
        if (pushed.stopped) return text;
      }
      return text + filter.flush();
    },
    shouldChangeLineAndStop([line = '']) {
      const left = stripFences(line, draft);
      return left === line ? null : left;
    },
  };
  /** Records that ours answers otherwise, and filters that we have no use for. */
  const SKIPPED: readonly [RegExp, string][] = [
    [
      /stopatlines.*(?:should stop at specified lines|leading whitespace)/,
      'the stop line was lost in recording',
    ],
    [
      /avoidemptycomments/,
      'a bare comment mark separates the paragraphs of a comment; dropping it joins them',
    ],
    [
      /lineisrepeated|stopatsimilarline.*should stop/,
      'a similar line is mostly a sibling (`a = 1`, `b = 2`), not a repetition',
    ],
    [/stopatstartof.*even if/, 'the line below is another one; see the similar lines'],
    [/filtercodeblocklines.*simple markdown code blocks/, 'for a Markdown file, whose fences we leave alone'],
    [/filterenglishlinesatstart/, 'the English line was lost in recording; see the test of chatter'],
    [/fixcodellama/, 'the indentation of the first line belongs to the cursor: post-process.test.ts'],
    [/filterleadingandtrailing/, 'filters a diff'],
    [
      /shouldchangelineandstop.*(?:at start of line|leading whitespace|trimStart)/,
      'gives back the mark itself, which its caller drops',
    ],
  ];
  interface Recorded extends Case {
    test: string;
  }
  const name = 'continue_stream_filter.jsonl';
  const records = readRecords<Recorded>(name);
  each(
    name,
    records?.filter(record => reasonToSkip(record) === undefined) ?? null,
    ({ id, test }) => `${id}: ${test}`,
    ({ filter, input, args, expected }) => {
      const run = OURS[filter];
      assert.ok(run, `no filter of ours is compared with ${filter}`);
      assert.deepEqual(run(input as string[], args), expected);
    },
  );
  for (const record of records ?? []) {
    const reason = reasonToSkip(record);
    if (reason !== undefined) it(`${record.id}: ${reason}`);
  }

  function reasonToSkip({ id, test }: Recorded): string | undefined {
    return SKIPPED.find(([pattern]) => pattern.test(`${id.replace(/^.*\/\d+-/, '')}: ${test}`))?.[1];
  }
});

describe('completion/post, what was right', () => {
  interface Gap {
    id: string;
    prompt: string;
    suffix: string;
    canonical_solution: string;
  }
  const plain = (text: string) => text.replace(/\s+/g, '');
  /** Records whose text does not come through the filters as it was. */
  const spoilt = (records: readonly Gap[], multiline: 'auto' | 'always', between: string) =>
    records.filter(({ prompt, suffix, canonical_solution }) => {
      const got = accept(
        cursorIn('a.py', prompt, between + suffix),
        canonical_solution,
        multiline,
        false,
        syntax,
      );
      return plain(got?.document.replace(/[‹›]/g, '') ?? '') !== plain(prompt + canonical_solution + suffix);
    });
  const lines = 'infilling_single_line.jsonl';
  each(lines, readRecords<Gap>(lines) && [lines], String, () => {
    assert.deepEqual(spoilt(readRecords<Gap>(lines)!, 'auto', '\n'), []);
  });

  // Spans begin and end anywhere; those that leave their block are cut, as they would be for a user.
  const spans = 'infilling_random_span_light.jsonl';
  each(spans, readRecords<Gap>(spans) && [spans], String, () => {
    const records = readRecords<Gap>(spans)!;
    assert.ok(spoilt(records, 'always', '').length <= 0.05 * records.length);
  });
});
