"""Text to train on: every file of a folder gives sequences of equal length; every twentieth file is held out."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

HELD_OUT_EVERY = 20


@dataclass
class Corpus:
    train: Tensor  # i64 [sequences, n]
    held_out: Tensor  # likewise, of other files
    sha256: str  # of all files' bytes in the order of their names

    def batch(self, step: int, size: int, seed: int) -> Tensor:
        """The sequences of a step: the same ones whenever training is resumed."""
        picks = random.Random(f"{seed} {step}").choices(range(len(self.train)), k=size)
        return self.train[picks]


def load_corpus(path: Path, tokenizer: Path | None, n: int) -> Corpus:
    """A folder of text, or what pack.py made of one."""
    if path.is_dir():
        if tokenizer is None:
            raise SystemExit("A folder of text needs --tokenizer.")
        return read_corpus(path, Tokenizer.from_file(str(tokenizer)), n)
    packed = np.load(path)
    train, held_out = (torch.from_numpy(packed[name].astype(np.int64)) for name in ("train", "held_out"))
    if train.shape[1] != n:
        raise SystemExit(f"{path} holds sequences of {train.shape[1]} tokens: use --length {train.shape[1]}.")
    return Corpus(train, held_out, str(packed["sha256"]))


def corpus_texts(folder: Path, tokenizer: Tokenizer, n: int) -> list[list[int]]:
    """Stretches of n tokens from all files, in an order of their own."""
    parts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        ids = tokenizer.encode(path.read_text("utf-8", errors="replace"), add_special_tokens=False).ids
        parts.extend(ids[at : at + n] for at in range(0, len(ids) - n + 1, n))
    random.Random(0).shuffle(parts)
    return parts


def read_corpus(folder: Path, tokenizer: Tokenizer, n: int) -> Corpus:
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    parts: tuple[list, list] = ([], [])
    for index, path in enumerate(names):
        data = path.read_bytes()
        digest.update(data)
        ids = tokenizer.encode(data.decode("utf-8", errors="replace"), add_special_tokens=False).ids
        parts[index % HELD_OUT_EVERY == 0].extend(ids[at : at + n] for at in range(0, len(ids) - n + 1, n))
    if not all(parts):
        raise SystemExit(f"{folder} has too little text for sequences of {n} tokens, some of them held out.")
    train, held_out = (torch.tensor(part) for part in parts)
    return Corpus(train, held_out, digest.hexdigest())
