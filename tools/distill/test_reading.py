"""python -m pytest tools/distill: what is measured is what a row says. On the carving of test/fixtures/deltas."""

from pathlib import Path

import torch
from torch.nn import functional as F

from carve import Groups, clusters, ridge
from qwen2 import dense
from reading import HEAD, PROMPT, WRITTEN, Layer, Row, Text, expert_counts
from recipe import read_carving
from student import SparseLayer

CARVING = read_carving(Path(__file__).parents[2] / "test" / "fixtures" / "deltas")
TOKENS = torch.randint(0, 50, (PROMPT + WRITTEN,), generator=torch.Generator().manual_seed(0))
TEXT = Text(TOKENS, torch.arange(len(TOKENS)) // 10, torch.rand(PROMPT), 0.0, TOKENS[PROMPT:])


def test_every_position_is_read_with_its_own_number_of_experts():
    random = torch.Generator().manual_seed(3)
    hidden, neurons, experts = CARVING.hidden, CARVING.feed_forward, CARVING.routed
    shapes = {"gate": (neurons, hidden), "up": (neurons, hidden), "down": (hidden, neurons)}
    block = {name: torch.randn(shape, generator=random) for name, shape in shapes.items()}
    student = SparseLayer(CARVING, 1, block, rank=2, random=random)
    numbers = map(torch.from_numpy, (CARVING.router[1], CARVING.router_bias[1]))
    groups = Groups(CARVING.shared_neurons, experts, CARVING.routed_neurons, *numbers)
    x = torch.randn(experts, hidden, generator=random)
    (read,) = Layer(Row("any"), groups, torch.arange(experts) + 1)(x[None], block, None)
    for k in range(1, experts):
        torch.testing.assert_close(read[k - 1], student(x[k - 1], block, k), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(read[-1], dense(block, x[-1]), rtol=1e-4, atol=1e-4)


def test_rows_of_the_same_work_have_the_same_work():
    flat = expert_counts(Row("flat", k=4), TEXT, 24, 13)
    assert (flat[:, :HEAD] == 13).all() and (flat[:, PROMPT - 64 :] == 13).all() and (flat == 4).sum() == 24 * (PROMPT - 64 - HEAD)
    for changed in (Row("layers", quarters=(2, 7, 4, 3)), Row("graded", grades=(1, 3, 8))):
        counts = expert_counts(changed, TEXT, 24, 13)
        assert counts.double().mean().sub(flat.double().mean()).abs() < 0.01 and counts.unique().tolist() != flat.unique().tolist()
    longer = expert_counts(Row("longer", tail=128), TEXT, 24, 13)
    for rule in ("random", "spaced", "repeated", "names", "lines", "attended"):
        assert expert_counts(Row(rule, points=(rule, 64)), TEXT, 24, 13).sum() == longer.sum()


def test_experts_are_equal_groups_of_like_directions():
    middles = F.normalize(torch.randn(4, 32, generator=torch.Generator().manual_seed(1)), dim=-1)
    rows = F.normalize(middles.repeat(8, 1) + 0.05 * torch.randn(32, 32, generator=torch.Generator().manual_seed(2)), dim=-1)
    members = clusters(rows, 4)
    assert [len(of) for of in members] == [8] * 4
    assert sorted(torch.cat(members).tolist()) == list(range(32))
    likeness = lambda groups: sum((rows[of] @ rows[of].T).mean() for of in groups)
    assert likeness(members) > 1.5 * likeness(torch.arange(32).chunk(4))


def test_a_router_is_the_best_linear_map():
    random = torch.Generator().manual_seed(5)
    x = torch.randn(2000, 16, generator=random) * torch.linspace(0.1, 9, 16) + 2
    matrix = torch.randn(16, 3, generator=random)
    found, bias = ridge(x, x @ matrix + 7, torch.rand(2000, generator=random))
    error = (x @ found + bias - x @ matrix - 7).square().mean() / (x @ matrix).var()
    assert error < 0.001, error
