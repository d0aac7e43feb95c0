import assert from 'node:assert/strict';
import { readPicker } from '../../../src/host/chat/picker.ts';
import type { DaemonState } from '../../../src/host/context.ts';
import type { ModelSummary, ModelVariant } from '../../../src/protocol/daemon.ts';

const model = (id: string, variant: ModelVariant = 'int4'): ModelSummary => ({
  id,
  variant,
  name: `Model ${id}`,
  architecture: 'qwen2',
  sizeBytes: 1,
  path: `/models/${id}/${variant}`,
  capabilities: { chat: true, fillInTheMiddle: true, toolCalls: false, levels: ['exact', 'fast'] },
});

describe('chat picker', () => {
  const INSTALLED = [model('a'), model('a', 'int8'), model('b')];
  const unasked: DaemonState = { kind: 'no-model', reason: 'No model has been asked for yet.' };
  const read = (
    models: ModelSummary[] | Error,
    state: DaemonState = unasked,
    chosen: string | null = null,
  ) => {
    const listModels = async () => {
      if (models instanceof Error) throw models;
      return models;
    };
    return readPicker({ state, listModels }, 'exact', chosen);
  };

  it('offers a download where nothing is installed, and only there', async () => {
    assert.ok((await read([])).download);
    assert.equal((await read(INSTALLED, unasked, 'b')).download, null, 'nobody asked for a model yet');
    assert.equal((await read(INSTALLED, { kind: 'no-model', reason: 'Too large.' })).download, null);
    const down = await read(new Error('It died.'), { kind: 'failed', reason: 'It died.' });
    assert.deepEqual([down.models, down.current, down.download], [[], null, null]);
  });

  it('shows the model that runs or is loaded, else the one that the next message loads', async () => {
    const cases: [state: DaemonState, chosen: string | null, current: string][] = [
      [unasked, 'b', 'b'],
      [{ kind: 'ready', model: 'a', status: null }, 'b', 'a'],
      [{ kind: 'loading', model: 'a', percent: 5 }, 'b', 'a'],
      [{ kind: 'idle' }, 'gone', 'a'],
    ];
    for (const [state, chosen, current] of cases)
      assert.equal((await read(INSTALLED, state, chosen)).current, current);
  });

  it('has one entry for each model', async () => {
    const { models, levels } = await read(INSTALLED);
    assert.deepEqual(
      models.map(({ id }) => id),
      ['a', 'b'],
    );
    assert.deepEqual(levels, ['auto', 'exact', 'fast']);
  });
});
