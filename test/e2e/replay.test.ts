/**
 * Sessions of typing in the real workbench, with a person's pauses, jumps and corrections: what is shown where the user pauses is
 * what the pipeline says without an editor. So what `npm run replay` measures is what users see. The engine recites: a real model's
 * choice between two words that are as likely depends on how much it read in one pass, and so on what the machine does besides.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from '../../scripts/steps.ts';
import { ghostText, goTo, openFile, runCommand, webview } from '../../scripts/workbench/page.ts';
import type { Backend } from '../../src/backends/backend.ts';
import { monotonicClock } from '../../src/base/clock.ts';
import { CompletionPipeline } from '../../src/completion/pipeline.ts';
import { withinReach } from '../../src/completion/reach.ts';
import { completeBy } from '../../src/completion/request.ts';
import { NO_SYNTAX, type Syntax } from '../../src/completion/syntax/syntax.ts';
import { type Editor, type Keystroke, press, recordSession } from '../bench/typing-script.ts';
import { reciting } from '../fixtures/daemon/reciting-engine.ts';
import { recitingDaemon } from '../support/daemon-bundle.ts';
import { testGrammars } from '../support/grammars.ts';
import { MODEL_MS, type Session, startSession, until } from '../support/workbench.ts';

/** With seeds that give sessions with jumps, corrections, and places where it must be silent. */
const SOURCES = [
  { source: 'src/formats/float16.ts', languageId: 'typescript', seed: 7 },
  { source: 'test/fixtures/agent/js-cart/src/cart.js', languageId: 'javascript', seed: 3 },
  { source: 'test/fixtures/agent/py-inventory/inventory.py', languageId: 'python', seed: 1 },
];
const KEYS = 46;
/** So many times as fast a typist, but for the pauses in which the document is read ahead. */
const HASTE = 5;
const READ_AHEAD_MS = 1000;
/** A pause in which one looks at what is shown. */
const LOOK_MS = 200;
/** For a suggestion that must not come. */
const SETTLE_MS = 700;
/** Whatever a busy machine takes, the text is written to its end. */
const DECODE_BUDGET_MS = 10_000;
const LEAST_SHOWN = 18;
const LEAST_SILENT = 4;

/** A key, the document after it, and where it is looked at the first line of the text that is shown then; '': none may be. */
interface Step {
  key: Keystroke;
  editor: Editor;
  shown: string | null;
}
interface Typing {
  path: string;
  opened: string;
  steps: Step[];
}

describe('replay in the workbench', () => {
  let session: Session;
  let typings: Typing[];
  before(async function () {
    this.timeout(600_000);
    const texts = SOURCES.map(({ source }) => readFileSync(join(ROOT, source), 'utf8'));
    typings = await typedWithoutEditor(texts);
    session = await startSession({
      name: 'replay',
      daemon: await recitingDaemon(),
      env: { MOEBIUS_RECITED: JSON.stringify(texts) },
      files: Object.fromEntries(typings.map(({ path, opened }) => [path, opened])),
      settings: {
        'moebius.completion.savePower': 'off',
        'moebius.completion.decodeBudgetMs': DECODE_BUDGET_MS,
        'moebius.completion.nextEdits': false, // a word that is rewritten has become another for a moment
        'editor.autoClosingBrackets': 'never',
        'editor.autoClosingQuotes': 'never',
        'editor.autoIndent': 'none',
        'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
        'editor.suggestOnTriggerCharacters': false,
        'editor.parameterHints.enabled': false,
      },
    });
  });
  after(() => session?.stop());

  it('there is enough to look at', () => {
    const looks = typings.flatMap(({ steps }) => steps).flatMap(({ shown }) => shown ?? []);
    const silent = looks.filter(shown => shown === '').length;
    assert.ok(looks.length - silent >= LEAST_SHOWN, `texts at only ${looks.length - silent} places`);
    assert.ok(silent >= LEAST_SILENT, `silence at only ${silent} places`);
  });

  for (const [i, { languageId }] of SOURCES.entries())
    it(`shows what the pipeline says, where one pauses in ${languageId}`, async function () {
      this.timeout(900_000);
      const { path, steps } = typings[i]!;
      const { page } = session;
      await openFile(page, path);
      for (const [n, step] of steps.entries()) {
        await pressIn(page, step);
        if (step.shown !== null) await look(page, step);
        const pauseMs = steps[n + 1]?.key.pauseMs ?? READ_AHEAD_MS;
        await page.waitForTimeout(pauseMs < READ_AHEAD_MS ? pauseMs / HASTE : pauseMs);
      }
      await page.keyboard.press('Control+S');
      const { text } = steps.at(-1)!.editor;
      await session.untilFile(path, saved => saved === text);
    });

  it('no request failed, and none left an error in the console', async () => {
    const why = await whyIn(session.page);
    assert.match(why, /Shown, /);
    assert.doesNotMatch(why, /Failed/);
    assert.doesNotMatch(logOf(session), /completion: |\[error\]/);
    assert.deepEqual(session.errors, []);
  });
});

