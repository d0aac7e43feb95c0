/** What the editor does with suggestions whose text is known beforehand: no model, so every step is the same each time. */
import assert from 'node:assert/strict';
import { ghostText, goTo, openFile, quickRows, runCommand, webview } from '../../scripts/workbench/page.ts';
import { scriptedGhostDaemon } from '../support/daemon-bundle.ts';
import { type Session, startSession, until } from '../support/workbench.ts';

/** Long enough for a suggestion that is not to come. */
const QUIET_MS = 2500;
const PRICES = 'def net_price(gross):\n    """net_price of one item."""\n    return gross / 1.19\n';
const REPORT = 'from prices import net_price\n\nprint("net_price", net_price(119))\n';
const TAX =
  'def tax(amount):\n    return amount / 5\n\n\ndef bill(amount, rates):\n    return amount + tax(amount)\n';
const FILES = {
  'src/blank.ts': 'export const before = 1;\n\n\nexport const last = 1;\n',
  'src/body.ts': 'export function run(): void {\n  \n}\n',
  'notes.md': '# Notes\n\n',
  'prices.py': PRICES,
  'price_report.py': REPORT,
  'tax.py': TAX,
  'cells.ipynb': JSON.stringify({
    cells: ['import cart', ''].map(source => ({
      cell_type: 'code',
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    })),
    metadata: { language_info: { name: 'python' } },
    nbformat: 4,
    nbformat_minor: 5,
  }),
};

