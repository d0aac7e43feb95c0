import type { AgentOptions } from './agent.ts';

/** What the model reads as its task: what it has not heard yet of the conversation, then what the user wants. */
export const toldTask = ({ task, news = '' }: Pick<AgentOptions, 'task' | 'news'>): string =>
  news === '' ? task : `${news}\n\n${task}`;
