/** Which of the places with a name mean the one that was changed: a local of one function is none of another's. */
import { namesAt, occurrencesOf, type Rename } from './next-edit.ts';
import type { Syntax, SyntaxNode } from './syntax/syntax.ts';

interface Meant {
  /** Of the old name, where it means what the changed one does. */
  offsets: number[];
  /** A parameter, or a variable declared within a function: nothing outside can mean it. */
  isLocal: boolean;
  /** A parameter that a call may name, also one in another file. */
  isKeyword: boolean;
}

/** By the tree, as far as its functions and what they declare tell; null: there is no tree. */
export function meantBy(rename: Rename, text: string, languageId: string, syntax: Syntax): Meant | null {
  const offsets = namesAt(occurrencesOf(rename.from, text), text, languageId, syntax);
  if (offsets === null) return null;
  return syntax.read(languageId, text, root => {
    // A sign may be a node of its own before the name: `$total`.
    const nodeAt = (offset: number) => root.descendantForIndex(offset + 1)!;
    const declares = declarersOf([...offsets, ...occurrencesOf(rename.to, text)].map(nodeAt), text);
    const scopeOf = (node: SyntaxNode) =>
      isMember(node, text) ? undefined : functionsAround(node).find(each => declares.has(keyOf(each)));
    const scope = scopeOf(nodeAt(rename.offset));
    const isMeant = (node: SyntaxNode) => {
      const own = scopeOf(node);
      return own && scope ? keyOf(own) === keyOf(scope) : own === scope || isKeywordOf(node, scope, text);
    };
    const meant = offsets.filter(offset => isMeant(nodeAt(offset)));
    const isKeyword =
      scope !== undefined &&
      HAS_KEYWORDS.test(languageId) &&
      [rename.offset, ...meant].some(offset => isParameter(nodeAt(offset), scope));
    return { offsets: meant, isLocal: scope !== undefined, isKeyword };
  });
}

/** The functions that declare a name of their own at one of `nodes`, and do not say that it is of outside. */
function declarersOf(nodes: readonly SyntaxNode[], text: string): Set<string> {
  const [declaring, foreign] = [new Set<string>(), new Set<string>()];
  for (const node of nodes) {
    const [owner] = functionsAround(node);
    if (!owner || isMember(node, text)) continue;
    const isForeign = [node.parent, node.parent?.parent].some(each => OF_OUTSIDE.test(each?.type ?? ''));
    if (isForeign) foreign.add(keyOf(owner));
    else if (isDeclared(node, owner)) declaring.add(keyOf(owner));
  }
  return new Set([...declaring].filter(key => !foreign.has(key)));
}

/** The grammars' names for what has names of its own. */
const FUNCTION =
  /^(?:(?:generator_)?function(?:_declaration|_definition|_expression|_item)?|(?:arrow|anonymous)_function|method(?:_definition|_declaration)?|singleton_method|constructor_declaration|lambda(?:_expression)?|closure_expression|func_literal|local_function_statement|anonymous_method_expression|function_type|\w+_signature)$/;
const DECLARATION =
  /parameters?$|^parameter_list$|^(?:variable_declarator|init_declarator|declaration|let_declaration|let_condition|short_var_declaration|var_spec|const_spec|assignment|named_expression|as_pattern_target|for_statement|for_in_statement|for_in_clause|for_expression|for_range_loop|range_clause|enhanced_for_statement|foreach_statement|resource|catch_clause)$/;
/** Their own children are a parameter or all that they say. */
const NAMELESS = /^(?:arrow_function|lambda|lambda_expression|closure_expression)$/;
/** What may stand between a name and its declaration. */
const PATTERN =
  /pattern|declarator$|^(?:parameter_declaration|expression_list|left_assignment_list|variable_name)$/;
