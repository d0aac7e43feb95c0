import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { ghostText, goTo, openFile, runCommand, webview } from '../../scripts/workbench/page.ts';
import { MODEL_MS, type Session, startSession, until } from '../support/workbench.ts';

const AREA = `export function area(width: number, height: number, depth: number): number {
  return width * height;
}

export const small = area(1, 2, 3);
`;

describe('ghost text', () => {
  let session: Session;
  before(async () => {
    session = await startSession({ name: 'ghost-text', files: { 'src/area.ts': AREA } });
  });
  after(() => session?.stop());

  it('reads a file ahead when it is opened, before anything is typed', async () => {
    const { page } = session;
    await openFile(page, 'statistics_report.py');
    const deadline = performance.now() + MODEL_MS;
    let status = '';
    const isRead = () => /\bcompletion\s+\d+/.test(status);
    while (!isRead() && performance.now() < deadline) {
      await page.waitForTimeout(5000);
      await runCommand(page, 'Moebius: Show Status');
      await webview(page).getByText('State:').waitFor();
      // biome-ignore lint/performance/useDomNodeTextContent: there the cells of a table run together
      status = await webview(page).locator('body').innerText();
      await runCommand(page, 'View: Close Editor');
    }
    assert.ok(isRead(), `the model has read nothing: ${status}`);
  });

  it('appears while typing, and Tab writes it into the file', async () => {
    const { page } = session;
    await openFile(page, 'statistics_report.py');
    await goTo(page, 4);
    await page.keyboard.press('Enter');
    await goTo(page, 5);
    await page.keyboard.type('def maximum(values):', { delay: 30 });
    await page.keyboard.press('Enter');
    await page.keyboard.type('return ', { delay: 30 });
    await session.screenshot('sequence-1-typing');
    await ghostText(page).first().waitFor({ timeout: MODEL_MS });
    await session.screenshot('sequence-2-ghost-text');
    const suggest = async () => {
      await goTo(page, 6, 99);
      await runCommand(page, 'Moebius: Trigger Completion');
      await ghostText(page).first().waitFor({ timeout: MODEL_MS });
    };
    await session.screenshots('ghost-text', suggest);
    await suggest();
    const ghost = ghostText(page).first();
    const shown = plain(await ghost.textContent());
    await page.keyboard.press('Tab');
    await session.screenshot('sequence-3-accepted');
    await page.keyboard.press('Control+S');
    const text = await session.untilFile('python/statistics_report.py', saved => saved.includes(shown));
    assert.match(text, /def maximum\(values\):\n {4}return \S/);
    assert.doesNotMatch(text, /<\|/, 'no special token in the text');
  });

  it('is accepted word by word', async () => {
    const { page } = session;
    await openFile(page, 'fibonacci.ts');
    await goTo(page, 3, 99);
    await page.keyboard.type('if (n <= 1) ', { delay: 30 });
    await runCommand(page, 'Moebius: Trigger Completion');
    await ghostText(page).first().waitFor({ timeout: MODEL_MS });
    const shown = plain(await ghostText(page).first().textContent());
    await page.keyboard.press('Control+ArrowRight');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+S');
    const text = await session.untilFile('src/fibonacci.ts', saved => /if \(n <= 1\) \S/.test(saved));
    const written = text.match(/if \(n <= 1\) (.*)/)?.[1] ?? '';
    assert.ok(
      written && shown.startsWith(written.trimEnd()) && written.length <= shown.length,
      `${written} | ${shown}`,
    );
  });

  it('is dismissed with Escape, and says why in the list of the last requests', async () => {
    const { page } = session;
    await openFile(page, 'invoice.ts');
    await page.keyboard.press('Control+End');
    await page.keyboard.type('\nexport function double(value: number): number { return ', { delay: 30 });
    await runCommand(page, 'Moebius: Trigger Completion');
    await ghostText(page).first().waitFor({ timeout: MODEL_MS });
    await page.keyboard.press('Escape');
    await ghostText(page).first().waitFor({ state: 'hidden' });
    await page.waitForTimeout(3000);
    assert.equal(await ghostText(page).count(), 0);
    await runCommand(page, 'Moebius: Why This Suggestion, Why None');
    const why = webview(page).getByText('Why this suggestion, why none');
    await why.first().waitFor({ timeout: 60_000 });
    await webview(page).getByText('Shown, ').first().waitFor();
    await runCommand(page, 'View: Close Editor');
  });

  it('does not appear in the middle of a word', async () => {
    const { page } = session;
    await openFile(page, 'fibonacci.ts');
    await goTo(page, 2, 20);
    await page.keyboard.type('x', { delay: 30 });
    await page.waitForTimeout(4000);
    assert.equal(await ghostText(page).count(), 0);
    await page.keyboard.press('Control+Z');
  });

  it('a changed name is offered at its next place: Tab goes there, Tab takes it', async () => {
    const { page } = session;
    await openFile(page, 'cart.ts');
    await goTo(page, 9, 10);
    await page.keyboard.type('Cents', { delay: 40 });
    await until(() => hasStruckText(page), 'the next place to be offered');
    await session.screenshots('next-edit');
    await page.keyboard.press('Tab');
    await session.screenshot('sequence-4-next-edit');
    await page.keyboard.press('Tab');
    await untilCode(page, text => text.split('sumCents').length > 2);
    await page.keyboard.press('Control+S');
    const text = await session.untilFile('src/cart.ts', saved => saved.split('sumCents').length > 2);
    assert.match(text, /let sumCents = 0;/);
    assert.match(text, /sumCents = sum \+|sum = sumCents \+/);
  });

  it('after a parameter was removed its calls are offered without the argument', async () => {
    const { page } = session;
    await openFile(page, 'area.ts');
    await goTo(page, 1, AREA.indexOf(', depth') + 1);
    // Selected first: with a pause between two letters it would be two changes.
    for (const _ of ', depth: number') await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Delete');
    await until(() => hasStruckText(page), 'the call to be offered');
    await session.screenshot('sequence-5-next-call');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await untilCode(page, text => !text.includes('3'));
    await page.keyboard.press('Control+S');
    const text = await session.untilFile('src/area.ts', saved => !saved.includes('3'));
    assert.match(text, /small = area\(1, 2\);/);
  });

  it('does not appear where completions are off', async () => {
    const { page } = session;
    await runCommand(page, 'Moebius: Toggle Completions');
    await page.locator('.part.statusbar', { hasText: 'completions are off' }).waitFor();
    await openFile(page, 'cart.ts');
    await goTo(page, 17, 1);
    await page.keyboard.press('Control+End');
    await page.keyboard.type('\nexport function largest(items: Item[]): Item { return ', { delay: 20 });
    await page.waitForTimeout(4000);
    assert.equal(await ghostText(page).count(), 0);
    await runCommand(page, 'Moebius: Toggle Completions');
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });

  const hasStruckText = (page: Page) =>
    page
      .locator('.view-line span')
      .evaluateAll(spans => spans.some(span => getComputedStyle(span).textDecorationLine === 'line-through'));

  /** An edit that is offered is made in the extension host, some time after the key. */
  const untilCode = (page: Page, isDone: (text: string) => boolean) => {
    const code = page.locator('.editor-group-container.active .view-lines').first();
    return until(async () => isDone(plain(await code.textContent())), 'the edit to be made');
  };

  /** The editor draws blanks as no-break spaces. */
  const plain = (text: string | null) => (text ?? '').replaceAll('\u00a0', ' ');
});
