import assert from 'node:assert/strict';
import { NO_SYNTAX } from '../../../src/completion/syntax/syntax.ts';
import { ABLATIONS, shown } from '../../eval/completion/answers.ts';
import { readCases } from '../../eval/completion/cases.ts';
import { renderVerdict } from '../../eval/completion/report.ts';
import type { CaseResult, SetResult } from '../../eval/completion/result.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('evaluation of completions', () => {
  const read = () => {
    const record = { id: 'a', prompt: 'x = np.', suffix: ')\n', ground_truth: 'zeros(3', language: 'python' };
    const folder = tempFolder({ 'safim_api_completion.jsonl': `${JSON.stringify(record)}\n` });
    return readCases('safim', folder, 1)[0]!;
  };

  it('of a call that was taken out it knows the exact text', () => assert.equal(read().expected, 'zeros(3'));

  it('tells what fitting to the brackets of the line is worth, too', () => {
    assert.ok(ABLATIONS.includes('brackets') && ABLATIONS.includes('overlap'));
    const own = { text: 'a, b);', isCut: false, meanLogProb: null };
    const item = { ...read(), cursor: { ...read().cursor, before: 'x = foo(', after: ')\n' } };
    const [fitted, bare] = [shown(item, own, NO_SYNTAX), shown(item, own, NO_SYNTAX, 'brackets')];
    assert.equal(bare?.after, ')\n');
    assert.notDeepEqual([fitted?.text, fitted?.after], [bare.text, bare.after]);
  });

  describe('says at its end', () => {
    /** One letter a record: `p` passes. */
    const set = (name: string, raw: string, pipeline: string, llama?: string): SetResult => {
      const verdict = (letters: string, i: number) => ({ passes: letters[i] === 'p', isExact: false });
      const results = [...raw].map(
        (_, i): CaseResult => ({
          id: `${i}`,
          raw: verdict(raw, i),
          pipeline: verdict(pipeline, i),
          llama: llama === undefined ? null : verdict(llama, i),
          isShown: true,
          meanLogProb: null,
          written: '',
          shown: '',
        }),
      );
      return { name, results, effects: {} };
    };

    it('in which sets the pipeline is above what the model writes by itself', () => {
      assert.deepEqual(
        renderVerdict([set('a', 'p...', 'pp..'), set('b', 'pp', 'pp'), set('c', 'pp', 'p.')]).split('\n'),
        [
          'a: pipeline above raw: yes (by +25.0 points)',
          'b: pipeline above raw: no (by 0.0 points)',
          'c: pipeline above raw: no (by -50.0 points)',
        ],
      );
    });

    it('whether it is above llama.cpp by enough, over the records of all sets', () => {
      const last = (...sets: SetResult[]) => renderVerdict(sets).split('\n').at(-1);
      const all = [set('a', '....', 'p...', '....'), set('b', 'p', 'p', 'p')];
      assert.equal(last(...all), 'over all, pipeline above llama.cpp: yes (by +20.0 points, bar 3)');
      const few = `${'p'.repeat(2)}${'.'.repeat(98)}`;
      const none = '.'.repeat(100);
      const verdict = 'over all, pipeline above llama.cpp: no (by +2.0 points, bar 3)';
      assert.equal(last(set('a', none, few, none)), verdict);
    });
  });
});
