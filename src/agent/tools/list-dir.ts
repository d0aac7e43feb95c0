/** `list_dir`: what is in a folder. */
import { boolean, optional, string } from './parameters.ts';
import { counted, defineTool, told } from './tool.ts';

const LIMIT = 1000;
const MARK = { file: '', directory: '/', link: '@' };

export const listDir = defineTool({
  name: 'list_dir',
  description: 'List a folder. Folders end with /, links with @.',
  parameters: {
    path: optional(string('default: the workspace')),
    recursive: optional(boolean('with all below')),
  },
  title: ({ path = '.' }) => `List ${path}`,
  async run({ path = '.', recursive = false }, { ports }) {
    const entries = await ports.workspace.list(path, { recursive, limit: LIMIT });
    if (entries.length === 0) return told(`${path} is empty.`, 'empty');
    const more = entries.length >= LIMIT ? ` There may be more than these ${LIMIT}.` : '';
    const names = entries.map(entry => entry.path + MARK[entry.kind]);
    return told(
      {
        lines: more ? [...names, more.trim()] : names,
        rest: shown => `(${names.length - shown} more are left out; list a folder below.${more})`,
      },
      counted(entries.length, 'entry').replace(/entrys$/, 'entries'),
    );
  },
});
