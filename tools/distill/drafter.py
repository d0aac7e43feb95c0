"""The layer that guesses the token after next, and its files as `moebius convert` takes them (src/convert/drafter.ts)."""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qwen2 import Qwen2, rotated
from recipe import write_sealed

BLOCK = 32
MATRICES = ("projection", "query", "key", "value", "output", "gate", "up", "down")
NORMS = ("mixer_norm", "feed_forward_norm", "final_norm")


class DraftLayer(nn.Module):
    """As src/convert/drafter.ts describes it. Inputs: the next token's embedding, the tapped states, the last state, and its
    own state in place of these where the model has not run yet, which is how it guesses further than one token."""

    def __init__(self, model: Qwen2, taps: int, neurons: int, tokens: int):
        super().__init__()
        hidden, self.heads, self.kv_heads = model.norm.shape[0], model.heads, model.kv_heads
        self.head_dim, self.epsilon = model.head_dim, model.epsilon
        wide, narrow = self.heads * self.head_dim, self.kv_heads * self.head_dim
        inputs = taps + 3
        shapes = {
            "projection": (hidden, inputs * hidden), "query": (wide, hidden), "key": (narrow, hidden),
            "value": (narrow, hidden), "output": (hidden, wide), "gate": (neurons, hidden), "up": (neurons, hidden),
            "down": (hidden, neurons),
        }  # fmt: skip
        for name, (rows, cols) in shapes.items():
            scale = 0.0 if name in ("output", "down") else 0.1 / math.sqrt(cols)
            self.register_parameter(name, nn.Parameter(torch.randn(rows, cols) * scale))
        for name in NORMS:
            self.register_parameter(name, nn.Parameter(torch.ones(hidden)))
        self.bias = nn.Parameter(torch.zeros(tokens))
        # [inputs, hidden]: 1 / deviation of each channel after RMS normalisation, so that all are of one size.
        self.register_buffer("gains", torch.ones(inputs, hidden))
        # Smaller than the model's: a beginner who is sure of everything learns slowly.
        with torch.no_grad():
            self.final_norm.copy_(model.norm * 0.3)

    def start(self, inputs: Tensor) -> None:
        """Takes the gains from inputs [rows, taps + 2, hidden]; the last state, the model's or its own, goes on as it is,
        which is a guess of sorts."""
        deviations = self._unit(inputs.float()).std(dim=0) + 1e-3
        self.gains[:-1] = 1 / deviations
        self.gains[-1] = self.gains[-2]
        hidden = self.final_norm.shape[0]
        with torch.no_grad():
            for part in self.projection.split(hidden, dim=1)[-2:]:
                part += torch.diag(deviations[-1])

    def _unit(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, x.shape[-1:], None, self.epsilon)

    def normed(self, state: Tensor) -> Tensor:
        """What meets the output projection."""
        return F.rms_norm(state, state.shape[-1:], self.final_norm, self.epsilon)

    def weights(self) -> dict[str, Tensor]:
        return {name: self.quantised(name) for name in MATRICES}

    def forward(self, weight: dict[str, Tensor], embedding: Tensor, states: Tensor, rope, mask: Tensor, before=()):
        """One guess for every row of embedding [batch, n, hidden]: its own state [batch, n, hidden], keys and values.

        `states`: [batch, n, taps + 1, hidden] of the model, or [batch, n, hidden] of the guess before this one. `mask`
        [batch or 1, 1, n, n] says which rows' keys and values `before[0]` are seen; of those of the guesses after it a row
        sees the one in its place, and its own.
        """
        batch, n = embedding.shape[:2]
        is_own = states.dim() == 3
        model_states = self.gains.shape[0] - 2
        inputs = torch.cat([embedding[:, :, None], states[:, :, None] if is_own else states], dim=2).float()
        at = [0, -1] if is_own else list(range(model_states + 1))
        parts = weight["projection"].split(embedding.shape[-1], dim=1)
        x = F.linear((self._unit(inputs) * self.gains[at]).flatten(2), torch.cat([parts[i] for i in at], dim=1)).float()
        y = F.rms_norm(x, x.shape[-1:], self.mixer_norm, self.epsilon)
        q, k, v = (F.linear(y, weight[name]).view(batch, n, -1, self.head_dim) for name in ("query", "key", "value"))
        rows = (rotated(k, rope).transpose(1, 2), v.transpose(1, 2))
        seen = [*before, rows]
        if before:
            itself = torch.eye(n, dtype=torch.bool, device=mask.device).expand(mask.shape)
            mask = torch.cat([mask, *[itself] * len(before)], dim=-1)
        groups = self.heads // self.kv_heads
        k, v = (torch.cat(of, dim=2).repeat_interleave(groups, dim=1) for of in zip(*seen))
        mixed = F.scaled_dot_product_attention(rotated(q, rope).transpose(1, 2), k, v, attn_mask=mask)
        x = x + F.linear(mixed.transpose(1, 2).reshape(batch, n, -1), weight["output"])
        y = F.rms_norm(x, x.shape[-1:], self.feed_forward_norm, self.epsilon)
        x = x + F.linear(F.silu(F.linear(y, weight["gate"])) * F.linear(y, weight["up"]), weight["down"])
        return x, rows

    quantise = False

    def quantised(self, name: str) -> Tensor:
        """What 4 bits leave of a matrix; the gradient goes through as if they left all."""
        weight = self.get_parameter(name)
        if not self.quantise:
            return weight
        with torch.no_grad():
            codes, scales = quantise(weight)
            rounded = (codes * scales[..., None]).flatten(1)
        return weight + (rounded - weight).detach()


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """codes -8..7 [rows, blocks, BLOCK], scales [rows, blocks] in half precision: the largest value becomes -8."""
    blocks = weight.detach().float().unflatten(1, (-1, BLOCK))
    largest = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True))
    best, least = None, None
    for factor in (1.0, 0.94, 0.88, 1.06):
        scale = (largest / -8 * factor).half().float()
        codes = (blocks / torch.where(scale == 0, 1.0, scale)).round().clamp(-8, 7)
        error = (codes * scale - blocks).square().sum(-1, keepdim=True)
        if best is None:
            best, least = scale, error
        best, least = torch.where(error < least, scale, best), torch.minimum(error, least)
    codes = (blocks / torch.where(best == 0, 1.0, best)).round().clamp(-8, 7)
    return codes, best[..., 0]


def write_drafter(folder: Path, layer: DraftLayer, tokens: np.ndarray, about: dict) -> None:
    """`tokens`: what can be guessed."""
    numbers = lambda of, kind: of.detach().float().cpu().numpy().astype(kind).tobytes()
    parts = [tokens.astype("<u4").tobytes(), numbers(layer.bias, "<f4"), numbers(layer.gains, "<f4")]
    parts += [numbers(layer.get_parameter(name), "<f4") for name in NORMS]
    for name in MATRICES:
        codes, scales = quantise(layer.get_parameter(name))
        nibbles = (codes + 8).to(torch.uint8).flatten()
        packed = nibbles[0::2] | (nibbles[1::2] << 4)
        parts += [numbers(scales, "<f2"), packed.cpu().numpy().tobytes()]
    counts = {"vocabulary": len(tokens), "neurons": layer.gate.shape[0]}
    write_sealed(folder, "drafter", b"".join(parts), {"format": 3, **about, **counts})
