import assert from 'node:assert/strict';
import { Emitter } from '../../../src/base/emitter.ts';
import { CompletionPipeline } from '../../../src/completion/pipeline.ts';
import type { DaemonState } from '../../../src/host/context.ts';
import { onModelChange, onModelGone } from '../../../src/host/model-change.ts';
import { answered } from '../completion/answered.ts';

const ready = (model: string): DaemonState => ({ kind: 'ready', model, status: null });
const loading = (model: string): DaemonState => ({ kind: 'loading', model, percent: 50 });

describe('host: another model', () => {
  const cases: [what: string, states: DaemonState[], changes: number][] = [
    ['the first model is no change', [loading('a'), ready('a')], 0],
    [
      'the same model after a restart is none either',
      [ready('a'), { kind: 'starting' }, loading('a'), ready('a')],
      0,
    ],
    ['another model is one', [ready('a'), loading('b'), ready('b'), ready('b')], 1],
    ['and so is the way back', [ready('a'), ready('b'), ready('a')], 2],
  ];
  for (const [what, states, changes] of cases) {
    it(what, () => {
      const emitter = new Emitter<DaemonState>();
      let seen = 0;
      onModelChange({ onDidChangeState: emitter.event }, () => seen++);
      for (const state of states) emitter.fire(state);
      assert.equal(seen, changes);
    });
  }

  const losses: [what: string, states: DaemonState[], losses: number][] = [
    ['what a model had read is kept while it is ready', [loading('a'), ready('a'), ready('a')], 0],
    ['and lost with its process', [ready('a'), { kind: 'starting' }, loading('a'), ready('a')], 1],
    ['or when it is loaded again', [ready('a'), loading('a'), ready('a'), loading('a')], 2],
  ];
  for (const [what, states, expected] of losses) {
    it(what, () => {
      const emitter = new Emitter<DaemonState>();
      let seen = 0;
      onModelGone({ onDidChangeState: emitter.event }, () => seen++);
      for (const state of states) emitter.fire(state);
      assert.equal(seen, expected);
    });
  }

  it('a suggestion asked for while the first model loads still arrives', async () => {
    const emitter = new Emitter<DaemonState>();
    const pipeline = new CompletionPipeline(
      (_call, { signal }) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
          emitter.event(state => {
            // As in the real backend, the answer comes some time after the model is ready.
            if (state.kind === 'ready') setTimeout(() => resolve(answered('a + b;')), 5);
          });
        }),
    );
    onModelChange({ onDidChangeState: emitter.event }, () => pipeline.clear());
    const suggestion = pipeline.suggest(
      {
        uri: 'u',
        path: 'a.ts',
        languageId: 'typescript',
        before: 'function add(a, b) {\n  return ',
        after: '\n}',
      },
      { isManual: true, multiline: 'auto', delayMs: 0, signal: new AbortController().signal },
    );
    await new Promise(resolve => setTimeout(resolve, 5));
    emitter.fire(ready('a'));
    assert.equal((await suggestion)?.text, 'a + b;');
  });
});
