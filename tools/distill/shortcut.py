"""What the far part of a prompt is spared: one linear map says the keys and values of the last layers.

The idea is SwiftKV's (arXiv 2410.03960). The map is given the state that the first of those layers would be given, normalised.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drafter import quantise
from recipe import Carving, write_sealed

# Of the ridge regression that the map begins as, beside the Gram matrix's mean diagonal.
PENALTY = 1e-3


class Shortcut(nn.Module):
    """Of the layers from `first` on: x [..., hidden] -> keys and values [..., width] before bias and RoPE, of each layer."""

    def __init__(self, first: int, layers: int, hidden: int, width: int, epsilon: float):
        super().__init__()
        self.first, self.width, self.epsilon = first, width, epsilon
        outputs = 2 * (layers - first) * width
        # In units of the outputs' deviations, which differ by orders of magnitude.
        self.weight = nn.Parameter(torch.zeros(outputs, hidden))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("deviations", torch.ones(outputs))
        # 1 / deviation of each channel after RMS normalisation, so that all are of one size.
        self.register_buffer("gains", torch.ones(hidden))

    def unit(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), x.shape[-1:], None, self.epsilon) * self.gains

    def start(self, x: Tensor, wanted: Tensor) -> None:
        """Ridge regression; x [rows, hidden], wanted [rows, outputs]."""
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            self.gains.copy_(1 / (self.unit(x).std(dim=0) + 1e-3))
            x, wanted = self.unit(x), wanted.float()
            center, mean = x.mean(dim=0), wanted.mean(dim=0)
            self.deviations.copy_(wanted.std(dim=0) + 1e-6)
            x, wanted = x - center, (wanted - mean) / self.deviations
            gram = x.T @ x
            gram.diagonal().add_(PENALTY * gram.diagonal().mean())
            weight = torch.linalg.solve(gram, x.T @ wanted).T
            self.weight.copy_(weight)
            self.bias.copy_(mean / self.deviations - weight @ center)

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """As the engine multiplies: in four bits; the gradient goes through as if they left all."""
        out = (F.linear(self.unit(x), self.rounded()) + self.bias) * self.deviations
        parts = out.split(self.width, dim=-1)
        return list(zip(parts[0::2], parts[1::2]))

    def rounded(self) -> Tensor:
        with torch.no_grad():
            codes, scales = quantise(self.weight)
            rounded = (codes * scales[..., None]).flatten(1)
        return self.weight + (rounded - self.weight).detach()


def write_shortcut(folder: Path, carving: Carving, shortcut: Shortcut, training: dict) -> None:
    """The files that src/convert/shortcut.ts reads: outputs' deviations go into scales and biases."""
    codes, scales = quantise(shortcut.weight)
    numbers = lambda of, kind: of.detach().float().cpu().numpy().astype(kind).tobytes()
    nibbles = (codes + 8).to(torch.uint8).flatten()
    packed = nibbles[0::2] | (nibbles[1::2] << 4)
    parts = [
        numbers(shortcut.gains, "<f4"),
        numbers(shortcut.bias * shortcut.deviations, "<f4"),
        numbers(scales * shortcut.deviations[:, None], "<f4"),
        packed.cpu().numpy().tobytes(),
    ]
    about = {
        "format": 1,
        "model": carving.model,
        "dims": {"layers": carving.layers, "hidden": carving.hidden, "keysAndValues": 2 * shortcut.width},
        "first": shortcut.first,
        "carvingSha256": carving.sha256,
        "training": training,
    }
    write_sealed(folder, "shortcut", b"".join(parts), about)
