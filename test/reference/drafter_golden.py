"""Golden for test/unit/convert/drafter.test.ts: a tiny drafter as tools/distill writes it, and what it guesses.

    python test/reference/drafter_golden.py test/fixtures/drafter

Needs torch and gguf. The head is the identity's first rows: logits are the guess itself, plus the bias.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "distill"))
from drafter import DraftLayer, write_drafter  # noqa: E402

HIDDEN, HEADS, KV_HEADS, HEAD_DIM, NEURONS, ROWS, VOCAB = 64, 4, 2, 16, 96, 5, 40
# Guesses behind the one of each row.
FURTHER = 2
THETA = 10_000.0
TOKENS = np.array([3, 5, 6, 11, 17, 20, 33, 39])


def main() -> None:
    torch.manual_seed(11)
    model = SimpleNamespace(norm=torch.rand(HIDDEN) + 0.5, heads=HEADS, kv_heads=KV_HEADS, head_dim=HEAD_DIM, epsilon=1e-6)
    layer = DraftLayer(model, taps=1, neurons=NEURONS, tokens=len(TOKENS))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.2)
        layer.gains.add_(torch.rand(layer.gains.shape))
    embedding, states = torch.randn(VOCAB, HIDDEN), torch.randn(1, ROWS, 2, HIDDEN)
    frequency = THETA ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    angle = torch.arange(ROWS + FURTHER)[:, None, None] * frequency
    mask = torch.ones(ROWS, ROWS, dtype=torch.bool).tril()[None, None]
    layer.quantise = True
    guesses, before, seen, product = [], [], states, torch.ones(ROWS)
    # Row i is followed by token i + 1, and by what was guessed.
    following = torch.arange(1, ROWS + 1)
    with torch.no_grad():
        head = torch.eye(HIDDEN)[torch.from_numpy(TOKENS)]
        for further in range(1 + FURTHER):
            rope = tuple(of[further : further + ROWS] for of in (angle.cos(), angle.sin()))
            seen, rows = layer(layer.weights(), embedding[following][None], seen, rope, mask, before)
            before.append(rows)
            chance, best = F.softmax(F.linear(layer.normed(seen)[0], head) + layer.bias, dim=-1).max(-1)
            following, product = torch.from_numpy(TOKENS)[best], product * chance
            guesses.append({"token": following.tolist(), "probability": product.tolist()})
    folder = Path(sys.argv[1])
    about = {
        "model": "tiny",
        "dims": {"layers": 3, "hidden": HIDDEN, "vocab": VOCAB},
        "taps": [1],
        "training": {"tokens": 1, "seed": 11, "heldOut": {"code": {"tokens": 1, "right": [0.5]}}},
    }
    write_drafter(folder, layer, TOKENS, about)
    taps, hidden = (states[0, :, i].flatten().tolist() for i in range(2))
    golden = {"embedding": embedding.flatten().tolist(), "taps": taps, "hidden": hidden, "guesses": guesses}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
