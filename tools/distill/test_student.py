"""python -m pytest tools/distill: what is written is what was trained. On the carving of test/fixtures/deltas."""

from pathlib import Path

import numpy as np
import torch

from recipe import read_carving
from shortcut import Shortcut
from student import SparseLayer, choose

CARVING = read_carving(Path(__file__).parents[2] / "test" / "fixtures" / "deltas")


def test_the_recipe_of_a_student_gives_its_outputs():
    random = torch.Generator().manual_seed(3)
    hidden, neurons, shared = CARVING.hidden, CARVING.feed_forward, CARVING.shared_neurons
    shapes = {"gate": (neurons, hidden), "up": (neurons, hidden), "down": (hidden, neurons)}
    published = {name: torch.randn(shape, generator=random) for name, shape in shapes.items()}
    order = CARVING.order[1]
    carved = {name: of[:, order] if name == "down" else of[order] for name, of in published.items()}
    layer = SparseLayer(CARVING, 1, carved, rank=2, random=random)
    for parameter in layer.parameters():
        parameter.data += torch.randn(parameter.shape, generator=random)
    x = torch.randn(6, hidden, generator=random)

    trained = layer.trained()
    gate, up, down = (of + torch.from_numpy(np.matmul(*trained.deltas[name][::-1])) for name, of in published.items())
    scores = x @ torch.from_numpy(trained.router) + torch.from_numpy(trained.router_bias)
    for k in (1, 2, 3):
        speaks = torch.zeros(6, neurons)
        speaks[:, order[:shared]] = 1
        for row, experts in enumerate(scores.topk(k).indices):
            for expert in experts:
                start = shared + expert * CARVING.routed_neurons
                speaks[row, order[start : start + CARVING.routed_neurons]] = 1
        wanted = (torch.nn.functional.silu(x @ gate.T) * (x @ up.T) * speaks) @ down.T
        torch.testing.assert_close(layer(x, carved, k), wanted, rtol=1e-4, atol=1e-4)


def test_a_choice_is_hard_forward_and_tells_every_expert_backward():
    scores = torch.tensor([[0.1, 0.9, 0.2, -3.0]], requires_grad=True)
    mask = choose(scores, 2)
    assert mask.tolist() == [[0, 1, 1, 0]]
    mask.sum().backward()
    assert (scores.grad > 0).all()


def test_a_student_goes_on_from_its_recipe():
    random = torch.Generator().manual_seed(4)
    neurons, hidden = CARVING.feed_forward, CARVING.hidden
    shapes = {"gate": (neurons, hidden), "up": (neurons, hidden), "down": (hidden, neurons)}
    weights = {name: torch.randn(shape, generator=random) for name, shape in shapes.items()}
    one, other = (SparseLayer(CARVING, 0, weights, rank=2, random=random) for _ in range(2))
    for parameter in one.parameters():
        parameter.data += torch.randn(parameter.shape, generator=random)
    other.start(one.trained())
    x = torch.randn(5, hidden, generator=random)
    torch.testing.assert_close(other(x, weights, 2), one(x, weights, 2), rtol=1e-4, atol=1e-4)


def test_a_shortcut_begins_as_the_best_linear_map():
    random = torch.Generator().manual_seed(5)
    x = torch.randn(4000, 64, generator=random) * torch.linspace(0.1, 9, 64)
    shortcut = Shortcut(first=1, layers=2, hidden=64, width=8, epsilon=1e-6)
    matrix = torch.randn(16, 64, generator=random)
    wanted = torch.nn.functional.rms_norm(x, (64,)) @ matrix.T + 3
    shortcut.start(x, wanted)
    (told,) = shortcut(x)
    # Four bits leave about a part in a hundred.
    error = (torch.cat(told, dim=-1) - wanted).square().mean() / wanted.var()
    assert error < 0.02, error
