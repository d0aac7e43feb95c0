/**
 * How the kinds of problems that compilers and linters report most are usually solved. A small model knows what a message means
 * but not what to do about it, and copies the code as it is. Each hint stands for a kind, never for a case.
 */
const HINTS: readonly [pattern: RegExp, hint: string][] = [
  // What failing tests throw
  [
    /object has no attribute|has no attribute '\w+'|is not a (?:function|constructor)|cannot import name|does not provide an export/i,
    'Define what the test calls with exactly that name; rename what is called otherwise.',
  ],
  [
    /unexpected keyword argument|takes (?:from )?\d+ (?:to \d+ )?positional arguments?|missing \d+ required (?:positional|keyword)/i,
    'Give the function the parameters that the test passes, with the same names.',
  ],
  // TypeScript
  [
    /used before being assigned/i,
    'Give the variable a value where it is declared, or assign it on every path (a default branch).',
  ],
  [
    /is possibly (?:'?null'?|'?undefined'?)|object is possibly/i,
    'Handle the missing value: check for it before the use, or use `?.` and `??` where a default makes sense.',
  ],
  [
    /type '(?:null|undefined)' is not assignable|\| (?:null|undefined)' is not assignable/i,
    'Check for the missing value before, or allow it in the declared type.',
  ],
  [
    /implicitly has an? '.*' (?:return )?type/i,
    'Write the type explicitly; work it out from how the value is used.',
  ],
  [
    /incorrectly (?:implements|extends)|is missing in type|is missing the following properties/i,
    'Add every missing member, with the type that the interface declares.',
  ],
  [/function implementation is missing/i, 'Give the function a body, or remove the declaration.'],
  [
    /is private and only accessible|is protected and only accessible/i,
    'Make the member visible from there: change its declaration from `private` to `protected` (subclasses) or `public`.',
  ],
  [
    /property '.*' does not exist on type|has no exported member|cannot access (?:attribute|member)|has no '?\w+'? member/i,
    'Use a member that exists, or declare the missing one (with its type) where the type or class is defined.',
  ],
  [
    /expected [\d-]+ (?:type )?arguments?, but got|argument missing for parameter|missing \d+ required positional|no value for argument/i,
    'Make call and signature agree: pass the missing argument, put several values into the one object that is expected, or give the parameter a default value.',
  ],
  [
    /parameter ".*" is already assigned|multiple values for argument/i,
    'Pass each argument once: either by position or by name.',
  ],
  [
    /cannot find name|is not defined|undefined (?:name|variable)|cannot find module/i,
    'Import it, declare it, correct its spelling, or write `self.`/`this.` before it if it is a member; remove the use if nothing fits.',
  ],
  [
    /duplicate identifier|already (?:defined|declared)|redeclare|redefin/i,
    'Merge the two declarations into one, or rename one of them.',
  ],
  [
    /comma operator/i,
    'Do not use the comma operator: make an array, an object, or separate statements, whichever is meant.',
  ],
  [
    /argument of type|is not assignable to|cannot be assigned to|incompatible/i,
    'Make the types agree: change the value, constrain or widen the declared type (`extends`, a union), or convert explicitly.',
  ],
  [/not all code paths return|must return a value/i, 'Return a value on every path.'],
  [/only refers to a type|used as a value/i, 'Import or define the value, or use it only as a type.'],
  [
    /has no initializer/i,
    'Initialise the property where it is declared or in the constructor, or make it optional.',
  ],
  [/await.*(?:only|not) allowed|"async" not allowed|outside of async/i, 'Make the enclosing function async.'],
  [/has no 'await'/i, 'Remove `async`, or await what the function does.'],
  // ESLint
  [
    /unexpected unnamed (?:async )?(?:function|method)/i,
    'Give the function expression a name after the keyword `function`.',
  ],
  [
    /expected a function expression/i,
    'Write it as `const name = function (...) {...};` in place of a declaration.',
  ],
  [/expected a function declaration/i, 'Write it as `function name(...) {...}` in place of a variable.'],
  [
    /too many lines|too many statements|complexity of/i,
    'Move parts of the function into new functions beside it, so that each is short.',
  ],
  [/lexical declaration in case/i, 'Put braces around the statements of that case.'],
  [
    /duplicate case|duplicate key|duplicate(?:d)? condition|can never execute/i,
    'Remove the duplicate, or correct it to what was meant.',
  ],
  [/import is duplicated|imported multiple times/i, 'Merge the imports of the same module into one.'],
  [/expected a 'break'|fallthrough|falls? through/i, 'End the case with `break` or `return`.'],
  [/negated condition/i, 'Turn the condition round and swap the two branches.'],
  [
    /comma in middle of array/i,
    'Remove the superfluous commas, or write `undefined` for the missing elements.',
  ],
  [/keys to be in ascending|keys.*sorted/i, 'Reorder the properties of the object by name.'],
  [/unreachable/i, 'Remove the code that can never run, or the statement that makes it so.'],
  [/constant condition/i, 'Replace the constant by the condition that is meant, or remove the test.'],
  [
    /Object\.prototype method/i,
    'Call it as `Object.prototype.name.call(object, ...)` or use `Object.hasOwn`.',
  ],
  [/never (?:used|read)|unused|is not accessed|is assigned a value but/i, 'Remove what is not used.'],
  [/=== ?'? and|expected '[!=]==' and/i, 'Compare with `===` or `!==`.'],
  [/never reassigned|use 'const'/i, 'Declare it with `const`.'],
  [/empty block/i, 'Handle the case, or say in a comment why nothing is to be done.'],
  [
    /parsing error|'.{1,3}' expected|(?:statement|expression|identifier) expected|expected (?:an? )?(?:expression|indented block|["']:["'])|unexpected token|invalid (?:syntax|character|indentation)/i,
    'Correct the syntax: a bracket, quote, comma or operator is missing, superfluous or of the wrong kind.',
  ],
  // Python
  [
    /line too long|line-too-long/i,
    'Break it into several lines inside its brackets, and split long strings into parts.',
  ],
  [
    /missing whitespace|unexpected spaces|whitespace (?:before|after)/i,
    'Correct only the white space at that place.',
  ],
  [
    /instantiate abstract/i,
    'Instantiate a subclass that defines the abstract methods; write one if there is none.',
  ],
  [
    /should (?:take|have) a "?(?:self|cls)"? (?:parameter|as first)/i,
    'Name the first parameter `self`, here and wherever it is used; a class method needs `@classmethod` and `cls`.',
  ],
  [
    /invariant/i,
    'Annotate the value with the wider type where it is created, or declare the type parameter covariant.',
  ],
];

const MOST = 2;

/** Hints for these messages, each once; '' if none is known. */
export function hintsFor(messages: readonly string[]): string {
  const found = messages.flatMap(message =>
    HINTS.filter(([pattern]) => pattern.test(message)).map(([, hint]) => hint),
  );
  return [...new Set(found)].slice(0, MOST).join(' ');
}
