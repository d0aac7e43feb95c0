"""Qwen2 from a GGUF: every position with all experts, or the far ones through a student."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from torch import Tensor
from torch.nn import functional as F

from recipe import Carving


@dataclass
class Reading:
    """How a sequence is read: positions head .. to - 1 with k routed experts, all others with all of them.

    With `layers` those go through that many layers only, and a shortcut says the keys and values of the others.
    """

    head: int
    to: int
    k: int
    layers: int | None = None

    def near(self, x: Tensor) -> Tensor:
        """The other positions of x [batch, n, ...]."""
        return torch.cat([x[:, : self.head], x[:, self.to :]], dim=1)


@dataclass
class Pass:
    hidden: Tensor  # [batch, n, hidden] after the last layer, before the final norm
    # Of each layer [batch, n, kv heads x head dim], before bias and RoPE: the keys' biases are far longer than what differs
    # between positions, and the same everywhere.
    keys: list[Tensor]
    values: list[Tensor]
    # Of the layers that were asked for [batch, n, hidden]: what they are given.
    taps: list[Tensor] = field(default_factory=list)


class Qwen2:
    """Frozen. The feed-forward neurons stand in the order of the carving, if there is one, which changes nothing but rounding.

    Matrices are kept, and multiplied with, in `precision`; the residual stream and the norms are float32.
    """

    def __init__(self, path: Path, carving: Carving | None, device: str, precision: torch.dtype):
        reader = GGUFReader(path)
        number = lambda name: reader.get_field(f"qwen2.{name}").contents()
        tensors = {tensor.name: tensor for tensor in reader.tensors}

        def load(name: str) -> Tensor:
            tensor = tensors[name]
            values = torch.from_numpy(np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32))
            return values.to(device, precision if values.dim() == 2 else torch.float32)

        self.layers = number("block_count")
        hidden = number("embedding_length")
        if carving and (self.layers, hidden, number("feed_forward_length")) != (carving.layers, carving.hidden, carving.feed_forward):
            raise SystemExit(f"The carving is for {carving.model}, which {path} is not.")
        self.heads, self.kv_heads = number("attention.head_count"), number("attention.head_count_kv")
        self.head_dim = hidden // self.heads
        self.theta, self.epsilon = number("rope.freq_base"), number("attention.layer_norm_rms_epsilon")
        self.embedding = load("token_embd.weight")
        self.output = load("output.weight") if "output.weight" in tensors else self.embedding
        self.norm = load("output_norm.weight")

        def block(index: int) -> dict:
            part = lambda name: load(f"blk.{index}.{name}")
            order = torch.from_numpy(carving.order[index]).to(device) if carving else slice(None)
            return {
                "attention_norm": part("attn_norm.weight"),
                **{name: (part(f"attn_{name}.weight"), part(f"attn_{name}.bias")) for name in ("q", "k", "v")},
                "attention_out": part("attn_output.weight"),
                "norm": part("ffn_norm.weight"),
                "gate": part("ffn_gate.weight")[order],
                "up": part("ffn_up.weight")[order],
                "down": part("ffn_down.weight")[:, order].contiguous(),
            }

        # NumPy lets go of the interpreter while it multiplies.
        with ThreadPoolExecutor() as pool:
            self.blocks = list(pool.map(block, range(self.layers)))

    def read(self, tokens: Tensor, students=None, reading: Reading | None = None, taps=(), shortcut=None) -> Pass:
        """tokens i64 [batch, n]. With `students` (a SparseLayer for each layer) as `reading` says, else all exact.

        Behind a shortcut `hidden` holds the near positions alone.
        """
        x = F.embedding(tokens, self.embedding).float()
        rope = self._rope(tokens.shape[1], x.device)
        out = Pass(x, [], [])
        told = None
        for index, block in enumerate(self.blocks):
            if index in taps:
                out.taps.append(x)
            if reading is not None and index == reading.layers:
                told = shortcut(x[:, reading.head : reading.to])
                x = reading.near(x)
            skipped = told and (reading, *told[index - reading.layers])
            x = x + self._attention(block, self._normed(x, block["attention_norm"]), rope, out, skipped=skipped)
            y = self._normed(x, block["norm"])
            if reading is None or told:
                x = x + dense(block, y)
                continue
            near, far, rest = y.split([reading.head, reading.to - reading.head, y.shape[1] - reading.to], dim=1)
            read = [dense(block, near), students[index](far, block, reading.k), dense(block, rest)]
            x = x + torch.cat(read, dim=1)
        out.hidden = x
        return out

    def new_cache(self, batch: int, rows: int, device) -> list[tuple[Tensor, Tensor]]:
        shape = (batch, self.kv_heads, rows, self.head_dim)
        empty = lambda: torch.zeros(shape, dtype=self.embedding.dtype, device=device)
        return [(empty(), empty()) for _ in self.blocks]

    def extend(self, tokens: Tensor, at: int, cache: list[tuple[Tensor, Tensor]], taps=()) -> Tensor:
        """States of the last of tokens i64 [batch, n], which follow the `at` rows in the cache, or begin it.

        [batch, taps + 1, hidden]: what the layers of `taps` are given, and the state after the last layer.
        """
        x = F.embedding(tokens, self.embedding).float()
        n = tokens.shape[1]
        rope = tuple(of[at : at + n] for of in self._rope(at + n, x.device))
        states = []
        for index, (block, rows) in enumerate(zip(self.blocks, cache)):
            if index in taps:
                states.append(x[:, -1])
            x = x + self._attention(block, self._normed(x, block["attention_norm"]), rope, None, (at, rows))
            x = x + dense(block, self._normed(x, block["norm"]))
        return torch.stack([*states, x[:, -1]], dim=1)

    def log_probs(self, hidden: Tensor) -> Tensor:
        """hidden [..., hidden] -> natural-log probabilities [..., vocab]"""
        return F.log_softmax(self.logits(hidden).float(), dim=-1)

    def logits(self, hidden: Tensor, output: Tensor | None = None) -> Tensor:
        """hidden [..., hidden] -> [..., rows of `output`], the model's own if there is none"""
        return F.linear(self._normed(hidden, self.norm), self.output if output is None else output)

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, self.epsilon)

    def _attention(
        self, block: dict, x: Tensor, rope: tuple[Tensor, Tensor], out: Pass | None, cached=None, skipped=None
    ) -> Tensor:
        """`skipped`: a reading whose far positions are not in x, and their keys and values."""
        batch, n, _ = x.shape
        plain = {name: F.linear(x, block[name][0]) for name in ("q", "k", "v")}
        rope_q, mask = rope, None
        if skipped:
            reading, *found = skipped
            for name, far in zip(("k", "v"), found):
                near = plain[name]
                plain[name] = torch.cat([near[:, : reading.head], far.to(near.dtype), near[:, reading.head :]], dim=1)
            at = torch.arange(len(rope[0]), device=x.device)
            rows = reading.near(at[None])[0]
            rope_q, mask = tuple(of[rows] for of in rope), rows[:, None] >= at[None, :]
        if out:
            out.keys.append(plain["k"])
            out.values.append(plain["v"])
        biased = {name: (of + block[name][1]).unflatten(-1, (-1, self.head_dim)) for name, of in plain.items()}
        q, k, v = rotated(biased["q"], rope_q), rotated(biased["k"], rope), biased["v"]
        q, k, v = (of.transpose(1, 2) for of in (q, k, v))
        if cached:
            at, (keys, values) = cached
            keys[:, :, at : at + n], values[:, :, at : at + n] = k, v
            q, k, v = q.to(keys.dtype), keys[:, :, : at + n], values[:, :, : at + n]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None and n > 1, enable_gqa=True)
        return F.linear(mixed.transpose(1, 2).reshape(batch, n, -1), block["attention_out"])

    def _rope(self, n: int, device) -> tuple[Tensor, Tensor]:
        frequency = self.theta ** (-torch.arange(0, self.head_dim, 2, device=device) / self.head_dim)
        angle = torch.arange(n, device=device)[:, None, None] * frequency  # [n, 1, head dim / 2]
        return angle.cos(), angle.sin()


def dense(block: dict, x: Tensor) -> Tensor:
    return F.linear(F.silu(F.linear(x, block["gate"])) * F.linear(x, block["up"]), block["down"])


def rotated(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Half-rotate RoPE; x [batch, n, heads, head dim]"""
    (cos, sin), (a, b) = rope, x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)
