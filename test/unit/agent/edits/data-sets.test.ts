/** Every record of the public edit sets: what must be so, and what this product does in place of it, with the reason. */
import assert from 'node:assert/strict';
import { applyPatch } from '../../../../src/agent/edits/apply-patch.ts';
import { editSet } from '../../../../src/agent/edits/edit-set.ts';
import { applyLazy } from '../../../../src/agent/edits/lazy.ts';
import { applyReplacements } from '../../../../src/agent/edits/lines.ts';
import { searchReplace } from '../../../../src/agent/edits/search-replace.ts';
import { evalRecords } from '../../../support/eval-data.ts';

interface ReplaceRecord {
  id: string;
  class: 'exact' | 'reject' | 'tolerant';
  before: string;
  old_string: string;
  new_string: string;
  expected: {
    result?: string;
    result_contains?: string[];
    error?: string;
    edit_count?: number;
    first_edit_text?: string;
  };
}
interface MultiRecord {
  id: string;
  before: string;
  replacements: { old_string: string; new_string: string }[];
  expected: { result?: string; unmatched_index?: number; conflicting_index?: number };
}

const REASONS: Record<string, string> = {
  NoMatchError: 'no-match',
  MultipleMatchesError: 'many-matches',
  NoChangeError: 'no-change',
  ContentFormatError: 'empty',
};

/** A clear refusal is sound where the set accepts an inexact match; these are refused, because: */
const REFUSED: Record<string, string> = {
  'copilot-replace/whitespace-flexible-matching-matches-block-with-trailing-empty-line-preserving-structure':
    'two lines with different indentations become one, so its indentation would be a guess',
  'copilot-replace/similarity-matching-similarity-match-edge-cases-for-slice-calculations-similarity-match-edge-case-all-identical-lines-except-middle':
    'a likeness of 0.8 is another text; the threshold is 0.95',
  'copilot-replace/similarity-matching-similarity-match-edge-cases-for-slice-calculations-similarity-match-edge-case-only-first-line-differs':
    'a first line with another word is another line',
};
/** A result other than the one in the set. */
const OTHER_RESULT: Record<string, { why: string; result: string }> = {
  'copilot-replace/newline-variations-crlf-to-lf': {
    why: 'the line ends of the file are kept',
    result: 'newline1\r\nnewline2\r\nline3',
  },
};

describe('edits: search and replace, the public set', () => {
  for (const record of evalRecords<ReplaceRecord>('copilot_replace_string.jsonl') ?? []) {
    it(record.id, () => {
      const { before, old_string: oldText, new_string: newText, expected } = record;
      const result = searchReplace(before, { oldText, newText });
      if (expected.error) {
        assert.ok(!result.ok, 'must be refused');
        assert.equal(result.reason, REASONS[expected.error]);
        return;
      }
      if (record.id in REFUSED) {
        assert.equal(record.class, 'tolerant');
        assert.ok(!result.ok && result.message, `must be refused: ${REFUSED[record.id]}`);
        return;
      }
      assert.ok(result.ok, result.ok ? '' : result.message);
      const after = applyReplacements(before, result.replacements);
      const wanted = OTHER_RESULT[record.id]?.result ?? expected.result;
      if (wanted !== undefined) assert.equal(after, wanted);
      for (const part of expected.result_contains ?? []) assert.ok(after.includes(part), after);
      if (expected.edit_count !== undefined) assert.equal(result.replacements.length, expected.edit_count);
      if (expected.first_edit_text !== undefined) {
        assert.equal(result.replacements[0]!.text, expected.first_edit_text);
      }
    });
  }
});

describe('edits: several edits of a file, the public set', () => {
  for (const { id, before, replacements, expected } of evalRecords<MultiRecord>(
    'copilot_multi_replace.jsonl',
  ) ?? []) {
    it(id, () => {
      const edits = replacements.map(edit => ({ oldText: edit.old_string, newText: edit.new_string }));
      const result = editSet(before, edits);
      const bad = expected.unmatched_index ?? expected.conflicting_index;
      if (bad === undefined) {
        assert.ok(result.ok, result.ok ? '' : result.message);
        assert.equal(applyReplacements(before, result.replacements), expected.result);
      } else {
        assert.ok(!result.ok, 'one edit has no place, so none is made');
        assert.equal(result.index, bad);
        assert.ok(result.message.includes(`Edit ${bad + 1} of ${edits.length}`));
      }
    });
  }
});

interface PatchRecord {
  id: string;
  kind: 'corpus' | 'tolerance';
  patch: string;
  files: Record<string, string>;
  expected: Record<string, string> | null;
}
/** Malformed patches for which a clear error is given in place of the result in the set, because: */
const REFUSED_PATCHES: Record<string, string> = {
  'copilot-patch/tolerates-missing-hunk-line-addition':
    'a line without + between added lines is context that the file does not have',
};

describe('edits: patches, the public set', () => {
  for (const { id, kind, patch, files, expected } of evalRecords<PatchRecord>('copilot_apply_patch.jsonl') ??
    []) {
    it(id, async () => {
      const result = await applyPatch(patch, async path =>
        files[path] === undefined ? null : { path, text: files[path], version: 'v' },
      );
      if (!expected || id in REFUSED_PATCHES) {
        assert.equal(kind, 'tolerance');
        assert.ok(!result.ok && result.message);
        return;
      }
      assert.ok(result.ok, result.ok ? '' : result.message);
      const after = { ...files };
      for (const change of result.changes) {
        if (change.kind === 'edit')
          after[change.path] = applyReplacements(after[change.path]!, change.replacements);
        else if (change.kind === 'create') after[change.path] = change.text;
        else delete after[change.path];
      }
      assert.deepEqual(after, expected);
    });
  }
});

interface LazyRecord {
  id: string;
  original: string;
  lazy_edit: string;
  expected_diff: string;
}
/** Answers that have more than one reading: refused, because: */
const UNCLEAR: Record<string, string> = {
  'continue-lazy/gui.js.diff':
    'new lines stand between two parts that were left out, so their place is a guess',
};

describe('edits: answers that leave parts out, the public set', () => {
  // As the set is scored: blank lines and indentation do not count.
  const bare = (text: string): string[] =>
    text
      .split('\n')
      .map(line => line.trim())
      .filter(Boolean);
  for (const { id, original, lazy_edit: answer, expected_diff: diff } of evalRecords<LazyRecord>(
    'continue_lazy_apply.jsonl',
  ) ?? []) {
    it(id, () => {
      const result = applyLazy(original, answer);
      if (id in UNCLEAR) {
        assert.ok(!result.ok && result.message);
        return;
      }
      assert.ok(result.ok, result.ok ? '' : result.message);
      const expected = diff.split('\n').filter(line => !line.startsWith('-'));
      const wanted = expected.map(line => line.replace(/^\+/, '')).join('\n');
      assert.deepEqual(bare(applyReplacements(original, result.replacements)), bare(wanted));
    });
  }
});
