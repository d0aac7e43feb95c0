/** `task_done`: the end of the task. */
import { boolean, optional, string } from './parameters.ts';
import { defineTool, short, told } from './tool.ts';

export const taskDone = defineTool({
  name: 'task_done',
  description: 'Call this when the task is done and checked, or can not be done.',
  parameters: {
    summary: string('for the user: what you did, or why not'),
    could_not: optional(boolean('true: it can not be done')),
  },
  title: () => 'Finish',
  run: async ({ summary, could_not: isGivenUp = false }) => ({
    ...told('The task is over.', short(summary)),
    done: summary,
    isGivenUp,
  }),
});
