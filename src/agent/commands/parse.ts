/**
 * A shell command taken apart: every program it would start, with its arguments as the shell would pass them on, wherever it
 * stands (lists, pipes, substitutions, loops, here-documents). What can't be known before it runs is said to be unknown.
 */
import {
  type Assignment,
  type Command,
  forEachChild,
  type ParsedScript,
  parse,
  type Redirection,
  type SyntaxNode,
  type Word,
  type WordPart,
} from 'unbash';

export interface Argument {
  /** After quotes and escapes are removed. With expansions in it: as written. */
  value: string;
  /** No variable, substitution, glob, brace or tilde in it: `value` is what the program gets. */
  isLiteral: boolean;
  /** A glob and nothing else that expands: it becomes names of files. */
  isGlob: boolean;
}
export interface SimpleCommand {
  /** Program first. Empty for an assignment or a redirection alone. */
  words: Argument[];
  /** Variables set for it, or for the shell. */
  assignments: { name: string; value: Argument | null }[];
  redirections: { operator: string; target: Argument | null; isDuplication: boolean }[];
  /** Its source, for people. */
  text: string;
}
export interface ParsedCommand {
  commands: SimpleCommand[];
  /** What the command has beside simple commands in lists and pipes: `a loop`, `a command substitution`. */
  features: Set<Feature>;
}
export type Feature =
  | 'command substitution'
  | 'process substitution'
  | 'function'
  | 'background process'
  | 'control structure'
  | 'here-document'
  | 'variable'
  | 'indirect variable';

/** Longer ones are scripts: nobody reads them in an approval. */
const MAX_COMMAND_CHARS = 10_000;
const MAX_COMMANDS = 200;

