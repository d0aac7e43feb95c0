/**
 * A session of typing in the real workbench, key by key, beside the same one through the pipeline without an editor: what is
 * shown is the same. So what `npm run replay` measures without an editor is what users see. The engine recites: a real model's choice
 * between two words that are as likely depends on how much it read in one pass, and so on what the machine does besides.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { ghostText, openFile } from '../../scripts/workbench/page.ts';
import type { Backend } from '../../src/backends/backend.ts';
import { monotonicClock } from '../../src/base/clock.ts';
import { CompletionPipeline } from '../../src/completion/pipeline.ts';
import { completeBy } from '../../src/completion/request.ts';
import { loadReciting } from '../fixtures/daemon/reciting-engine.ts';
import { recitingDaemon } from '../support/daemon-bundle.ts';
import { testGrammars } from '../support/grammars.ts';
import { MODEL_MS, type Session, startSession, until } from '../support/workbench.ts';

const PATH = 'spread.py';
const OPENED = 'def mean(values):\n    return sum(values) / len(values)\n';
const TYPED = '\n\ndef spread(values):\n    return max(values) - min(values)\n';
/** Whatever a busy machine takes, the text is written to its end. */
const DECODE_BUDGET_MS = 10_000;
/** For a suggestion that must not come. */
const SETTLE_MS = 700;

describe('replay in the workbench', () => {
  let session: Session;
  let expected: (string | null)[];
  before(async function () {
    this.timeout(600_000);
    expected = await typedWithoutEditor();
    session = await startSession({
      name: 'replay',
      daemon: await recitingDaemon(),
      files: { [PATH]: OPENED },
      settings: {
        'moebius.completion.savePower': 'on', // what is read ahead depends on how fast one types
        'moebius.completion.decodeBudgetMs': DECODE_BUDGET_MS,
        'editor.autoClosingBrackets': 'never',
        'editor.autoClosingQuotes': 'never',
        'editor.autoIndent': 'none',
        'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
        'editor.suggestOnTriggerCharacters': false,
      },
    });
  });
  after(() => session?.stop());

  it('shows what the pipeline says, at every key', async function () {
    this.timeout(900_000);
    const { page } = session;
    await openFile(page, PATH);
    await page.keyboard.press('Control+End');
    for (const [i, key] of [...TYPED].entries()) {
      await (key === '\n' ? page.keyboard.press('Enter') : page.keyboard.type(key));
      const at = `after ${JSON.stringify(TYPED.slice(0, i + 1))}`;
      const text = expected[i]!;
      if (text !== null) {
        const isShown = async () => (await shownIn(page)) === text;
        await until(isShown, `${text} ${at}`, MODEL_MS).catch(async error => {
          throw new Error(`There is ${JSON.stringify(await shownIn(page))}.`, { cause: error });
        });
      } else {
        await page.waitForTimeout(SETTLE_MS);
        await until(async () => (await shownIn(page)) === '', `nothing to be shown ${at}`);
      }
    }
    const shown = expected.filter(text => text !== null).length;
    assert.ok(
      shown >= 10,
      `only ${shown} of ${expected.length} keys got a text: there was little to compare`,
    );
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });
});

/** The first line of the text after every key; null: none. */
async function typedWithoutEditor(): Promise<(string | null)[]> {
  const engine = await loadReciting({ folder: '', threads: 1, contextTokens: 8192 });
  const backend: Pick<Backend, 'complete'> = {
    complete: (params, { signal = new AbortController().signal, onEvent = () => {} } = {}) =>
      engine.complete({ ...params, requestId: '' }, { signal, onEvent, turn: async () => {} }),
  };
  const syntax = testGrammars();
  await syntax.load('python');
  const pipeline = new CompletionPipeline(completeBy(backend, DECODE_BUDGET_MS), monotonicClock, syntax);
  const texts: (string | null)[] = [];
  for (let length = 1; length <= TYPED.length; length++) {
    const before = OPENED + TYPED.slice(0, length);
    const cursor = { uri: PATH, path: PATH, languageId: 'python', before, after: '' };
    const { signal } = new AbortController();
    const options = { isManual: false, multiline: 'auto', delayMs: 0, isSaving: true, signal } as const;
    const suggestion = await pipeline.suggest(cursor, options);
    texts.push(suggestion && suggestion.text.split('\n', 1)[0]!);
  }
  return texts;
}

/** The first line of the grey text, drawn in a piece for every colour and with no-break spaces. */
async function shownIn(page: Page): Promise<string> {
  return (await ghostText(page).allTextContents()).join('').replaceAll('\u00a0', ' ');
}
