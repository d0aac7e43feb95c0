/**
 * Why nothing comes by itself in a document, be it ghost text or the next edit: the user's switches, the editor's trust,
 * the document's kind.
 */
import * as vscode from 'vscode';
import { isLanguageOn } from '../completion/languages.ts';
import type { Snooze } from '../completion/snooze.ts';
import type { Quiet } from '../completion/trace.ts';
import type { Settings } from './settings.ts';

/** Documents that hold no code of the user's, or where suggestions would be in the way. */
const SILENT_SCHEMES =
  /^(?:output|git|debug|comment|chat.*|vscode-chat.*|interactive-input|moebius-proposed|search-editor)$/;

/** null: what nobody asked for is welcome. */
export function quietIn(
  { uri, languageId }: Pick<vscode.TextDocument, 'uri' | 'languageId'>,
  { isEnabled, languages }: Settings['completion'],
  snooze: Pick<Snooze, 'isOn'>,
): Quiet | null {
  if (!isEnabled) return 'completions are off';
  if (snooze.isOn) return 'completions are snoozed';
  if (!vscode.workspace.isTrusted) return 'the window is in Restricted Mode';
  if (SILENT_SCHEMES.test(uri.scheme)) return 'the document is none of yours';
  return isLanguageOn(languages, languageId) ? null : 'completions are off in this language';
}
