/**
 * Whether a command may run by itself, must be asked for, or must be asked for with a strong warning. Only what is understood
 * in full and known to read inside the workspace runs by itself; everything else is asked for. It is a help for the user's decision
 * and no sandbox: what a program that was allowed does by itself, nobody sees.
 */
import { escapeRegExp } from '../../base/escape-regexp.ts';
import { mixesAlphabets } from '../../base/visible-text.ts';
import { looksSecret, protectedReason } from '../paths.ts';
import { type Argument, type ParsedCommand, parseCommand, type SimpleCommand } from './parse.ts';
import {
  DANGEROUS,
  GIT_READERS,
  INSTALLERS,
  INTERPRETERS,
  LOADED_VARIABLES,
  READERS,
  type Reader,
  SHELLS,
  VERSIONED,
  WARNED,
  WRAPPERS,
} from './programs.ts';

export type Verdict = 'free' | 'ask' | 'danger';
export interface Judgement {
  verdict: Verdict;
  /** Why it is not free, the gravest first. */
  reasons: string[];
  /** What the user should see beside the command: null for an ordinary one. */
  warning: string | null;
  /** What its readers are given, perhaps with a pattern as the last part, to be checked for links when it runs unasked. */
  paths: string[];
  /** Of `paths`, what is printed. */
  printed: string[];
  /** Folders in which it reads with git, `''` or with a `/` at the end: git's configuration there says what else runs. */
  gitFolders: string[];
  /** It gives two names to `git diff`, which are those of any files or folders where there is no repository. */
  comparesFiles: boolean;
}

/** Shells of Windows are not understood, only searched for what is dangerous. */
export type ShellKind = 'posix' | 'windows';

const MAX_DEPTH = 4;
const MAX_FOLDERS = 8;

export function judgeCommand(command: string, shell: ShellKind = 'posix'): Judgement {
  const findings = new Findings();
  if (!command.trim()) return findings.judgement();
  if (shell === 'windows') {
    findings.ask('is for a shell of Windows');
    judgeRoughly(command, findings);
  } else {
    judgeText(command, findings, 0);
    if (/\r/.test(command)) findings.warn('has a carriage return in it');
    judgeLookAlikes(command, findings);
  }
  return findings.judgement();
}

/** Collects what speaks against running a command by itself. */
class Findings {
  readonly #reasons: { verdict: Exclude<Verdict, 'free'>; reason: string; isWarned: boolean }[] = [];
  readonly #paths: string[] = [];
  readonly #printed: string[] = [];
  readonly #gitFolders: string[] = [];
  #comparesFiles = false;
  /** Where relative paths may start: `cd` adds a folder, and whether it took effect is not known. */
  readonly #folders = [''];

