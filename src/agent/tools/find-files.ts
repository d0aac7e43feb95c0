/** `find_files`: paths by a glob. */
import { string } from './parameters.ts';
import { counted, defineTool, short, told } from './tool.ts';

const LIMIT = 500;

export const findFiles = defineTool({
  name: 'find_files',
  description: 'Find files by a glob, such as src/**/*.ts.',
  parameters: { pattern: string('the glob') },
  title: ({ pattern }) => `Find ${short(pattern)}`,
  async run({ pattern }, { ports, signal }) {
    const paths = await ports.workspace.find(pattern, LIMIT, signal);
    if (paths.length === 0)
      return told(`No file matches ${pattern}. Try a wider pattern, e.g. **/*.`, 'none');
    const more = paths.length >= LIMIT ? ` Only the first ${LIMIT} are known.` : '';
    return told(
      {
        lines: more ? [...paths, more.trim()] : paths,
        rest: shown => `(${paths.length - shown} more are left out; use a narrower pattern.${more})`,
      },
      counted(paths.length, 'file'),
    );
  },
});
