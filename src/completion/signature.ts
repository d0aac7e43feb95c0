/**
 * After the parameters of a function were changed, what its calls have to become. The declaration is read from the text
 * before the change and after it, by brackets and commas; no model is asked but for the words of a new argument.
 */
import { changedSpan } from './changed-span.ts';
import { indentOf } from './cursor.ts';
import { closerOf, type Piece, splitList } from './list.ts';
import { occurrencesOf } from './next-edit.ts';

interface Parameter {
  name: string;
  /** A call may leave it out. */
  isOptional: boolean;
}
export interface SignatureChange {
  /** By which it is called: of a constructor the name of its class. */
  name: string;
  /** Of the name where it is declared, in the text afterwards. */
  offset: number;
  /** Where the head of the declaration is. */
  head: number;
  from: Parameter[];
  to: Parameter[];
}
/** The new text between the brackets of a call; `hole`: offset in it where an argument is to be written, if one is missing. */
export interface CallEdit {
  text: string;
  hole: number | null;
}

/** What stands before the bracket of a declaration's parameters; the name is in one of the groups. */
const KEYWORD_HEAD = /\b(?:function\*?|def|fn|func|fun)\s+(?:\([^()\n]*\)\s*)?([\w$]+)(?:<[^<>()\n]*>)?\s*$/;
const ARROW_HEAD = /\b(?:const|let|var)\s+([\w$]+)\s*=\s*(?:async\s*)?(?:function\s*)?$/;
const METHOD_HEAD =
  /(?:^|\n)[ \t]*(?:(?:public|private|protected|static|async|override|export|abstract)\s+)*([\w$]+)(?:<[^<>()\n]*>)?\s*$/;
const NO_METHOD = /^(?:if|for|while|switch|catch|with|return|await|throw|new|super|function)$/;
/** A head is looked for in the last so many characters before its bracket. */
const HEAD_CHARS = 200;
/** A longer list of parameters is not one that a person has just changed. */
const LIST_CHARS = 4000;

/** The change from `old` to `text`, if all of it is in the parameters of one declaration; else null. */
export function signatureChangeBetween(old: string, text: string): SignatureChange | null {
  const [start, oldEnd, newEnd] = changedSpan(old, text);
  if (oldEnd - start > LIST_CHARS || newEnd - start > LIST_CHARS) return null;
  for (let open = text.lastIndexOf('(', start - 1); open >= 0; open = text.lastIndexOf('(', open - 1)) {
    if (start - open > LIST_CHARS) return null;
    const [oldClose, newClose] = [closerOf(old, open), closerOf(text, open)];
    // Only a bracket that holds all of the change can be the declaration's.
    if (oldClose === null || newClose === null || oldClose < oldEnd || newClose < newEnd) continue;
    const head = headBefore(text, open, newClose);
    if (!head) continue;
    const called = calledAs(head, text);
    const [from, to] = [parametersOf(old, open, oldClose), parametersOf(text, open, newClose)];
    if (!called || !from || !to || isSameCall(from, to)) return null;
    return { ...called, head: head.offset, from, to };
  }
  return null;
}

/**
 * What is to stand between the brackets of a call, given what stands there. null: it is right as it is, or can't be told
 * (spread arguments, more than one new one).
 */
export function editOfCall(args: string, { from, to }: SignatureChange): CallEdit | null {
  const pieces = splitList(args);
  if (pieces.length > from.length || pieces.some(({ text }) => /^(?:\.\.\.|\*)/.test(text))) return null;
  const given = new Map<string, string>();
  for (const [i, { text }] of pieces.entries()) {
    const keyword = /^([\w$]+)\s*=(?![=>])/.exec(text)?.[1];
    const name = keyword !== undefined && from.some(each => each.name === keyword) ? keyword : from[i]!.name;
    given.set(name, text);
  }
  const texts: string[] = [];
  let hole: number | null = null;
  for (const parameter of to) {
    const known = given.get(formerName(parameter, from, to));
    if (known !== undefined) texts.push(renamedKeyword(known, parameter, from, to));
    else if (parameter.isOptional || !isNew(parameter, from)) continue;
    else if (hole !== null) return null;
    else {
      hole = texts.length;
      texts.push('');
    }
  }
  const isSame = texts.length === pieces.length && pieces.every((piece, i) => piece.text === texts[i]);
  if (hole === null && isSame) return null;
  return {
    text: joined(texts, pieces),
    hole: hole === null ? null : offsetOf(hole, texts, pieces),
  };
}

/** Tells at each pause whether a signature was changed since the one before, and goes on where the user paused in the middle of it. */
export class SignatureWatch {
  /** The text before it began to change. */
  private before: string | null = null;
  private isDismissed = false;

  /** The change from `base`, the text at the last pause, to `text`, or from before; null where there is none, or none is wanted. */
  since(base: string, text: string): SignatureChange | null {
    const whole = this.before === null ? null : signatureChangeBetween(this.before, text);
    const change = whole ?? signatureChangeBetween(base, text);
    if (!whole) {
      this.before = change && base;
      this.isDismissed = false;
    }
    return this.isDismissed ? null : change;
  }

  /** The user wants to hear no more of the last change, however it goes on. */
  dismiss(): void {
    this.isDismissed = true;
  }

  /** Another text, or one that was changed otherwise. */
  forget(): void {
    this.before = null;
    this.isDismissed = false;
  }
}

/** Offsets of `name` where no language server tells which function is meant: by itself, or of the object in hand. */
export const plainMentions = (name: string, text: string): number[] =>
  occurrencesOf(name, text).filter(
    offset =>
      text[offset - 1] !== '.' || /\b(?:self|this)\.$/.test(text.slice(Math.max(0, offset - 6), offset)),
  );

