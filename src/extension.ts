/** Bundle of the extension host: composes on activation, ends the daemon on deactivation. */
import type * as vscode from 'vscode';
import type { MoebiusApi } from './host/api.ts';
import { type Composition, compose } from './host/compose.ts';

let composition: Composition | undefined;

export function activate(context: vscode.ExtensionContext): MoebiusApi {
  composition = compose(context);
  return composition.api;
}

export async function deactivate(): Promise<void> {
  await composition?.stop();
}
