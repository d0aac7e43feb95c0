/** `todo`: the steps of the task, for the user to follow and for the model not to forget. */
import type { TodoItem } from '../ports.ts';
import { strings } from './parameters.ts';
import { counted, defineTool, told } from './tool.ts';

const MARKS: Record<string, TodoItem['state']> = { ' ': 'open', '>': 'doing', x: 'done' };

export const todo = defineTool({
  name: 'todo',
  description: 'Write down the steps of a longer task; always the whole list.',
  parameters: { items: strings('each "[ ] step", "[>] in work" or "[x] done"') },
  title: ({ items }) => `Plan: ${counted(items.length, 'step')}`,
  async run({ items }, { emit }) {
    const list = items.map(itemOf);
    emit({ type: 'todo', items: list });
    const done = list.filter(item => item.state === 'done').length;
    return { ...told('Noted.', `${done} of ${list.length} done`), todo: list };
  },
});

/** The steps as the model wrote them; '' for none. */
export function todoText(items: readonly TodoItem[]): string {
  if (items.length === 0) return '';
  const markOf = ({ state }: TodoItem) => Object.keys(MARKS).find(mark => MARKS[mark] === state)!;
  return ['The steps in todo:', ...items.map(item => `[${markOf(item)}] ${item.text}`)].join('\n');
}

function itemOf(text: string): TodoItem {
  const match = /^\s*(?:[-*]\s*)?\[([ >xX])\]\s*(.*)$/s.exec(text);
  return match ? { text: match[2]!, state: MARKS[match[1]!.toLowerCase()]! } : { text, state: 'open' };
}