/** The argument in what a model wrote at the hole: up to the comma or bracket that ends it; null if there is none. */
export function argumentIn(written: string): string | null {
  const line = written.split('\n', 1)[0]!;
  const end = closerOf(`(${line}`, 0);
  const first = splitList(end === null ? line : line.slice(0, end - 1))[0]?.text ?? '';
  return first === '' || closerOf(`(${first})`, 0) !== first.length + 1 ? null : first;
}

interface Name {
  name: string;
  offset: number;
}

function headBefore(text: string, open: number, close: number): Name | null {
  const before = text.slice(Math.max(0, open - HEAD_CHARS), open);
  const after = text.slice(close + 1, close + 1 + HEAD_CHARS);
  const found =
    KEYWORD_HEAD.exec(before) ??
    (/^\s*(?::[^=;{}]*)?=>|^\s*(?::[^=;]*)?\{/.test(after) ? ARROW_HEAD.exec(before) : null) ??
    (/^\s*(?::[^=;{}\n]+|throws [\w, ]+)?\{/.test(after) ? METHOD_HEAD.exec(before) : null);
  const name = found?.[1];
  if (name === undefined || NO_METHOD.test(name)) return null;
  return { name, offset: open - before.length + found!.index + found![0].indexOf(name) };
}

const CONSTRUCTOR = /^(?:constructor|__init__|__construct)$/;
const CLASS_HEAD = /^([ \t]*)(?:(?:export|default|abstract|final)\s+)*class\s+([\w$]+)/gm;

/** A constructor is called by the name of the class around it; null where that has none. */
function calledAs(head: Name, text: string): Name | null {
  if (!CONSTRUCTOR.test(head.name)) return head;
  const line = text.lastIndexOf('\n', head.offset) + 1;
  const indent = indentOf(text.slice(line, head.offset)).length;
  const around = [...text.slice(0, head.offset).matchAll(CLASS_HEAD)].findLast(
    ({ 1: own }) => own!.length < indent,
  );
  return around ? { name: around[2]!, offset: around.index + around[0].length - around[2]!.length } : null;
}

/** null where one of them has no name of its own: what is taken apart, or gathers the rest. */
function parametersOf(text: string, open: number, close: number): Parameter[] | null {
  const pieces = splitList(text.slice(open + 1, close), 'types');
  const parameters: Parameter[] = [];
  for (const [i, piece] of pieces.entries()) {
    const plain = piece.text.replace(
      /^(?:(?:public|private|protected|readonly|mut|final|const)\s+|@\w+\s+|&)+/,
      '',
    );
    if (i === 0 && /^(?:mut )?(?:self|cls|this)\b/.test(plain)) continue;
    const [, name, mark] = /^([\p{L}_$][\p{L}\p{N}_$]*)\s*(\?)?/u.exec(plain) ?? [];
    if (name === undefined) return null;
    parameters.push({
      name: ownName(plain, name),
      isOptional: mark === '?' || /[^=!<>]=(?![=>])/.test(plain),
    });
  }
  return parameters;
}

/** `int count` and `List<int> counts` are named last, `count: int`, `count = 1` and `count int` first. */
function ownName(text: string, first: string): string {
  const typed = /^[\w$.]+(?:<.*>)?(?:\[\])*\s*[&*]*\s+([\p{L}_$][\p{L}\p{N}_$]*)\s*(?:=.*)?$/u.exec(text);
  const isGo = typed && /^(?:string|int\d*|uint\d*|float\d+|bool|byte|rune|error|any)$/.test(typed[1]!);
  return typed && !isGo ? typed[1]! : first;
}

/** A call is the same for both: only types, or names that no call mentions, have changed. */
const isSameCall = (from: readonly Parameter[], to: readonly Parameter[]): boolean =>
  from.length === to.length && from.every(({ name }, i) => name === to[i]!.name);

const isNew = (parameter: Parameter, from: readonly Parameter[]): boolean =>
  !from.some(({ name }) => name === parameter.name);

/** As many as before, and one of them has another name: it is the same parameter. */
function formerName({ name }: Parameter, from: readonly Parameter[], to: readonly Parameter[]): string {
  if (from.some(each => each.name === name) || from.length !== to.length) return name;
  const gone = from.filter(each => isNew(each, to));
  return gone.length === 1 ? gone[0]!.name : name;
}

/** `old=1` becomes `new=1`. */
function renamedKeyword(
  text: string,
  parameter: Parameter,
  from: readonly Parameter[],
  to: readonly Parameter[],
): string {
  const former = formerName(parameter, from, to);
  const isKeyword =
    former !== parameter.name && new RegExp(`^${former.replaceAll('$', '\\$')}\\s*=(?![=>])`).test(text);
  return isKeyword ? parameter.name + text.slice(former.length) : text;
}

/** With the white space that the pieces had at their place; a new one is set off as the one before it. */
function joined(texts: readonly string[], pieces: readonly Piece[]): string {
  const list = texts.map((text, i) => leadOf(i, pieces) + text).join(',');
  return list + (texts.length > 0 ? (pieces.at(-1)?.trail ?? '') : '');
}

const leadOf = (i: number, pieces: readonly Piece[]): string =>
  pieces[i]?.lead ?? (i === 0 ? '' : pieces.length > 1 ? pieces.at(-1)!.lead : ' ');

const offsetOf = (index: number, texts: readonly string[], pieces: readonly Piece[]): number =>
  texts.slice(0, index).reduce((sum, text, i) => sum + leadOf(i, pieces).length + text.length + 1, 0) +
  leadOf(index, pieces).length;
