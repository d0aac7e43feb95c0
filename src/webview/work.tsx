import { Approval } from './approval.tsx';
import { Icon } from './button.tsx';
import { Changes } from './changes.tsx';
import { Markdown } from './markdown-view.tsx';
import { Question } from './question.tsx';
import type { AnswerItem } from './state.ts';
import { Step } from './step.tsx';
import { Todo } from './todo.tsx';
import type { PartItem, TextItem, WorkItem } from './work-state.ts';

/** What the agent did for one message, in the order in which it did it. */
export function Work({ item, work }: { item: AnswerItem; work: WorkItem }) {
  const isWriting = item.row.value.finish === null;
  const parts = work.parts.value;
  const { todo, changed } = work.facts.value;
  return (
    <div class="work" data-testid="work">
      {parts.map((part, index) => (
        <WorkPart key={part.id} item={part} isLive={isWriting} isSuperseded={index < parts.length - 1} />
      ))}
      {!isWriting && <Todo items={todo} />}
      {!isWriting && <Changes answerId={item.id} changed={changed} />}
    </div>
  );
}

/** `isSuperseded`: something came after it. */
function WorkPart({
  item,
  isLive,
  isSuperseded,
}: {
  item: PartItem;
  isLive: boolean;
  isSuperseded: boolean;
}) {
  switch (item.kind) {
    case 'text':
      return isSuperseded && isCodeOnly(item) ? <Draft item={item} /> : <Markdown source={item} />;
    case 'note':
      return (
        <p class="quiet state" role="note">
          <Icon name="info" /> {item.part.value.text}
        </p>
      );
    case 'question':
      return <Question part={item.part.value} />;
    case 'step': {
      const part = item.part.value;
      return part.state === 'asking' && part.approval ? (
        <Approval id={part.id} tool={part.tool} request={part.approval} />
      ) : (
        <Step part={part} isLive={isLive} />
      );
    }
  }
}

/** Code that the model wrote for an edit: once that is there, its diff says more. */
function Draft({ item }: { item: TextItem }) {
  return (
    <details class="draft">
      <summary>
        <Icon name="chevron-right" class="twist" />
        <span>Draft</span>
      </summary>
      <Markdown source={item} />
    </details>
  );
}

const isCodeOnly = ({ stream }: TextItem): boolean => {
  const lines = stream.text.trim().split('\n');
  const isFence = (line: string) => line.startsWith('```');
  return isFence(lines[0]!) && !lines.slice(1, -1).some(isFence);
};