/** What follows it in a declaration is a value or a type. */
const SIGN = /^(?:=|:=|=>|->|:|in|of)$/;
/** `{ key: name }` */
const KEYED = /^(?:pair|field)_pattern$/;
/** A parameter that is a member as well. */
const MODIFIER = /^(?:accessibility_modifier|override_modifier|readonly)$/;
const OF_OUTSIDE = /^(?:(?:global|nonlocal)_statement|global_declaration|anonymous_function_use_clause)$/;

/** Of an object, whatever is declared around: `a.name`, `{ name: 1 }`, `f(name=1)`. */
function isMember(node: SyntaxNode, text: string): boolean {
  const before = text.slice(Math.max(0, node.startIndex - 3), node.startIndex);
  return (
    /^(?:property|field)_identifier$/.test(node.type) ||
    /(?:^|[^.])\.$|->$|::$/.test(before) ||
    isKeyword(node)
  );
}

const isKeyword = ({ parent, startIndex }: SyntaxNode): boolean =>
  parent?.type === 'keyword_argument' && parent.startIndex === startIndex;

/** `f(name=1)`, where `f` is the function. */
function isKeywordOf(node: SyntaxNode, called: SyntaxNode | undefined, text: string): boolean {
  const name = called?.children.find(({ type }) => type === 'identifier');
  const args = isKeyword(node) ? node.parent!.parent : null;
  if (!name || !args?.parent) return false;
  const callee = text.slice(args.parent.startIndex, args.startIndex);
  return callee.split('.').at(-1)!.trim() === text.slice(name.startIndex, name.endIndex);
}

/** Languages in which a call may name the parameters of any function, as they are written there. */
const HAS_KEYWORDS = /^(?:csharp|python|ruby)$/;

function isParameter(node: SyntaxNode, called: SyntaxNode): boolean {
  let child = node;
  for (let { parent } = node; parent; child = parent, parent = parent.parent)
    if (keyOf(parent) === keyOf(called)) return /parameters$|^parameter_list$/.test(child.type);
  return false;
}

/** `owner`: the innermost function around. */
function isDeclared(node: SyntaxNode, owner: SyntaxNode): boolean {
  if (node.type === 'type_identifier') return false;
  // In PHP all that is named in a function is its own.
  if (node.parent?.type === 'variable_name' && owner.type !== 'arrow_function') return true;
  let child = node;
  for (let { parent } = node; parent; child = parent, parent = parent.parent) {
    const isEnd = DECLARATION.test(parent.type) || isNaming(parent);
    if ((!isEnd && !PATTERN.test(parent.type)) || !isNamePart(child, parent)) return false;
    if (isEnd) return true;
  }
  return false;
}

/** Its own children are its name, or a parameter without brackets. */
const isNaming = ({ type }: SyntaxNode): boolean =>
  FUNCTION.test(type) && type !== 'closure_expression' && type !== 'lambda';

/** `child` is what `parent` gives a name to, and not a type or a value of it. */
function isNamePart(child: SyntaxNode, { type, children }: SyntaxNode): boolean {
  const index = children.findIndex(({ startIndex }) => startIndex === child.startIndex);
  const next = children[index + 1]?.type;
  const isType = child.type === 'identifier' && (next === 'identifier' || next === '(');
  const isCondition = type === 'for_statement' && !children.some(each => each.type === 'in');
  const isSign = (each: SyntaxNode) =>
    MODIFIER.test(each.type) || (SIGN.test(each.type) && !KEYED.test(type));
  return !isType && !isCondition && !children.slice(0, index).some(isSign);
}

/** The innermost first, without the one that the node is the name of. */
function functionsAround(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  let isName = true;
  for (let { parent } = node; parent; parent = parent.parent) {
    const isFunction = FUNCTION.test(parent.type);
    if (isFunction && !(isName && !NAMELESS.test(parent.type))) found.push(parent);
    isName &&= !isFunction && /declarator$/.test(parent.type);
  }
  return found;
}

const keyOf = ({ startIndex, endIndex }: SyntaxNode): string => `${startIndex}-${endIndex}`;
