"""Questions about attached files, made from this machine's Python standard library: JSON on stdout, an array of
{file, text, question, answer}.

    python3 questions.py queue.py glob.py ...

A model may know the library by heart. So names and numbers that are asked for are changed in the text first, always in
the same way, and only a reader of the text can give the answer: a function found by its docstring, whose name got another
ending; a constant or a parameter's default whose number was replaced.
"""

import ast
import hashlib
import json
import re
import sys
import sysconfig
from pathlib import Path

QUESTIONS_PER_FILE = 4
SYLLABLES = "ba de fi go ku la me ni po ru sa te vi wo zu".split()


def digest(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:8], "big")


def other_name(file: str, name: str) -> str:
    n = digest(file, name)
    return f"{name}_{SYLLABLES[n % 15]}{SYLLABLES[n // 15 % 15]}{SYLLABLES[n // 225 % 15]}"


def other_number(file: str, name: str) -> str:
    return str(100 + digest(file, name) % 900)


def candidates(file: str, source: str):
    """(question, answer, edit) of everything that can be asked; an edit is (line, column, length, text) or (name, name)."""
    tree = ast.parse(source)
    is_number = lambda node: isinstance(node, ast.Constant) and type(node.value) is int and node.lineno == node.end_lineno
    place = lambda node: (node.lineno, node.col_offset, node.end_col_offset - node.col_offset)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and not node.name.startswith("__")]
    names = [function.name for function in functions]
    summaries = {function: (ast.get_docstring(function) or "").split("\n")[0].strip() for function in functions}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and is_number(node.value):
            name = node.targets[0].id
            value = other_number(file, name)
            yield f"What number is `{name}` set to in {file}? Answer with the number alone.", value, (*place(node.value), value)
    for function in functions:
        if names.count(function.name) > 1:
            continue
        summary = summaries[function]
        is_telling = len(summary) >= 30 and list(summaries.values()).count(summary) == 1
        if is_telling and function.name not in summary and len(function.name) >= 4:
            name = other_name(file, function.name)
            question = f"Which function or method of {file} does this: \"{summary}\" Answer with its name alone."
            yield question, name, (function.name, name)
        arguments = function.args.args[len(function.args.args) - len(function.args.defaults) :]
        for argument, default in zip(arguments, function.args.defaults):
            if is_number(default):
                value = other_number(file, f"{function.name}.{argument.arg}")
                question = f"What is the default of the parameter `{argument.arg}` of `{function.name}` in {file}? Answer with the number alone."
                yield question, value, (*place(default), value)


def changed(source: str, edits) -> str:
    lines = source.split("\n")
    for line, column, length, text in sorted((edit for edit in edits if len(edit) == 4), reverse=True):
        # ast counts bytes.
        before = lines[line - 1].encode()
        lines[line - 1] = (before[:column] + text.encode() + before[column + length :]).decode()
    text = "\n".join(lines)
    for old, new in renamings(edits):
        text = re.sub(rf"\b{old}\b", new, text)
    return text


def renamings(edits) -> list:
    return [edit for edit in edits if len(edit) == 2]


def ask(file: str) -> list[dict]:
    source = (Path(sysconfig.get_path("stdlib")) / file).read_text(encoding="utf-8")
    # Spread over the kinds and the file, the same ones every time.
    picked = sorted(candidates(file, source), key=lambda one: digest(file, one[0]))[:QUESTIONS_PER_FILE]
    edits = [edit for _, _, edit in picked]
    text = changed(source, edits)
    asked = []
    for question, answer, _ in picked:
        for old, new in renamings(edits):
            question = question.replace(f"`{old}`", f"`{new}`")
        asked.append({"file": file, "text": text, "question": question, "answer": answer})
    return asked


if __name__ == "__main__":
    json.dump([question for file in sys.argv[1:] for question in ask(file)], sys.stdout)
