import { type DiffLine, parseDiff } from './diff.ts';

const MARKS: Record<DiffLine['kind'], string> = { added: '+', removed: '−', same: ' ', file: '', gap: '⋯' };

/** A unified diff in colours. Added and removed are also told by their marks, not by colour alone. */
export function DiffView({ diff }: { diff: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section class="diff" tabIndex={0} aria-label="Diff" data-testid="diff">
      {parseDiff(diff).map((line, index) => (
        <div key={index} class={`diff-line ${line.kind}`}>
          <span class="diff-mark">{MARKS[line.kind]}</span>
          <span>{line.text || '\u200b'}</span>
        </div>
      ))}
    </section>
  );
}
