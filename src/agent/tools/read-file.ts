/** `read_file`: lines of a text file. */
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import type { TextFile } from '../ports.ts';
import type { PagedText } from '../result-text.ts';
import { integer, optional, string } from './parameters.ts';
import { counted, defineTool, type ToolContext, told } from './tool.ts';

const SUGGESTIONS = 5;

export const readFile = defineTool({
  name: 'read_file',
  description: 'Read a text file, or some of its lines.',
  parameters: {
    path: string('relative to the workspace'),
    offset: optional(integer('first line, from 1', 1)),
    limit: optional(integer('number of lines', 1)),
  },
  title: ({ path, offset }) => `Read ${path}${offset ? ` from line ${offset}` : ''}`,
  async run({ path, offset = 1, limit }, context) {
    const file = await readOrSuggest(path, context);
    const all = file.text.split(/\r\n|\n|\r/);
    if (all.at(-1) === '') all.pop();
    if (all.length === 0) return told(`${path} is empty.`, 'empty');
    if (offset > all.length)
      return told(
        `offset ${offset} is past the end: ${path} has ${counted(all.length, 'line')}.`,
        'past the end',
        false,
      );
    const end = Math.min(all.length, limit === undefined ? all.length : offset - 1 + limit);
    const range = `lines ${offset} to ${end} of ${all.length}`;
    const page: PagedText = {
      head: `${path}, ${range}:`,
      lines: all.slice(offset - 1, end),
      rest: shown =>
        `(cut here: lines ${offset + shown} to ${end} are not shown; go on with offset ${offset + shown})`,
    };
    const isAll = offset === 1 && end === all.length;
    return { ...told(page, range), ...(isAll && { shows: { path: file.path, version: file.version } }) };
  },
});

/** @throws MoebiusError `not-found` that names files of the same name */
async function readOrSuggest(path: string, { ports, signal }: ToolContext): Promise<TextFile> {
  try {
    return await ports.workspace.read(path, signal);
  } catch (thrown) {
    const error = toMoebiusError(thrown);
    if (error.code !== 'not-found') throw error;
    const name = path
      .split('/')
      .at(-1)!
      .replace(/[*?[\]{}()!\\]/g, '?');
    const similar = await ports.workspace.find(`**/${name}`, SUGGESTIONS, signal).catch(() => []);
    const hint = similar.length > 0 ? ` Did you mean ${similar.join(', ')}?` : ' Use find_files or list_dir.';
    throw new MoebiusError('not-found', error.message + hint, { cause: error });
  }
}