  reads(path: string, isPrinted: boolean): void {
    const all = this.#folders.map(folder => folder + path);
    this.#paths.push(...all);
    if (isPrinted) this.#printed.push(...all);
  }
  /** With `git diff`. */
  comparesFiles(): void {
    this.#comparesFiles = true;
  }
  runsGit(): void {
    this.#gitFolders.push(...this.#folders);
  }
  changesFolder(path: string): void {
    if (this.#folders.length > MAX_FOLDERS) this.ask('changes folders often');
    else this.#folders.push(...this.#folders.map(folder => `${folder}${path}/`));
  }

  ask(reason: string): void {
    this.#reasons.push({ verdict: 'ask', reason, isWarned: false });
  }
  warn(reason: string): void {
    this.#reasons.push({ verdict: 'ask', reason, isWarned: true });
  }
  danger(reason: string): void {
    this.#reasons.push({ verdict: 'danger', reason, isWarned: true });
  }

  judgement(): Judgement {
    const weight = ({ verdict, isWarned }: { verdict: Verdict; isWarned: boolean }): number =>
      verdict === 'danger' ? 0 : isWarned ? 1 : 2;
    const sorted = this.#reasons.toSorted((a, b) => weight(a) - weight(b));
    const warned = [...new Set(sorted.filter(({ isWarned }) => isWarned).map(({ reason }) => reason))];
    return {
      verdict: sorted[0]?.verdict ?? 'free',
      reasons: [...new Set(sorted.map(({ reason }) => reason))],
      warning: warned.length ? `${warned.slice(0, 3).join('; ')}` : null,
      paths: [...new Set(this.#paths)],
      printed: [...new Set(this.#printed)],
      gitFolders: [...new Set(this.#gitFolders)],
      comparesFiles: this.#comparesFiles,
    };
  }
}

function judgeText(command: string, findings: Findings, depth: number): void {
  const parsed = depth < MAX_DEPTH ? parseCommand(command) : null;
  if (!parsed) {
    findings.warn('it can not be understood');
    judgeRoughly(command, findings);
    return;
  }
  for (const feature of parsed.features) {
    if (feature === 'indirect variable') findings.warn('runs or reads what a variable names');
    else findings.ask(`has a ${feature}`);
  }
  if (/\$'[^']*\\([xuU0-7]|c)/.test(command)) findings.danger('hides its text behind escapes');
  judgeRecursion(parsed, command, findings);
  for (const simple of parsed.commands) judgeSimple(simple, findings, depth);
}

/** A function that starts itself twice: it fills the memory. */
function judgeRecursion({ features }: ParsedCommand, command: string, findings: Findings): void {
  if (!features.has('function')) return;
  for (const [, name] of command.matchAll(/([^\s(){};|&]+)\s*\(\s*\)/g)) {
    const escaped = escapeRegExp(name!);
    if (new RegExp(`${escaped}\\s*\\|\\s*${escaped}`).test(command))
      findings.danger('starts itself without end');
  }
}

function judgeSimple(simple: SimpleCommand, findings: Findings, depth: number): void {
  for (const { name } of simple.assignments) {
    if (LOADED_VARIABLES.test(name)) findings.warn(`sets ${name}, which makes programs run something else`);
    else findings.ask(`sets ${name}`);
  }
  for (const redirection of simple.redirections) judgeRedirection(redirection, findings);
  if (simple.words.some(({ value }) => value.includes('\n'))) findings.ask('has a line break in an argument');
  if (simple.words.length) judgeWords(simple.words, findings, depth);
}

function judgeRedirection(
  { operator, target, isDuplication }: SimpleCommand['redirections'][number],
  findings: Findings,
): void {
  if (isDuplication) return;
  if (!target?.isLiteral) {
    findings.ask('reads or writes a file whose name is not known');
    return;
  }
  const path = target.value;
  if (path === '/dev/null') return;
  judgeAlphabets(path, findings);
  if (/^\/dev\/(tcp|udp)\//.test(path)) findings.warn('talks to other computers');
  else if (operator === '<') judgePath(path, findings, true);
  else {
    judgeWrite(path, findings);
    findings.ask(`writes to ${path}`);
  }
}

function judgeWrite(path: string, findings: Findings): void {
  if (/^\/dev\/(sd|hd|nvme|vd|xvd|disk|mapper|mem|kmem)/.test(path)) findings.danger('writes to a device');
  else if (isOutside(path)) findings.warn('writes outside the workspace');
  const reason = protectedReason(path);
  if (reason) findings.warn(`writes to ${path}: ${reason}`);
}

/** Absolute, of a home folder, or upwards: lexically outside. */
const isOutside = (path: string): boolean =>
  /^(\/|~|[a-zA-Z]:|\\)/.test(path) || /(^|[\\/])\.\.([\\/]|$)/.test(path);

function judgePath(path: string, findings: Findings, printsFiles: boolean): void {
  if (isOutside(path)) findings.ask('reads outside the workspace');
  else if (printsFiles && namesSecret(path)) findings.warn(`reads ${path}, which may hold secrets`);
  else findings.reads(path, printsFiles);
}

/** Also behind what git puts before a path: `HEAD:.env`, `:(top).env`, `-L1,9:.env`. */
const namesSecret = (text: string): boolean => looksSecret(text.replace(/:(\([^)]*\)|[!^]+)?/g, '/'));

function judgeWords(words: readonly Argument[], findings: Findings, depth: number): void {
  const [program, ...args] = words;
  const values = args.map(({ value }) => value);
  judgeAlphabets(program!.value, findings);
  // With white space in it, it is text: no option, path or address.
  for (const value of values) if (!/\s/.test(value)) judgeAlphabets(value, findings);
  if (!program!.isLiteral) {
    findings.warn('starts a program whose name is not known');
    judgeRemoval(values, findings, true);
    return;
  }
  const name = program!.value;
  // Some file systems do not tell case, and a path leads to the same program.
  const plain = name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/\.exe$/, '');
  const dangerous = DANGEROUS.find(([pattern]) => pattern.test(plain));
  if (dangerous) findings.danger(dangerous[1]);
  const warned = WARNED.find(([pattern]) => pattern.test(plain));
  if (warned) findings.warn(warned[1]);
  judgeKnown(plain, values, findings);

  const wrapper = WRAPPERS.get(plain);
  if (wrapper || dangerous) {
    const rest = wrapped(args, wrapper ?? { valueOptions: 'ugpCDhRrTt' }, findings);
    const own = args.slice(0, args.length - rest.length);
    // A file of the workspace may have the name of a wrapper, and braces may hold the program.
    const isKnown = name === plain && own.every(({ isLiteral }) => isLiteral);
    const text = own.map(({ value }) => value).join(' ');
    if (!isKnown || !wrapper?.transparent?.test(text)) findings.ask(`starts another program with ${name}`);
    if (plain === 'env' && /(^| )-(-s|[a-zA-Z]*S)/.test(text)) findings.warn('runs text as a command');
    if (rest.length) judgeWords(rest, findings, depth);
    else findings.ask(`runs ${name}`);
    return;
  }
  if (SHELLS.has(plain)) {
    judgeShell(args, findings, depth);
    return;
  }
  if (INTERPRETERS.has(plain)) judgeInterpreter(plain, values, findings);
  if (name === 'git') judgeGit(args, findings);
  else if (READERS.has(name)) judgeReader(name, READERS.get(name)!, args, findings);
  else if (!(VERSIONED.has(name) && isVersionOption(values[0] ?? '') && values.length === 1)) {
    findings.ask(`runs ${name}`);
  }
}

const isVersionOption = (value: string): boolean => /^(--version|-v|-V)$/.test(value);

/** What comes after the wrapper's own options and operands. */
function wrapped(
  args: readonly Argument[],
  { valueOptions, operands = 0 }: { valueOptions: string; operands?: number },
  findings: Findings,
): Argument[] {
  let at = 0;
  let left = operands;
  for (; at < args.length; at++) {
    const { value } = args[at]!;
    const assigned = /^([A-Za-z_]\w*)=/.exec(value);
    if (assigned) {
      if (LOADED_VARIABLES.test(assigned[1]!))
        findings.warn(`sets ${assigned[1]}, which makes programs run something else`);
      else findings.ask(`sets ${assigned[1]}`);
    } else if (value === '--') {
      at++;
      break;
    } else if (/^-./.test(value)) {
      // `-n 5` and `-n5`: the value is its own word when the letter is the last one, and what follows the letter when it is not.
      const letter = [...value].findIndex(one => valueOptions.includes(one));
      if (!value.startsWith('--') && letter === value.length - 1) at++;
    } else if (left-- <= 0) {
      break;
    }
  }
  return args.slice(at);
}

function judgeShell(args: readonly Argument[], findings: Findings, depth: number): void {
  const at = args.findIndex(({ value }) => /^-[a-zA-Z]*c$/.test(value));
  const script = at < 0 ? undefined : args[at + 1];
  if (script?.isLiteral) {
    findings.ask('runs a command in a shell of its own');
    judgeText(script.value, findings, depth + 1);
  } else if (at >= 0) {
    findings.warn('runs text as a command');
  } else if (!args.some(({ value }) => !value.startsWith('-'))) {
    findings.warn('runs what another program prints');
  } else {
    findings.ask('runs a script');
  }
}

function judgeInterpreter(name: string, values: readonly string[], findings: Findings): void {
  if (/^(awk|gawk|mawk|sed|ed|ex|vim)$/.test(name)) {
    if (values.some(value => /system\s*\(|getline|\|\s*"|\be\b|^-i|--in-place/.test(value))) {
      findings.ask('may change files or run programs');
    }
    return;
  }
  if (
    values.some(value => /^(-e|-c|-p|-r|-pe|-ne|-ce|-le|--eval|--print|-enc.*|-command|eval)$/i.test(value))
  ) {
    findings.warn('runs code that is given with it');
  } else if (!values.some(value => !value.startsWith('-')) && !values.some(isVersionOption)) {
    findings.warn('runs what another program prints');
  }
}

/** What is known of single programs beyond the tables. */
function judgeKnown(name: string, values: readonly string[], findings: Findings): void {
  if (/^(rm|rmdir|unlink|del|erase|rd|remove-item|ri)$/.test(name)) judgeRemoval(values, findings, false);
  if (name === 'dd' && values.some(value => /^of=\/dev\//i.test(value)))
    findings.danger('writes to a device');
  if (name === 'chmod') judgePermissions(values, findings);
  if (/^(cp|mv|ln|tee|install|tar|unzip|7z|dd|rsync)$/.test(name)) {
    for (const value of values) judgeWrite(value.replace(/^(-[oCd]|of=|--directory=)/, ''), findings);
  }
  if (name === 'find' && values.some(value => /^-(delete|exec|execdir|ok|okdir|fprint.*|fls)$/.test(value))) {
    findings.warn('changes what it finds');
    const at = values.findIndex(value => /^-(exec|execdir|ok|okdir)$/.test(value));
    const started =
      at < 0 ? [] : values.slice(at + 1).map(value => ({ value, isLiteral: true, isGlob: false }));
    if (started.length) judgeWords(started, findings, MAX_DEPTH);
  }
  const asksVersion = values.length === 1 && isVersionOption(values[0]!);
  if (!asksVersion && INSTALLERS.get(name)?.test(values.find(value => !value.startsWith('-')) ?? 'install')) {
    findings.warn('fetches packages, which may run their own scripts');
  }
  if (
    /^(npm|pnpm|yarn|bun)$/.test(name) &&
    values.some(value => /^(pre|post)?(install|publish|prepare|pack)$/.test(value))
  ) {
    findings.warn('runs scripts that packages use at installation');
  }
}

const SYSTEM_PATH =
  /^(\/(\*|\.\.?)?|\/(bin|boot|dev|etc|lib|lib32|lib64|opt|proc|root|sbin|srv|sys|usr|home|Users|System|Library|Applications|mnt|media|var)(\/\*?)?|\/(bin|boot|dev|etc|lib|lib64|proc|sbin|sys|usr|System)\/.*|~\/?\*?|\$\{?HOME\}?\/?\*?|\.\.?\/?|\*|\.\.\/\*|[a-zA-Z]:[\\/]?\*?)$/i;

function judgeRemoval(values: readonly string[], findings: Findings, isUnknownProgram: boolean): void {
  const options = values.filter(value => /^-|^\/[a-z]$/i.test(value)).join(' ');
  const isWhole = /-\w*[rf]|--(recursive|force|no-preserve-root)|\/[sq]\b|-recurse/i.test(options);
  const isSystem = values.some(value => SYSTEM_PATH.test(value));
  const isElsewhere = values.some(
    value => !/^\/[a-z]$/i.test(value) && isOutside(value) && !/^\/(var\/)?tmp\/./.test(value),
  );
  const isFatal = isWhole ? isSystem || isElsewhere : isSystem && values.some(value => /^\/./.test(value));
  if (isFatal && (isWhole || !isUnknownProgram)) {
    findings.danger('deletes files of the system, or whole folders outside the workspace');
  }
}

function judgePermissions(values: readonly string[], findings: Findings): void {
  const isOpen = values.some(value =>
    /^[0-7]?[0-7][0-7][2367]$|^([ugoa]*[ao][ugoa]*)?\+[rxX]*w|[+=][rwxX]*[st]/.test(value),
  );
  const isSetId = values.some(value => /^[2467][0-7]{3}$/.test(value));
  if (isOpen || isSetId || values.some(value => SYSTEM_PATH.test(value))) {
    findings.danger('lets others change files, or gives away the rights of their owner');
  }
}

function judgeGit(args: readonly Argument[], findings: Findings): void {
  const at = args.findIndex(({ value }) => value !== '--no-pager');
  const subcommand = args[at]?.value ?? '';
  const reader = GIT_READERS.get(subcommand);
  if (reader) {
    findings.runsGit();
    if (args.some(({ value }) => value === '--help'))
      findings.ask('shows a manual with the program that is configured for it');
    judgeReader(`git ${subcommand}`, reader, args.slice(at + 1), findings);
    return;
  }
  const values = args.map(({ value }) => value);
  if (
    values.some(value => /^(-c|--config-env|--exec-path|-C|--git-dir|--work-tree|-p|--paginate)/.test(value))
  ) {
    findings.warn('changes what git runs or where');
  } else if (values.length === 1 && /^(--version|version)$/.test(values[0]!)) {
    return;
  } else if (/^(push|fetch|pull|clone|submodule|ls-remote|remote|send-email)$/.test(subcommand)) {
    findings.warn('talks to other computers');
  } else if (
    /^(clean|filter-branch|gc|prune|reflog)$/.test(subcommand) ||
    values.some(value => /^(--hard|--force|-f|-D|--delete)$/.test(value))
  ) {
    findings.warn('throws away work that git does not keep');
  }
  findings.ask(`runs git ${subcommand}`.trim());
}

function judgeReader(name: string, reader: Reader, args: readonly Argument[], findings: Findings): void {
  let operands = 0;
  let isOperandOnly = false;
  for (const { value, isLiteral, isGlob } of args) {
    const isPattern = isGlob && !reader.printsFiles && isPlainPattern(value, isOperandOnly ? {} : reader);
    if (!isLiteral && !isPattern) {
      findings.ask(`${name} gets an argument that is not known`);
      continue;
    }
    if (value === '--' && !isOperandOnly) {
      isOperandOnly = true;
      continue;
    }
    if (!isOperandOnly && /^-./.test(value)) {
      if (!isHarmlessOption(value, reader)) findings.ask(`${name} with ${value} may do more than read`);
      if (!reader.isText && /^-[^=]*[=/~]/.test(value) && isOutside(value.replace(/^-[^=/~]*=?/, ''))) {
        findings.ask('reads outside the workspace');
      }
      if (reader.printsFiles && namesSecret(value)) findings.warn(`${name} with ${value} may print secrets`);
      continue;
    }
    operands++;
    if (reader.onlyOperands && !reader.onlyOperands.test(value))
      findings.ask(`${name} ${value} may do more than read`);
    const isSearched = reader.hasPattern && operands === 1;
    if (isSearched && reader.onlyPattern && !reader.onlyPattern.test(value))
      findings.ask(`${name} ${value} may do more than read`);
    // What a pattern stands for are names of files, also where text is meant.
    if (isLiteral && (reader.isText || isSearched)) continue;
    // `a..b` of git is no path, but may look like one.
    const isRange = name.startsWith('git ') && /^[\w.^~-]+\.\.\.?[\w.^~/-]*$/.test(value);
    if (isRange && !isOutside(value) && !looksSecret(value)) continue;
    judgePath(value === '-' ? '.' : value, findings, reader.printsFiles ?? false);
    if (name === 'cd') findings.changesFolder(value);
  }
  if (name === 'git diff' && operands > 1) findings.comparesFiles();
  if (operands < (reader.minOperands ?? 0)) findings.ask(`${name} alone may do more than read`);
  if (operands > (reader.maxOperands ?? Number.POSITIVE_INFINITY))
    findings.ask(`${name} may write to its last argument`);
}

/**
 * Whether a pattern stands for names in one folder, and for none that is an option or `..`: a file may be called `-delete`, and what
 * lies behind a link is not known before the shell has looked.
 */
function isPlainPattern(pattern: string, { notShort, notLong, onlyOptions, takesPatterns }: Reader): boolean {
  const start = pattern.lastIndexOf('/') + 1;
  if (/[*?[]/.test(pattern.slice(0, start)) || pattern[start] === '.') return false;
  return /^[\w./]/.test(pattern) || takesPatterns || !(notShort ?? notLong ?? onlyOptions);
}

function isHarmlessOption(option: string, { notShort = '', notLong = [], onlyOptions }: Reader): boolean {
  if (onlyOptions) return onlyOptions.test(option);
  if (!option.startsWith('--')) return ![...option.slice(1)].some(letter => notShort.includes(letter));
  const name = option.slice(2).split('=')[0]!;
  // Programs take a part of a long option for the whole.
  return !notLong.some(long => long.startsWith(name) || name.startsWith(long));
}

/** Characters that look like others: judged as what they look like, and never free. */
function judgeLookAlikes(command: string, findings: Findings): void {
  const plain = command
    .normalize('NFKC')
    .replace(/[^\S\n\t ]/g, ' ')
    .replace(/\p{Cf}/gu, '');
  const hasControls = /[^\P{Cc}\n\r\t]|\p{Cf}|[\u{e0000}-\u{e007f}]/u.test(command);
  if (hasControls) findings.warn('has invisible characters');
  if (plain === command.replace(/\r/g, ' ') || plain === command) return;
  const looks = judgeCommand(plain.replace(/[^\P{Cc}\n\t]/gu, ''));
  if (looks.verdict === 'danger') findings.danger(looks.reasons[0]!);
  else findings.ask('has characters that look like others');
}

function judgeAlphabets(word: string, findings: Findings): void {
  if (mixesAlphabets(word)) findings.warn('has letters that look like others');
}

/** Words after every separator, without the quotes and escapes of any shell: enough to see what is dangerous, not what is not. */
function judgeRoughly(command: string, findings: Findings): void {
  const segments = command.slice(0, 100_000).split(/[\n\r;&|(){}]+/);
  for (const segment of segments.slice(0, 500)) {
    const words = segment
      .replace(/[\^"'`\\]/g, '')
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    if (!words.length) continue;
    judgeWords(
      words.map(value => ({ value, isLiteral: true, isGlob: false })),
      findings,
      MAX_DEPTH,
    );
  }
}