/** At every pause a pipeline that knows nothing yet is asked: what it says follows from the document alone. */
async function typedWithoutEditor(texts: readonly string[]): Promise<Typing[]> {
  const engine = await reciting(texts)({ folder: '', threads: 1, contextTokens: 8192 });
  const backend: Pick<Backend, 'complete'> = {
    complete: (params, { signal = new AbortController().signal, onEvent = () => {} } = {}) =>
      engine.complete({ ...params, requestId: '' }, { signal, onEvent, turn: async () => {} }),
  };
  const syntax = testGrammars();
  return Promise.all(
    SOURCES.map(async ({ source, languageId, seed }, i) => {
      await syntax.load(languageId);
      const path = `typed/${basename(source)}`;
      const { opened, keys } = recordSession(texts[i]!, seed);
      const steps: Step[] = [];
      for (const [n, key] of keys.slice(0, KEYS).entries()) {
        const editor = press(steps.at(-1)?.editor ?? opened, key);
        const isPause = key.kind !== 'jump' && (keys[n + 1]?.pauseMs ?? LOOK_MS) >= LOOK_MS;
        const ask = (by: Syntax) => suggested(backend, by, { path, languageId }, editor);
        const shown = isPause ? await ask(syntax) : null;
        // On a busy machine the editor may go without a tree: it is loaded with the first key, and parsed within a time.
        const isSure = shown !== null && shown === (await ask(NO_SYNTAX));
        steps.push({ key, editor, shown: isSure ? shown : null });
      }
      return { path, opened: opened.text, steps };
    }),
  );
}

/** The first line; '' where it must be silent; null where that is not said, as the text begins with a line end or none came of it. */
async function suggested(
  backend: Pick<Backend, 'complete'>,
  syntax: Syntax,
  document: { path: string; languageId: string },
  { text, offset }: Editor,
): Promise<string | null> {
  const pipeline = new CompletionPipeline(completeBy(backend, DECODE_BUDGET_MS), monotonicClock, syntax);
  const around = withinReach(
    { before: text.slice(0, offset), after: text.slice(offset) },
    document.languageId,
  );
  const { signal } = new AbortController();
  const suggestion = await pipeline.suggest(
    { ...document, uri: document.path, ...around },
    { isManual: false, multiline: 'auto', delayMs: 0, isSaving: true, signal },
  );
  if (suggestion) return suggestion.text.split('\n', 1)[0] || null;
  return pipeline.log.all[0]?.outcome.kind === 'silent' ? '' : null;
}

async function pressIn(page: Page, { key, editor: { text, offset } }: Step): Promise<void> {
  if (key.kind === 'delete') return page.keyboard.press('Backspace');
  if (key.kind === 'jump') {
    const lines = text.slice(0, offset).split('\n');
    return goTo(page, lines.length, lines.at(-1)!.length + 1);
  }
  const [, lineEnd, rest] = /^(\n?)(.*)$/.exec(key.text)!;
  if (lineEnd) await page.keyboard.press('Enter');
  await page.keyboard.type(rest!);
}

/** What must be shown is waited for; what must not would have come before long. */
async function look(page: Page, { shown, editor: { text, offset } }: Step): Promise<void> {
  const at = `at ${JSON.stringify(text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset))}`;
  const isShown = async () => (await shownIn(page)) === shown;
  await until(isShown, `${JSON.stringify(shown)} ${at}`, MODEL_MS).catch(async error => {
    throw new Error(`There is ${JSON.stringify(await shownIn(page))}.`, { cause: error });
  });
  if (shown !== '') return;
  await page.waitForTimeout(SETTLE_MS);
  assert.equal(await shownIn(page), '', at);
}

/** The first line of the grey text, drawn in a piece for every colour and with no-break spaces. */
async function shownIn(page: Page): Promise<string> {
  return (await ghostText(page).allTextContents()).join('').replaceAll('\u00a0', ' ');
}

/** What the list of the last requests says. */
async function whyIn(page: Page): Promise<string> {
  await runCommand(page, 'Moebius: Why This Suggestion, Why None');
  const shown = webview(page);
  await shown.getByText('Why this suggestion, why none').first().waitFor({ timeout: 60_000 });
  const text = (await shown.locator('body').textContent()) ?? '';
  await runCommand(page, 'View: Close Editor');
  return text;
}

/** The extension's log, of all that has happened. */
function logOf({ folder }: Session): string {
  const logs = join(folder, '../profile/data/logs');
  const paths = readdirSync(logs, { recursive: true, encoding: 'utf8' });
  const own = paths.filter(path => /exthost\d+\/moebius\.moebius\/Moebius\.log$/.test(path));
  assert.equal(own.length, 1);
  return readFileSync(join(logs, own[0]!), 'utf8');
}
