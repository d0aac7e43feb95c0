import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { GhostTextProvider } from '../../../src/host/completion-provider.ts';
import { editor, TextDocument } from '../../support/vscode.ts';

describe('host/completion-provider', () => {
  beforeEach(() => editor.reset());

  /** A provider for the model that is loaded, where nothing is read ahead. `prompts`: their lengths. */
  function begin(speeds: Record<string, number>) {
    const [prompts, stored]: [number[], Record<string, number>[]] = [[], [speeds]];
    const usage = {
      promptTokens: 500,
      reusedTokens: 0,
      outputTokens: 0,
      queueMs: 0,
      prefillMs: 500,
      decodeMs: 0,
    };
    const daemon = { state: { kind: 'ready' }, ready: async () => daemon.model, model: modelOf('a') };
    const context = {
      daemon,
      log: { debug() {}, warn: (text: string) => assert.fail(text) },
      extension: {
        globalState: {
          get: () => stored.at(-1),
          update: async (_key: string, value: Record<string, number>) => void stored.push(value),
        },
      },
      backend: {
        complete: async ({ prefix, middle = '' }: { prefix: string; middle?: string }) => {
          prompts.push(prefix.length + middle.length);
          return { text: '', finish: 'stop', usage, meanLogProb: 0 };
        },
      },
    };
    const provider = new GhostTextProvider(
      context as never,
      () => true,
      { isOn: false } as never,
      { isInUse: true } as never,
      {} as never,
      { read: () => null } as never,
    );
    return { provider, daemon, prompts, stored };
  }
  const modelOf = (id: string) => ({ id, variant: 'int4', contextTokens: 8192 });
  const TEXT = Array.from({ length: 300 }, (_, i) => `const value${i} = compute(${i});\n`).join('');
  const open = (name: string) => new TextDocument(`/w/${name}`, `${TEXT}const y = `);
  const ask = (provider: GhostTextProvider, document: TextDocument) =>
    provider.provideInlineCompletionItems(
      document as never,
      document.positionAt(document.getText().length) as never,
      { triggerKind: 1, selectedCompletionInfo: undefined } as never,
      { isCancellationRequested: false, onCancellationRequested() {} } as never,
    );

  it('sizes the first prompt by what the loaded model read at another time, also where power is saved', async () => {
    const { provider, prompts } = begin({ 'a int4': 1000 });
    await ask(provider, open('a.py'));
    assert.ok(prompts[0]! > 1200, prompts.join());
  });

  it('keeps no speed that was not measured, and none of another model', async () => {
    const { provider, daemon, prompts, stored } = begin({ 'a int4': 1000 });
    await ask(provider, open('a.py'));
    daemon.model = modelOf('b');
    await ask(provider, open('b.py'));
    assert.ok(prompts[1]! < 500, prompts.join());
    assert.deepEqual(Object.keys(stored.at(-1)!), ['a int4']);
    await ask(provider, open('c.py'));
    const { 'b int4': speed } = stored.at(-1)!;
    assert.ok(speed! > 80 && speed! < 1000, String(speed));
  });
});
