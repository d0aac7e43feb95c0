"""Deals the neurons of a model into experts as `moebius carve` does, with other numbers of them or another choice of the shared one.

For comparing carvings in reading.py; those that are shipped are made by `moebius carve`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from qwen2 import Qwen2, rotated

ROUNDS = 6
PENALTY = 0.01
# An expert that says nothing has this length, as a part of the state's.
FLOOR = 1e-5
# Of a token's neurons the part that counts as on, where the shared expert is chosen by how often they are.
ON = 0.25


@dataclass
class Groups:
    """A layer's experts: the shared one's neurons first, then routed ones of `each` neurons."""

    shared: int
    experts: int
    each: int
    router: Tensor  # f32 [hidden, experts]
    bias: Tensor  # f32 [experts]
    order: Tensor | None = None  # i64 [neurons]: where in the model they stand; None: as they are here

    def part(self, expert: int) -> slice:
        start = self.shared + expert * self.each
        return slice(start, start + self.each)


def middle(block: dict, x: Tensor, part=slice(None)) -> Tensor:
    return F.silu(F.linear(x, block["gate"][part])) * F.linear(x, block["up"][part])


def speak(block: dict, x: Tensor, part: slice) -> Tensor:
    """What some neurons add to the layer's output."""
    return F.linear(middle(block, x, part), block["down"][:, part])


def lengths(block: dict, x: Tensor, groups: Groups) -> Tensor:
    """[..., experts]: of what each routed expert would say."""
    return torch.stack([speak(block, x, groups.part(expert)).norm(dim=-1) for expert in range(groups.experts)], dim=-1)


@dataclass
class Step:
    """A layer of an exact pass."""

    block: dict
    attention_in: Tensor  # [batch, n, hidden], normed
    x: Tensor  # likewise, what the feed-forward part is given
    middle: Tensor  # [batch, n, neurons]
    state: Tensor  # [batch, n, hidden] after the layer


def walk(model: Qwen2, tokens: Tensor) -> Iterator[Step]:
    state = F.embedding(tokens, model.embedding)
    rope = model._rope(tokens.shape[1], tokens.device)
    for block in model.blocks:
        attention_in = model._normed(state, block["attention_norm"])
        state = state + model._attention(block, attention_in, rope, None)
        x = model._normed(state, block["norm"])
        h = middle(block, x)
        state = state + F.linear(h, block["down"])
        yield Step(block, attention_in, x, h, state)


def looks(model: Qwen2, step: Step, since: int) -> Tensor:
    """[n]: how much attention the positions from `since` on give each one, all heads together; a batch of one."""
    rope = model._rope(step.state.shape[1], step.state.device)
    q, k = (rotated(F.linear(step.attention_in, *step.block[name]).unflatten(-1, (-1, model.head_dim)), rope)[0] for name in "qk")
    k = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)
    at = torch.arange(len(k))
    scores = torch.einsum("qhd,khd->hqk", q[since:], k) / model.head_dim**0.5
    return scores.masked_fill(at[since:, None] < at, -torch.inf).softmax(dim=-1).sum(dim=(0, 1))


def carve(model: Qwen2, tokens: Tensor, kinds: dict[str, tuple[int, int, str]]) -> dict[str, list[Groups]]:
    """By name the groups of each layer, from tokens i64 [batch, n]. Kinds: routed experts, neurons of each, how the shared one is chosen."""
    made = {name: [] for name in kinds}
    for step in walk(model, tokens):
        x, h, state = (of.flatten(0, 1) for of in (step.x, step.middle, step.state))
        length = state.norm(dim=-1)
        share = h.abs() * step.block["down"].norm(dim=0) / length[:, None]
        on = share >= share.topk(int(ON * share.shape[1]), dim=-1).values[:, -1:]
        merits = {"contribution": share.mean(dim=0), "rate": on.float().mean(dim=0)}
        for name, (experts, each, merit) in kinds.items():
            order = merits[merit].argsort(descending=True)
            shared = len(order) - experts * each
            rest = order[shared:].sort().values
            members = clusters(F.normalize(step.block["gate"][rest], dim=-1), experts)
            order = torch.cat([order[:shared], *(rest[of] for of in members)])
            groups = Groups(shared, experts, each, torch.empty(0), torch.empty(0), order)
            down = step.block["down"][:, order]
            said = [(h[:, order[part]] @ down[:, part].T).norm(dim=-1) for part in map(groups.part, range(experts))]
            targets = (torch.stack(said, dim=-1) + FLOOR * length[:, None]).log()
            weights = length.square().reciprocal()
            weights = (weights / weights.mean()).clamp_max(10)
            groups.router, groups.bias = ridge(x, targets - targets.mean(dim=-1, keepdim=True), weights)
            made[name].append(groups)
    return made


def clusters(rows: Tensor, count: int) -> list[Tensor]:
    """Equal groups of like directions: balanced k-means, where the most similar pair of all is joined first. Rows of length 1."""
    each = len(rows) // count
    centres = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:count]]
    for _ in range(ROUNDS):
        group, room = [-1] * len(rows), [each] * count
        for pair in (rows @ centres.T).flatten().argsort(descending=True).tolist():
            row, at = divmod(pair, count)
            if group[row] < 0 and room[at]:
                group[row] = at
                room[at] -= 1
        members = [(torch.tensor(group) == at).nonzero().squeeze(-1) for at in range(count)]
        centres = F.normalize(torch.stack([rows[of].mean(dim=0) for of in members]), dim=-1)
    return members


def ridge(x: Tensor, y: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Matrix [hidden, outputs] and bias that say y from x, which is standardised first."""
    part = (weights / weights.sum())[:, None]
    mean_x, mean_y = (part * x).sum(dim=0), (part * y).sum(dim=0)
    deviation = (part * (x - mean_x).square()).sum(dim=0).sqrt() + 1e-6
    root = weights.sqrt()[:, None]
    standard = root * (x - mean_x) / deviation
    gram = (standard.T @ standard).double()
    gram += PENALTY * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    matrix = torch.linalg.solve(gram, (standard.T @ (root * (y - mean_y))).double()).float() / deviation[:, None]
    return matrix, mean_y - mean_x @ matrix