describe('suggestions', () => {
  let session: Session;
  before(async () => {
    session = await startSession({ name: 'suggestions', daemon: await scriptedGhostDaemon(), files: FILES });
  });
  after(() => session?.stop());

  const shown = async () => ((await ghostText(session.page).allTextContents()).join('|') ?? '').trim();
  const untilShown = (text: string) =>
    until(async () => (await shown()).includes(text), `the ghost text ${text}`);
  const type = (text: string) => session.page.keyboard.type(text, { delay: 30 });
  const staysQuiet = async () => {
    await session.page.waitForTimeout(QUIET_MS);
    assert.equal(await shown(), '');
  };
  const why = async (reason: string) => {
    const { page } = session;
    await runCommand(page, 'Moebius: Why This Suggestion, Why None');
    await webview(page).getByText(`Silent: ${reason}`).first().waitFor({ timeout: 60_000 });
    await runCommand(page, 'View: Close Editor');
  };

  it('Alt+] shows another one, which was looked for when it was asked for', async () => {
    const { page } = session;
    await openFile(page, 'blank.ts');
    await goTo(page, 2, 1);
    await type('const x = ');
    await untilShown('likeliest');
    await page.keyboard.press('Alt+]');
    await untilShown('second');
    await page.keyboard.press('Alt+]');
    await untilShown('third');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+S');
    await session.untilFile('src/blank.ts', text => text.includes('const x = third();'));
  });

  it('one that was asked for first has others as soon as they are there', async () => {
    const { page } = session;
    await goTo(page, 3, 1);
    await type('if (last');
    await page.keyboard.press('Escape');
    await type(') { ');
    await page.keyboard.press('Escape');
    await runCommand(page, 'Moebius: Trigger Completion');
    await untilShown('likeliest');
    await page.waitForTimeout(QUIET_MS);
    await untilShown('likeliest');
    await page.keyboard.press('Alt+]');
    await untilShown('second');
    await page.keyboard.press('Escape');
  });

  it('Ctrl+Alt+Right takes its first line', async () => {
    const { page } = session;
    await openFile(page, 'body.ts');
    await goTo(page, 2, 3);
    await runCommand(page, 'Moebius: Trigger Completion');
    await untilShown('likeliest');
    await page.keyboard.press('Control+Alt+ArrowRight');
    await until(async () => !(await shown()).includes('likeliest'), 'the first line to be taken');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+S');
    const text = await session.untilFile('src/body.ts', saved => saved.includes('likeliest();'));
    assert.doesNotMatch(text, /after/);
  });

  it('none come by themselves in Markdown nor in the input box of source control', async () => {
    const { page } = session;
    await openFile(page, 'notes.md');
    await page.keyboard.press('Control+End');
    await type('The cart holds ');
    await staysQuiet();
    await why('completions are off in this language');
    await runCommand(page, 'Source Control: Focus on Changes View');
    await page.locator('.scm-editor .view-lines').first().click();
    await type('Add a ');
    await staysQuiet();
  });

  it('come in a notebook', async () => {
    const { page } = session;
    await page.keyboard.press('Control+P');
    await page.locator('.quick-input-widget input').fill('cells.ipynb');
    const name = page.locator('.label-name', { hasText: /^cells\.ipynb$/ });
    await quickRows(page).filter({ has: name }).first().click();
    const cell = page.locator('.notebookOverlay .cell .monaco-editor .view-lines').last();
    await cell.click({ timeout: 60_000 });
    await type('value = ');
    await untilShown('likeliest');
    await page.keyboard.press('Escape');
    await runCommand(page, 'File: Revert File');
    await runCommand(page, 'View: Close Editor');
  });

  /** In `prices.py`, as it is in the folder. */
  const rename = async () => {
    const { page } = session;
    await openFile(page, 'prices.py');
    await runCommand(page, 'File: Revert File');
    await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    await page.waitForTimeout(1500); // an edit of its own: what follows within a moment would be one with it
    await goTo(page, 1, 5);
    for (const _ of 'net_price') await page.keyboard.press('Shift+ArrowRight');
    await type('price_of');
  };
  const untilOffered = () =>
    until(
      async () => (await offered()).includes('price_report.py: price_of'),
      'the other file to be offered',
    );

  it('nothing comes by itself while it is snoozed, no next edit either', async () => {
    const { page } = session;
    await runCommand(page, 'Moebius: Snooze Completions');
    await quickRows(page).filter({ hasText: '15 minutes' }).first().click();
    await rename();
    await page.waitForTimeout(QUIET_MS);
    assert.equal(await offered(), '');
    await page.keyboard.press('Control+End');
    await type('rate = ');
    await staysQuiet();
    await why('completions are snoozed');
    await runCommand(page, 'Moebius: Snooze Completions');
    await quickRows(page).filter({ hasText: 'End the snooze' }).first().click();
  });

  it('a name that was changed is offered where another file imports it, in code only; Escape sends it away', async () => {
    const { page } = session;
    await rename();
    await untilOffered();
    await page.keyboard.press('Escape');
    await until(async () => (await offered()) === '', 'the offer to go');
    await page.keyboard.press('Tab');
    await page.waitForTimeout(1000);
    assert.equal(session.read('price_report.py'), REPORT, 'what was sent away is not taken');
  });

  it('Tab opens the file, and takes one place after the other', async () => {
    const { page } = session;
    await rename();
    await untilOffered();
    await page.keyboard.press('Tab');
    await page.locator('.tabs-container .tab.active[aria-label^="price_report.py"]').waitFor();
    // The tab is active before the editor has the focus.
    const isHere = (text: string) => text.includes('price_of') && !text.includes('price_report.py');
    await until(async () => isHere(await offered()), 'the place to be offered in its own file');
    await page.keyboard.press('Tab');
    // Both places are offered in the same words: the second one only once the first is taken.
    const code = page.locator('.editor-group-container.active .view-lines');
    const isTaken = async () => /import\sprice_of/.test((await code.textContent()) ?? '');
    await until(
      async () => (await isTaken()) && (await offered()).includes('price_of'),
      'the next place to be offered',
    );
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await untilCode(/print\("net_price",\sprice_of\(119\)\)/);
    await page.keyboard.press('Control+S');
    await session.untilFile('price_report.py', text => text.includes('print("net_price", price_of(119))'));
    assert.match(session.read('price_report.py'), /^from prices import price_of\n/);
  });

  it('a call whose function got a parameter is offered with the argument that the model writes', async () => {
    const { page } = session;
    await openFile(page, 'tax.py');
    await goTo(page, 1, 15);
    await type(', rate');
    await page.keyboard.press('ArrowDown'); // away from the suggestion at the cursor, which Tab would take
    const call = 'tax(amount, rates[0])';
    await until(async () => (await offered()).includes('rates[0]'), 'the call to be offered');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await untilCode(/tax\(amount,\srates\[0\]\)/);
    await page.keyboard.press('Control+S');
    await session.untilFile('tax.py', text => text.includes(call));
    const changed = TAX.replace('+ tax(amount)', `+ ${call}`).replace(
      'def tax(amount)',
      'def tax(amount, rate)',
    );
    assert.equal(session.read('tax.py'), changed);
  });

  it('left no error in the console', () => assert.deepEqual(session.errors, []));

  /** An edit that is offered is made in the extension host, some time after the key. */
  const untilCode = (wanted: RegExp) => {
    const code = session.page.locator('.editor-group-container.active .view-lines');
    return until(async () => wanted.test((await code.textContent()) ?? ''), `${wanted} in the editor`);
  };

  /** What stands beside the place, drawn by the style sheet and so no text of the page. */
  const offered = () =>
    session.page.locator('.editor-group-container.active .view-line span').evaluateAll(spans =>
      spans
        .map(span => getComputedStyle(span, '::after').content)
        .filter(content => content.includes('⇥'))
        .join(' '),
    );
});
