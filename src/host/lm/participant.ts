/** `@moebius` in VS Code's own chat: answered by the local model, without any sign-in. */
import * as vscode from 'vscode';
import { toMoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import { levelFor } from '../chat/level.ts';
import type { HostContext } from '../context.ts';
import { signalOf } from '../report.ts';
import { readSettings } from '../settings.ts';

const SYSTEM =
  'You are Moebius, a coding assistant inside VS Code. Answer briefly and put code in fenced blocks.';
/** Of each attached file or selection. */
const REFERENCE_CHARS = 6000;
/** Earlier turns that are sent along. */
const TURNS = 8;

export function registerParticipant({ backend, daemon, extension }: HostContext): vscode.Disposable {
  const participant = vscode.chat.createChatParticipant(
    'moebius.participant',
    async (request, { history }, stream, token) => {
      const question = [...(await readReferences(request.references)), request.prompt].join('\n\n');
      const messages: ChatMessage[] = [
        { role: 'system', content: SYSTEM },
        ...history.slice(-TURNS).flatMap(toMessage),
        { role: 'user', content: question },
      ];
      try {
        const model = await daemon.ready(signalOf(token));
        await backend.generate(
          {
            messages,
            temperature: 0.2,
            maxTokens: 2048,
            level: levelFor(readSettings().chat.level, model),
            sequence: 'participant',
          },
          {
            signal: signalOf(token),
            onEvent: event => {
              if (event.type === 'prefill') stream.progress(`Reading ${event.done} of ${event.total} tokens`);
              if (event.type === 'text') stream.markdown(event.text);
            },
          },
        );
        return {};
      } catch (error) {
        const { code, message } = toMoebiusError(error);
        if (code === 'cancelled') return {};
        if (code === 'model-missing')
          stream.button({ command: 'moebius.model.download', title: 'Get the Model' });
        return { errorDetails: { message } };
      }
    },
  );
  participant.iconPath = vscode.Uri.joinPath(extension.extensionUri, 'media', 'icon.svg');
  return participant;
}

function toMessage(turn: vscode.ChatRequestTurn | vscode.ChatResponseTurn): ChatMessage[] {
  if (turn instanceof vscode.ChatRequestTurn) return [{ role: 'user', content: turn.prompt }];
  const content = turn.response
    .map(part => (part instanceof vscode.ChatResponseMarkdownPart ? part.value.value : ''))
    .join('');
  return content ? [{ role: 'assistant', content }] : [];
}

/** Attached files and selections as fenced text. What can't be read is left out. */
async function readReferences(references: readonly vscode.ChatPromptReference[]): Promise<string[]> {
  const texts = references.map(async ({ value }) => {
    if (typeof value === 'string') return value;
    const uri = value instanceof vscode.Location ? value.uri : value;
    if (!(uri instanceof vscode.Uri)) return '';
    const document = await vscode.workspace.openTextDocument(uri);
    const text = document.getText(value instanceof vscode.Location ? value.range : undefined);
    const path = vscode.workspace.asRelativePath(uri, false);
    return `${path}\n\`\`\`${document.languageId}\n${text.slice(0, REFERENCE_CHARS)}\n\`\`\``;
  });
  const read = await Promise.all(texts.map(text => text.catch(() => '')));
  return read.filter(text => text !== '');
}
