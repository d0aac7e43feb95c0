"""Conversations in the published chat templates by the reference implementation.

    pip install transformers==5.24.0 jinja2==3.1.6
    python test/reference/template_goldens.py test/fixtures/templates

For each template of the folder it writes `<name>.json`: conversations of conversations.json, what the template is told besides, and
the text, or `null` where the template refuses the conversation. Where the templates come from: README.md in that folder.
"""

import datetime
import json
import sys
from pathlib import Path

from transformers.utils import chat_template_utils

NOW = datetime.datetime(2025, 8, 7, 9, 5, 3)

# name of the conversation, whether tools are offered, whether the answer is to begin, whether the model may think
CASES = [
    ("plain", False, True, False), ("plain", False, True, True), ("plain", False, False, False),
    ("system", False, True, False), ("system", True, True, False), ("plain", True, True, False),
    ("turns", False, True, False), ("turns", False, True, True), ("turns", False, False, False), ("answered", False, False, False),
    ("escapes", False, True, False), ("called", True, True, False), ("called-types", True, True, False), ("called-twice", True, True, False),
    ("thoughts", True, True, True), ("thoughts", True, False, False),
]


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def main(folder):
    chat_template_utils.datetime = Clock
    given = json.loads((folder / "conversations.json").read_text())
    for path in sorted(folder.glob("*.jinja")):
        goldens = []
        for name, has_tools, begins, thinks in CASES:
            told = dict(
                add_generation_prompt=begins, enable_thinking=thinks, reasoning_effort="medium" if thinks else "low",
                bos_token="", eos_token="")
            try:
                [text], _ = chat_template_utils.render_jinja_template(
                    [given["conversations"][name]], tools=given["tools"] if has_tools else None, chat_template=path.read_text(), **told)
            except Exception as error:
                print(path.stem, name, error)
                text = None
            goldens.append(dict(conversation=name, tools=has_tools, told=told, text=text))
        lines = ",\n".join(json.dumps(golden, ensure_ascii=False) for golden in goldens)
        path.with_suffix(".json").write_text(f"[\n{lines}\n]\n")


main(Path(sys.argv[1]))
