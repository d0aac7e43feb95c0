import assert from 'node:assert/strict';
import { NO_SYNTAX } from '../../../src/completion/syntax/syntax.ts';
import { ABLATIONS, shown } from '../../eval/completion/answers.ts';
import { readCases } from '../../eval/completion/cases.ts';
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
});
