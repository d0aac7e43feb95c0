/** `moebius infill`: the text that fits between what is before and after a place in a file. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { MoebiusError } from '../base/errors.ts';
import { positiveInteger, printingHooks, reportUsage, withEngine } from './engine-session.ts';
import { addSamplingOptions, levelOf, type SamplingOptions, samplingOf } from './sampling-options.ts';
import { type Terminal, writeLine } from './terminal.ts';

interface Place {
  file?: string;
  line?: number;
  column?: number;
  prefixFile?: string;
  suffixFile?: string;
}
interface InfillOptions extends SamplingOptions, Place {
  singleLine?: boolean;
}

export function infillCommand(terminal: Terminal): Command {
  return addSamplingOptions(new Command('infill'), 64)
    .description('write what fits at a place in a file')
    .option('--file <file>', 'the file; with --line and --column')
    .option('--line <n>', 'line of the cursor, from 1', positiveInteger)
    .option('--column <n>', 'column of the cursor, from 1: 1 is before the first character', positiveInteger)
    .option('--prefix-file <file>', 'text before the cursor, instead of --file')
    .option('--suffix-file <file>', 'text after the cursor, with --prefix-file')
    .option('--single-line', 'stop at the first line end')
    .addHelpText(
      'after',
      '\nExample:\n  $ moebius infill --file src/app.ts --line 12 --column 20 --single-line',
    )
    .action(async (options: InfillOptions) => {
      const around = await textAround(options);
      await withEngine(terminal, options, async engine => {
        if (!engine.info().capabilities.fillInTheMiddle) {
          throw new MoebiusError(
            'unsupported',
            `${engine.info().name} was not trained to fill in the middle.`,
          );
        }
        const result = await engine.complete(
          {
            requestId: 'infill',
            ...around,
            ...samplingOf(options),
            ...levelOf(options),
            ...(options.singleLine && { singleLine: true }),
          },
          printingHooks(terminal),
        );
        await writeLine(terminal.stdout, '');
        await reportUsage(terminal, result);
      });
    });
}

async function textAround(place: Place): Promise<{ prefix: string; suffix: string; path?: string }> {
  if (place.prefixFile) {
    const suffix = place.suffixFile ? await readText(place.suffixFile) : '';
    return { prefix: await readText(place.prefixFile), suffix };
  }
  if (!place.file || !place.line || !place.column) {
    throw new MoebiusError('bad-request', 'Say where: --file, --line and --column, or --prefix-file.');
  }
  return { ...splitAt(await readText(place.file), place.line, place.column), path: place.file };
}

/** Cuts `text` at a line and column, both from 1; columns count UTF-16 units, as editors do. */
export function splitAt(text: string, line: number, column: number): { prefix: string; suffix: string } {
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), end => end.index + end[0].length)];
  const start = starts[line - 1];
  if (start === undefined) {
    throw new MoebiusError(
      'bad-request',
      `Line ${line} is past the end: the file has ${starts.length} lines.`,
    );
  }
  const content = text.slice(start, starts[line]).replace(/[\r\n]+$/, '');
  if (column > content.length + 1) {
    throw new MoebiusError(
      'bad-request',
      `Column ${column} is past the end: line ${line} has ${content.length} characters.`,
    );
  }
  const offset = start + column - 1;
  return { prefix: text.slice(0, offset), suffix: text.slice(offset) };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new MoebiusError('not-found', `${file} can't be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
