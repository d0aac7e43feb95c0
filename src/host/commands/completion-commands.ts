/** Ghost text by command: switches, snooze, dismissal, and why there was a suggestion or none. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import { type LanguageSwitches, toggleLanguage } from '../../completion/languages.ts';
import type { Snooze } from '../../completion/snooze.ts';
import type { GhostTextProvider } from '../completion-provider.ts';
import type { NextEdits } from '../next-edit/next-edits.ts';
import type { Pages } from '../pages.ts';
import { ownSetting, readSettings, updateSetting } from '../settings.ts';
import type { CommandTable } from './command-table.ts';

const SNOOZE_MINUTES = [5, 15, 60];

export function completionCommands(
  ghostText: GhostTextProvider,
  nextEdits: NextEdits,
  snooze: Snooze,
  pages: Pages,
): CommandTable {
  return {
    'moebius.completion.toggle': async () => {
      const { isEnabled } = readSettings().completion;
      await updateSetting('completion.enabled', !isEnabled);
      vscode.window.setStatusBarMessage(`Moebius: completions are ${isEnabled ? 'off' : 'on'}`, 3000);
    },
    'moebius.completion.toggleLanguage': async () => {
      const { languageId } = activeDocument();
      const { languages } = readSettings().completion;
      const own = ownSetting<LanguageSwitches>('completion.languages').value ?? {};
      await updateSetting('completion.languages', toggleLanguage(languages, languageId, own));
    },
    'moebius.completion.trigger': async () => {
      activeDocument();
      await ghostText.trigger();
    },
    'moebius.completion.acceptLine': () =>
      vscode.commands.executeCommand('editor.action.inlineSuggest.acceptNextLine'),
    'moebius.completion.dismiss': () => {
      ghostText.dismiss();
      return vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
    },
    'moebius.nextEdit.take': () => nextEdits.take(),
    'moebius.nextEdit.dismiss': () => nextEdits.dismiss(),
    'moebius.completion.snooze': () => chooseSnooze(snooze),
    'moebius.completion.why': () => pages.show('Moebius completions', ghostText.explain()),
  };
}

function activeDocument(): vscode.TextDocument {
  const document = vscode.window.activeTextEditor?.document;
  if (!document) throw new MoebiusError('bad-request', 'Open a file first.');
  return document;
}

async function chooseSnooze(snooze: Snooze): Promise<void> {
  const items = SNOOZE_MINUTES.map(minutes => ({ label: `${minutes} minutes`, minutes }));
  const end = { label: 'End the snooze', minutes: 0 };
  const chosen = await vscode.window.showQuickPick(snooze.isOn ? [end, ...items] : items, {
    title: 'Moebius: Snooze Completions',
    placeHolder: 'Triggering by hand works meanwhile',
  });
  if (!chosen) return;
  if (chosen.minutes === 0) snooze.end();
  else snooze.start(chosen.minutes * 60_000);
}
