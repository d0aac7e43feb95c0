import type { Signal } from '@preact/signals';
import type { MarkdownStream } from './markdown-stream.ts';

/** Text of the model, drawn again when it grows: each block that is complete only once. */
export function Markdown({ source }: { source: { stream: MarkdownStream; revision: Signal<number> } }) {
  // Read so that this component is drawn again when the text grows.
  source.revision.value;
  return (
    <div class="markdown" data-testid="answer-text">
      {source.stream.blocks.map(block => (
        // Made by markdown.ts, which lets no HTML of the model through.
        <div key={block.start} dangerouslySetInnerHTML={{ __html: block.html }} />
      ))}
    </div>
  );
}
