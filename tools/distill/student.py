"""What is trained: the routers of a carving and low-rank deltas of its feed-forward matrices; nothing else.

Every parameter is in units of what it acts on (the root mean squares that the carving brings), because channels of the
states differ by orders of magnitude: one learning rate then moves all of them by the same part.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipe import MATRICES, Carving, TrainedLayer

# Width of the soft edge between chosen and skipped experts, in the router's units (logarithms of lengths).
EDGE = 0.5


def choose(scores: Tensor, k: int) -> Tensor:
    """Mask [..., experts] of the k best, 0 or 1, with the gradient of a sigmoid around the edge of the choice.

    Forward it is the hard choice, because that is what the engine runs: a soft one would train a model in which skipped
    experts still speak a little. Backward it is straight-through: the loss of having each expert, chosen or not, is known
    here (the mask multiplies what all of them say), so the router hears about the skipped ones too.
    """
    best = scores.topk(k, dim=-1)
    hard = torch.zeros_like(scores).scatter_(-1, best.indices, 1.0)
    others = scores.detach().masked_fill(hard.bool(), -torch.inf).amax(-1, keepdim=True)
    edge = (best.values.detach().amin(-1, keepdim=True) + others) / 2
    soft = torch.sigmoid((scores - edge) / EDGE)
    return hard + (soft - soft.detach())


class Delta(nn.Module):
    """b @ a beside one matrix [rows, cols]; nothing at first."""

    def __init__(self, weight: Tensor, input_rms: Tensor, rank: int, random: torch.Generator):
        super().__init__()
        rows, cols = weight.shape
        self.a = nn.Parameter(torch.randn(rank, cols, generator=random))
        self.b = nn.Parameter(torch.zeros(rows, rank))
        self.register_buffer("input_scale", 1 / (input_rms * cols**0.5), persistent=False)
        # Length of a row's output if the input channels were independent.
        self.register_buffer("output_scale", (weight.float().cpu().square() @ input_rms.square()).sqrt(), persistent=False)

    def factors(self) -> tuple[Tensor, Tensor]:
        return self.a * self.input_scale, self.b * self.output_scale[:, None]

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.factors()
        return F.linear(F.linear(x, a), b)


class SparseLayer(nn.Module):
    """The feed-forward layer as the `routed` graph computes it. Neurons are in carved order."""

    def __init__(self, carving: Carving, index: int, weights: dict[str, Tensor], rank: int, random: torch.Generator):
        super().__init__()
        self.order = carving.order[index]
        self.shared, self.experts = carving.shared_neurons, carving.routed
        input_rms = torch.from_numpy(carving.input_rms[index]).clamp_min(1e-6)
        middle_rms = torch.from_numpy(carving.middle_rms[index][self.order]).clamp_min(1e-6)
        for name in MATRICES:
            rms = middle_rms if name == "down" else input_rms
            self.add_module(name, Delta(weights[name], rms, rank, random))
        self.router = nn.Parameter(torch.zeros(carving.hidden, carving.routed))
        self.bias = nn.Parameter(torch.zeros(carving.routed))
        self.register_buffer("router_scale", 1 / (input_rms[:, None] * carving.hidden**0.5), persistent=False)
        self.register_buffer("router0", torch.from_numpy(carving.router[index]), persistent=False)
        self.register_buffer("bias0", torch.from_numpy(carving.router_bias[index]), persistent=False)

    def routing(self) -> tuple[Tensor, Tensor]:
        return self.router0 + self.router * self.router_scale, self.bias0 + self.bias

    def forward(self, x: Tensor, weights: dict[str, Tensor], k: int) -> Tensor:
        """x [..., hidden], normed -> [..., hidden]; `weights` as published, in carved order."""
        gate = F.linear(x, weights["gate"]) + self.gate(x)
        middle = F.silu(gate) * (F.linear(x, weights["up"]) + self.up(x))
        router, bias = self.routing()
        # In float32 as in the graph: the choice hangs on small differences.
        with torch.autocast(x.device.type, enabled=False):
            mask = choose(x.float() @ router + bias, k)
        spoken = middle[..., self.shared :].unflatten(-1, (self.experts, -1)) * mask[..., None].to(middle.dtype)
        middle = torch.cat([middle[..., : self.shared], spoken.flatten(-2)], dim=-1)
        return F.linear(middle, weights["down"]) + self.down(middle)

    @torch.no_grad()
    def start(self, trained: TrainedLayer) -> None:
        """Goes on from what trained() gave."""
        tensor = lambda values: torch.from_numpy(values).to(self.router)
        self.router.copy_((tensor(trained.router) - self.router0) / self.router_scale)
        self.bias.copy_(tensor(trained.router_bias) - self.bias0)
        for name in MATRICES:
            a, b = map(tensor, trained.deltas[name])
            delta = self.get_submodule(name)
            delta.a.copy_((a[:, self.order] if name == "down" else a) / delta.input_scale)
            delta.b.copy_((b if name == "down" else b[self.order]) / delta.output_scale[:, None].clamp_min(1e-12))

    def trained(self) -> TrainedLayer:
        """As the recipe wants it: plain factors, neurons in published order."""
        numbers = lambda tensor: tensor.detach().float().cpu().numpy()
        router, bias = self.routing()
        deltas = {name: tuple(map(numbers, self.get_submodule(name).factors())) for name in MATRICES}
        for name in ("gate", "up"):
            a, b = deltas[name]
            published = np.empty_like(b)
            published[self.order] = b
            deltas[name] = (a, published)
        a, b = deltas["down"]
        published = np.empty_like(a)
        published[:, self.order] = a
        deltas["down"] = (published, b)
        return TrainedLayer(router=numbers(router), router_bias=numbers(bias), deltas=deltas)
