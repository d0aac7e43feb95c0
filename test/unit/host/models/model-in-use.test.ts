import assert from 'node:assert/strict';
import type { DaemonState } from '../../../../src/host/context.ts';
import { firstVariants, modelInUse, readyWith } from '../../../../src/host/models/model-in-use.ts';
import { modelInfo } from '../../chat/support.ts';

const ready = (model: string): DaemonState => ({ kind: 'ready', model, status: null });
const loading = (model: string): DaemonState => ({ kind: 'loading', model, percent: 5 });

describe('host/model-in-use', () => {
  it('is the one that runs or is on its way', () => {
    const states: DaemonState[] = [
      ready('a'),
      loading('b'),
      { kind: 'no-model', reason: '' },
      { kind: 'idle' },
    ];
    assert.deepEqual(states.map(modelInUse), ['a', 'b', null, null]);
  });

  const cases: [what: string, state: DaemonState, calls: string[]][] = [
    ['what runs is used', ready('a'), ['ready']],
    ['what is on its way is waited for', loading('a'), ['ready']],
    ['another one makes room, and is not waited for', ready('b'), ['load a']],
    ['one that is being loaded too', loading('b'), ['load a']],
    ['without one, that of the settings is not loaded first', { kind: 'idle' }, ['load a']],
    ['nor where it can not be loaded', { kind: 'no-model', reason: 'b is too large.' }, ['load a']],
  ];
  for (const [what, state, expected] of cases) {
    it(what, async () => {
      const calls: string[] = [];
      const answer = async (call: string) => {
        calls.push(call);
        return modelInfo(8192);
      };
      await readyWith({ state, ready: () => answer('ready'), load: id => answer(`load ${id}`) }, 'a');
      assert.deepEqual(calls, expected);
    });
  }

  it('whoever gives up does not wait for the load', async () => {
    const abort = new AbortController();
    const forever = () => new Promise<never>(() => {});
    const waiting = readyWith({ state: { kind: 'idle' }, ready: forever, load: forever }, 'a', abort.signal);
    abort.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
  });

  it('a model counts once, as its first variant', () => {
    const models = ['a int4', 'a int8', 'b fp32'].map(name => {
      const [id = '', variant = ''] = name.split(' ');
      return { id, variant };
    });
    assert.deepEqual(firstVariants(models), [models[0], models[2]]);
  });
});