/** null: not a command that can be understood; it must be asked for. */
export function parseCommand(source: string): ParsedCommand | null {
  if (!source.trim() || source.length > MAX_COMMAND_CHARS) return null;
  // Bash takes them for letters, a carriage return too; who reads the approval sees a line end, or nothing.
  if (/[^\P{Cc}\n\t]/u.test(source)) return null;
  // Bash joins lines before it reads what stands on them, the parser within words only sometimes: `$\` and `(x)` on the next line.
  if (/(^|[^ \t])\\\n|\$'.*\\\n/s.test(source)) return null;
  // A backslash at the very end joins a line that is not there.
  if (/(^|[^\\])(\\\\)*\\\s*$/.test(source)) return null;
  const collector = new Collector(source);
  try {
    collector.script(parse(source));
  } catch {
    return null;
  }
  if (collector.hasGaps) collector.features.add('control structure');
  return collector.isSound ? { commands: collector.commands, features: collector.features } : null;
}

class Collector {
  readonly commands: SimpleCommand[] = [];
  readonly features = new Set<Feature>();
  isSound = true;
  #source: string;
  /** 1: the command itself; more: what stands in a substitution. */
  #depth = 0;
  /** The words and redirections of the command itself. */
  readonly #spans: { pos: number; end: number }[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  script(script: ParsedScript): void {
    const outer = this.#source;
    this.#source = script.source ?? outer;
    if (script.errors?.length) this.isSound = false;
    this.#depth++;
    forEachChild(script, node => this.#visit(node));
    this.#depth--;
    this.#source = outer;
  }

  /**
   * The parser is tolerant; whatever it left out is not: between the words of all commands there may be separators, comments and
   * nothing else. Loops and the like fail this too, and are features.
   */
  get hasGaps(): boolean {
    const spans = this.#spans.toSorted((a, b) => a.pos - b.pos);
    let at = 0;
    for (const { pos, end } of [...spans, { pos: this.#source.length, end: this.#source.length }]) {
      if (pos > at && !/^([ \t\n;&|!]|\\\n|#[^\n]*(\n|$)|time[ \t\n])*$/.test(this.#source.slice(at, pos)))
        return true;
      at = Math.max(at, end);
    }
    return false;
  }

  #visit(node: SyntaxNode): void {
    switch (node.type) {
      case 'Script':
        this.script(node);
        return;
      case 'Command':
        this.#command(node);
        break;
      case 'Statement':
        if (node.background) this.features.add('background process');
        break;
      case 'CommandExpansion':
      case 'ArithmeticCommandExpansion':
        this.features.add('command substitution');
        if (!node.script) this.isSound = false;
        break;
      case 'ProcessSubstitution':
        this.features.add('process substitution');
        if (!node.script) this.isSound = false;
        break;
      case 'HereDoc':
        this.features.add('here-document');
        break;
      case 'Function':
        this.features.add('function');
        break;
      case 'Coproc':
        this.features.add('background process');
        break;
      case 'SimpleExpansion':
        this.features.add('variable');
        break;
      case 'ParameterExpansion':
        this.features.add('variable');
        // ${!x} and ${x@P} run what a variable holds.
        if (
          node.prefix === '!' ||
          node.operation?.type === 'Transform' ||
          node.operation?.type === 'Unknown'
        ) {
          this.features.add('indirect variable');
        }
        break;
      case 'If':
      case 'For':
      case 'ArithmeticFor':
      case 'Select':
      case 'While':
      case 'Case':
      case 'Subshell':
      case 'BraceGroup':
      case 'TestCommand':
      case 'ArithmeticCommand':
        this.features.add('control structure');
        break;
      case 'Redirected':
        this.commands.push(this.#simple(node.pos, node.end, [], [], node.redirects));
        break;
      default:
    }
    if (this.commands.length > MAX_COMMANDS) this.isSound = false;
    if (this.isSound) forEachChild(node, child => this.#visit(child));
  }

  #command(node: Command): void {
    if (this.#depth === 1) {
      this.#spans.push(...(node.name ? [node.name] : []), ...node.prefix, ...node.suffix);
    }
    const args = node.args.map(arg => (arg.type === 'Word' ? arg : null));
    const assigned = node.prefix.filter((part): part is Assignment => part.type === 'Assignment');
    const words = [
      ...(node.name ? [toArgument(node.name)] : []),
      ...args.map(arg => (arg ? toArgument(arg) : UNKNOWN)),
    ];
    this.commands.push(this.#simple(node.pos, node.end, words, assigned, node.redirects));
  }

  #simple(
    pos: number,
    end: number,
    words: Argument[],
    assigned: readonly Assignment[],
    redirects: readonly Redirection[],
  ): SimpleCommand {
    return {
      words,
      assignments: assigned.map(({ name, value }) => ({
        name,
        value: value.type === 'Word' ? toArgument(value) : null,
      })),
      redirections: redirects
        .filter(redirect => redirect.type === 'Redirect')
        .map(({ operator, target }) => ({
          operator,
          target: target ? toArgument(target) : null,
          // By its text: of `<&-""` the shell takes the quotes for an argument.
          isDuplication: /^[<>]&$/.test(operator) && /^(\d+|-)$/.test(target?.text ?? ''),
        })),
      text: this.#source.slice(pos, end),
    };
  }
}

/** An argument like `declare x=1`, whose parts the parser has as an assignment. */
const UNKNOWN: Argument = { value: '', isLiteral: false, isGlob: false };

function toArgument(word: Word): Argument {
  const parts = word.parts ?? [];
  const isPlain = (part: WordPart): boolean =>
    part.type === 'Literal' ||
    part.type === 'SingleQuoted' ||
    part.type === 'AnsiCQuoted' ||
    ((part.type === 'DoubleQuoted' || part.type === 'LocaleString') && part.parts.every(isPlain));
  const isGlob =
    parts.some(part => part.type === 'Glob') && parts.every(part => isPlain(part) || part.type === 'Glob');
  const hasTilde = expandsTilde(word);
  return { value: word.value, isLiteral: parts.every(isPlain) && !hasTilde, isGlob: isGlob && !hasTilde };
}

/** In what looks like an assignment a tilde stands for the home folder too; in quotes it never does. */
const expandsTilde = ({ text, parts }: Word): boolean =>
  text.startsWith('~') || (parts ?? [{ type: 'Literal', text }]).some(isTilded);
const isTilded = ({ type, text }: Pick<WordPart, 'type' | 'text'>): boolean =>
  (type === 'Literal' || type === 'Glob') && /[=:]~/.test(text);
