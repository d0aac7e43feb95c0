/** Runs inside the extension host: what `activate` returns works with the model of the store. Rejects = failed. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { MoebiusApi } from '../../src/host/api.ts';

export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<MoebiusApi>('moebius.moebius');
  assert.ok(extension, 'the extension is installed');
  const api = await extension.activate();

  const declared: string[] = extension.packageJSON.contributes.commands.map(
    (command: { command: string }) => command.command,
  );
  const known = new Set(await vscode.commands.getCommands(true));
  assert.deepEqual(
    declared.filter(command => !known.has(command)),
    [],
    'every declared command is registered',
  );

  const text = await api.generateText({
    prompt: 'Write a Python function that adds two numbers.',
    maxTokens: 60,
  });
  assert.match(text, /\w/);
  const prefix = 'def add(a, b):\n    return ';
  const code = await api.completeCode({ prefix, suffix: '\n', maxTokens: 16 });
  assert.match(code, /\w/);

  const models = await vscode.lm.selectChatModels({ vendor: 'moebius' });
  assert.ok(models.length > 0, "VS Code's language model API lists the local model");
}
