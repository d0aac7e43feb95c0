import { useMemo, useRef, useState } from 'preact/hooks';
import { type DiffLine, drawnRows, parseDiff } from './diff.ts';
import { formatCount } from './format.ts';

const MARKS: Record<DiffLine['kind'], string> = { added: '+', removed: '−', same: ' ', file: '', gap: '⋯' };

/** A unified diff in colours. Added and removed are also told by their marks, not by colour alone. */
export function DiffView({ diff }: { diff: string }) {
  const section = useRef<HTMLElement>(null);
  const [isWhole, setWhole] = useState(false);
  const lines = useMemo(() => parseDiff(diff), [diff]);
  const { rows, isCut } = useMemo(() => drawnRows(lines, isWhole), [lines, isWhole]);
  const [count, all] = [rows.length, lines.length].map(formatCount);
  return (
    <section
      ref={section}
      class="diff"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
      tabIndex={0}
      aria-label={isCut ? `Diff, the first ${count} of ${all} lines` : 'Diff'}
      data-testid="diff"
    >
      {rows.map((row, index) => (
        <Row key={index} {...row} />
      ))}
      {isCut && (
        <div class="diff-more">
          <button
            type="button"
            class="secondary"
            data-testid="diff-more"
            onClick={() => {
              // The button goes, and the keyboard must not go with it.
              section.current?.focus({ preventScroll: true });
              setWhole(true);
            }}
          >
            Show all {all} lines
          </button>
        </div>
      )}
    </section>
  );
}

/** One line, or several of a kind. */
function Row({ kind, text }: DiffLine) {
  const marks = text
    .split('\n')
    .map(() => MARKS[kind])
    .join('\n');
  return (
    <div class={`diff-line ${kind}`}>
      <span class="diff-mark">{marks}</span>
      <span>{text || '\u200b'}</span>
    </div>
  );
}
