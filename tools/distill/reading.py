"""Measures ideas of reading a prompt sparsely without training, each against the plain way at the same work.

What came out: docs/moe.md, "Ideas that were measured".

python reading.py model.gguf --carving models/qwen2.5-coder-0.5b --tokenizer tokenizer.json --out reading.json

Nothing that is measured is measured again: run it once more and it goes on. A row is known by its name, so one that means
something else needs another name. A copy of the model is needed for each carving that is not the shipped one.
"""

import argparse
import json
import os
import sysconfig
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from carve import FLOOR, Groups, carve, lengths, looks, speak, walk
from qwen2 import Qwen2, Reading, dense
from recipe import read_carving, read_deltas

PROMPT, WRITTEN, HEAD = 1024, 128, 4
# The modules that test/curve/tail.ts and test/bench/corpus.ts measure with: what is carved or trained with leaves them out.
TEXTS = """configparser csv logging/__init__ pathlib zipfile turtle unittest/mock urllib/request doctest pdb pickle http/client
argparse ast dataclasses difflib inspect shutil socket statistics subprocess tarfile threading typing""".split()
# Others, to carve anew with, and the first of them to choose the layers' budgets with.
LEARNED = """mailbox optparse traceback smtplib asyncio/base_events email/message random weakref
ftplib gettext imaplib platform selectors tempfile xml/dom/minidom locale""".split()
CHOOSING = 4
# Positions that a statistic must have been measured on to be believed by half.
SHRINK = 8


@dataclass(frozen=True)
class Row:
    name: str
    against: str | None = None  # the row of the same work that it is compared with
    k: int = 4  # routed experts of each far position
    tail: int = 64
    head: int = HEAD
    grades: tuple[int, ...] = ()  # k of equal stretches of the far part, nearest last, instead of one for all
    quarters: tuple[int | None, ...] = ()  # k of each quarter of the layers, first quarter first; None: all experts
    points: tuple[str, int] | None = None  # a rule and how many far positions are read exactly by it
    router: str = "ridge"
    prior: str | None = None  # which positions of the sequence itself correct the router: "read" before, or "all"
    carving: str = "shipped"


def rows(quarters: list[int]) -> list[Row]:
    """`quarters`: those of the layers, from the one that costs most when it is read with few experts."""
    budget = lambda ks: tuple(ks[quarters.index(quarter)] for quarter in range(4))
    exact_points = [
        Row(f"k {k}, {count} {rule}", f"k {k}, tail {64 + count}", k=k, points=(rule, count))
        for k, count in ((1, 64), (4, 64))
        for rule in ("random", "repeated", "names", "lines", "attended")
    ]
    return [
        *(Row(f"k {k}, tail {tail}", k=k, tail=tail) for k in (1, 3, 4) for tail in (64, 128)),
        Row("perfect router", "k 4, tail 64", router="perfect"),
        Row("head 64", "k 4, tail 128", head=64),
        Row("head 64, its statistics", "head 64", head=64, prior="read"),
        Row("64 spaced", "k 4, tail 128", points=("spaced", 64)),
        Row("64 spaced, their statistics", "64 spaced", points=("spaced", 64), prior="read"),
        Row("statistics of the whole sequence", "k 4, tail 64", prior="all"),
        *exact_points,
        Row("graded 1 3 8", "k 4, tail 64", grades=(1, 3, 8)),
        Row("graded 1 7", "k 4, tail 64", grades=(1, 7)),
        Row("graded 8 3 1, backwards", "k 4, tail 64", grades=(8, 3, 1)),
        Row("layers 7 4 3 2 by cost", "k 4, tail 64", quarters=budget((7, 4, 3, 2))),
        Row("layers 6 6 3 1 by cost", "k 4, tail 64", quarters=budget((6, 6, 3, 1))),
        Row("layers 8 8 0 0 by cost", "k 4, tail 64", quarters=budget((8, 8, 0, 0))),
        Row("layers 2 2 0 0 by cost", "k 1, tail 64", k=1, quarters=budget((2, 2, 0, 0))),
        Row("layers 2 3 4 7 by cost, backwards", "k 4, tail 64", quarters=budget((2, 3, 4, 7))),
        Row("one representative", "k 4, tail 64", router="representative"),
        Row("8 representatives", "k 4, tail 64", router="representatives"),
        Row("anew, k 4", "k 4, tail 64", carving="anew"),
        Row("anew, k 3", "k 3, tail 64", carving="anew", k=3),
        Row("shared by rate, k 4", "anew, k 4", carving="rate"),
        Row("6 large, k 2", "anew, k 3", carving="large", k=2),
        Row("trained routers", "k 4, tail 64", router="trained"),
    ]


def quarter_rows() -> list[Row]:
    few = lambda quarter: tuple(1 if each == quarter else None for each in range(4))
    return [Row(f"quarter {quarter}", quarters=few(quarter)) for quarter in range(4)]


@dataclass
class Text:
    tokens: Tensor  # i64 [PROMPT + WRITTEN], from the middle of a module
    lines: Tensor  # i64, likewise: the line that each token is of
    attended: Tensor  # f32 [PROMPT]: how much the exact model looks at each from the tail and what is written
    nats: float  # a written token, exact
    best: Tensor  # i64 [WRITTEN]: its likeliest tokens


def expert_counts(row: Row, text: Text, layers: int, experts: int) -> Tensor:
    """i64 [layers, positions]: routed experts of each; all of them where it is read exactly."""
    counts = torch.full((layers, PROMPT + WRITTEN), experts)
    far = slice(row.head, PROMPT - row.tail)
    counts[:, far] = row.k
    if row.grades:
        parts = torch.arange(far.stop - far.start) * len(row.grades) // (far.stop - far.start)
        counts[:, far] = torch.tensor(row.grades)[parts]
    if row.quarters:
        each = torch.tensor([experts if k is None else k for k in row.quarters])
        counts[:, far] = each[torch.arange(layers) * 4 // layers][:, None]
    if row.points:
        rule, count = row.points
        counts[:, far.start + point_scores(rule, text, far).topk(count).indices] = experts
    return counts


def point_scores(rule: str, text: Text, far: slice) -> Tensor:
    """f32 [far]: how much each far position is worth being read exactly, as `rule` has it."""
    tokens = text.tokens[:PROMPT].tolist()
    near, counts = tokens[far.stop :], Counter(tokens)
    rarity = torch.tensor([PROMPT / counts[token] for token in tokens]).log()
    shared = rarity * torch.isin(text.tokens[:PROMPT], text.tokens[far.stop : PROMPT])
    if rule == "random":
        scores = torch.rand(PROMPT, generator=torch.Generator().manual_seed(0))
    elif rule == "spaced":
        scores = -(torch.arange(PROMPT) % ((far.stop - far.start) // 64)).float()
    elif rule == "attended":
        scores = text.attended
    elif rule == "names":
        # The same token again, the rarer the better.
        scores = shared
    elif rule == "lines":
        # Whole lines, by the rare tokens that they share with the tail, each counted once.
        sums: Counter = Counter()
        for line, _, value in {*zip(text.lines[:PROMPT].tolist(), tokens, shared.tolist())}:
            sums[line] += value
        scores = torch.tensor([sums[line] for line in text.lines[:PROMPT].tolist()])
    elif rule == "repeated":
        # Ends of n-grams that stand in the tail too, by the rarity of all their tokens, and what follows them.
        scores = torch.zeros(PROMPT)
        grams = {tuple(near[at : at + n]) for n in range(2, 9) for at in range(len(near) - n + 1)}
        for at in range(1, PROMPT):
            n = next((n for n in range(8, 1, -1) if n <= at + 1 and tuple(tokens[at + 1 - n : at + 1]) in grams), 0)
            scores[at] = rarity[at + 1 - n : at + 1].sum() if n else 0
        scores[1:] = torch.maximum(scores[1:], scores[:-1])
    else:
        raise SystemExit(f"No rule is called {rule}.")
    # Of equals the later one.
    return scores[far] + torch.linspace(0, 1e-4, far.stop - far.start)


@dataclass
class Layer:
    """Reads one layer as a row says. Stands for student.SparseLayer in Qwen2.read()."""

    row: Row
    groups: Groups
    counts: Tensor  # i64 [positions]

    def __call__(self, x: Tensor, block: dict, _k) -> Tensor:
        (x,) = x
        sparse = self.counts < self.groups.experts
        out = torch.empty_like(x)
        out[~sparse] = dense(block, x[~sparse])
        far = x[sparse]
        order = self._scores(x, block)[sparse].argsort(dim=-1, descending=True)
        chosen = order.argsort(dim=-1) < self.counts[sparse, None]
        said = speak(block, far, slice(self.groups.shared))
        for expert in range(self.groups.experts):
            (rows,) = chosen[:, expert].nonzero(as_tuple=True)
            said[rows] += speak(block, far[rows], self.groups.part(expert))
        out[sparse] = said
        return out[None]

    def _scores(self, x: Tensor, block: dict) -> Tensor:
        """[positions, experts]"""
        if self.row.router == "perfect":
            return lengths(block, x, self.groups)
        if self.row.router.startswith("representative"):
            return self._representatives(x, block, 1 if self.row.router == "representative" else 8)
        scores = x @ self.groups.router + self.groups.bias
        if not self.row.prior:
            return scores
        # What the sequence's own positions said beyond what the router expected of them, on the mean of those before.
        use = torch.zeros(len(x), dtype=torch.bool)
        use[HEAD : PROMPT - self.row.tail] = True
        if self.row.prior == "read":
            use &= self.counts == self.groups.experts
        centred = lambda of: of - of.mean(dim=-1, keepdim=True)
        beyond = torch.zeros_like(scores)
        beyond[use] = centred((lengths(block, x[use], self.groups) + FLOOR).log()) - centred(scores[use])
        if self.row.prior == "all":
            return scores + beyond[use].mean(dim=0)
        return scores + (beyond.cumsum(dim=0) - beyond) / ((use.cumsum(dim=0) - use.long())[:, None] + SHRINK)

    def _representatives(self, x: Tensor, block: dict, count: int) -> Tensor:
        """CMoE's router: how loud an expert's neurons nearest to its middle are."""
        rows = F.normalize(block["gate"][self.groups.shared :], dim=-1).unflatten(0, (self.groups.experts, -1))
        near = (rows @ rows.mean(dim=1)[..., None]).squeeze(-1).topk(count, dim=-1).indices
        at = self.groups.shared + (torch.arange(self.groups.experts)[:, None] * rows.shape[1] + near).flatten()
        loud = (F.silu(x @ block["gate"][at].T) * (x @ block["up"][at].T)).abs()
        return loud.unflatten(-1, (self.groups.experts, count)).mean(dim=-1)


class Bench:
    def __init__(self, options):
        torch.set_num_threads(options.threads)
        self.tokenizer = Tokenizer.from_file(str(options.tokenizer))
        self.carving = read_carving(options.carving)
        self.model = Qwen2(options.gguf, self.carving, "cpu", torch.float32)
        self.published = self.model.blocks
        self.order = "shipped"
        of = self.carving
        shipped = lambda *numbers: Groups(of.shared_neurons, of.routed, of.routed_neurons, *map(torch.from_numpy, numbers))
        self.groups = {"shipped": [shipped(*each) for each in zip(of.router, of.router_bias)]}
        if (options.carving / "deltas.json").exists():
            self.groups["trained"] = [shipped(each.router, each.router_bias) for each in read_deltas(options.carving, of)]
        self.cached = options.out.with_suffix(".carvings.pt")
        if self.cached.exists():
            self.groups |= torch.load(self.cached, weights_only=False)

    def carve(self) -> None:
        """Anew on LEARNED: as shipped, with the shared expert by how often a neuron is on, and with few large experts."""
        shape = self.carving.routed, self.carving.routed_neurons
        large = 6, -(-self.carving.feed_forward // 512) * 64
        kinds = {"anew": (*shape, "contribution"), "rate": (*shape, "rate"), "large": (*large, "contribution")}
        if not kinds.keys() <= self.groups.keys():
            made = carve(self.model, torch.stack([self._middle(name, 512)[0] for name in LEARNED]), kinds)
            torch.save(made, self.cached)
            self.groups |= made

    def text(self, name: str) -> Text:
        self._order("shipped")
        tokens, lines = self._middle(name, PROMPT + WRITTEN)
        attended = torch.zeros(PROMPT + WRITTEN)
        for step in walk(self.model, tokens[None]):
            attended += looks(self.model, step, PROMPT - 64)
        best, nats = self._written(step.state, tokens)
        return Text(tokens, lines, attended[:PROMPT], nats, best)

    def measure(self, row: Row, text: Text) -> dict[str, float]:
        kind = row.router if row.router == "trained" else row.carving
        groups = self.groups[kind]
        self._order(kind)
        counts = expert_counts(row, text, len(groups), groups[0].experts)
        layers = [Layer(row, *each) for each in zip(groups, counts)]
        hidden = self.model.read(text.tokens[None], layers, Reading(0, len(text.tokens), 0)).hidden
        best, nats = self._written(hidden, text.tokens)
        of = groups[0]
        neurons = of.shared + counts[:, :PROMPT] * of.each
        work = (neurons.double().mean() / self.carving.feed_forward).item()
        return {"cost": nats - text.nats, "same": (best == text.best).double().mean().item(), "work": work}

    def _middle(self, name: str, n: int) -> tuple[Tensor, Tensor]:
        path = Path(sysconfig.get_path("stdlib")) / f"{name}.py"
        ids = self.tokenizer.encode(path.read_text("utf-8"), add_special_tokens=False).ids
        start = max(0, len(ids) // 2 - n)
        ids = ids[start : start + n]
        ends = torch.tensor([0, *("\n" in self.tokenizer.decode([token]) for token in ids[:-1])])
        return torch.tensor(ids), ends.cumsum(dim=0)

    def _order(self, kind: str) -> None:
        """Puts the neurons of the model where a carving has them."""
        if self.order == kind:
            return
        self.order = kind
        self.model.blocks = self.published
        orders = [groups.order for groups in self.groups[kind]]
        if orders[0] is not None:
            turned = lambda block, order: {"gate": block["gate"][order], "up": block["up"][order], "down": block["down"][:, order]}
            self.model.blocks = [{**block, **turned(block, order)} for block, order in zip(self.published, orders)]

    def _written(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, float]:
        found = self.model.log_probs(hidden[0, PROMPT - 1 : -1])
        return found.argmax(dim=-1), -found.gather(-1, tokens[PROMPT:, None]).mean().item()


@torch.no_grad()
def main() -> None:
    options = parse()
    kept = json.loads(options.out.read_text()) if options.out.exists() else {"choosing": {}, "texts": {}}
    bench = Bench(options)
    wanted = lambda row: not options.only or any(part in row.name for part in options.only)

    def measure(store: dict, names: list[str], of: list[Row]) -> None:
        for name in names:
            found = store.setdefault(name, {})
            missing = [row for row in of if row.name not in found and (row.router != "trained" or "trained" in bench.groups)]
            # Another carving wants the neurons in another order: once a text.
            missing.sort(key=lambda row: row.carving)
            text = bench.text(name) if missing else None
            for row in missing:
                found[row.name] = bench.measure(row, text)
                part = options.out.with_suffix(".part")
                part.write_text(json.dumps(kept, indent=1) + "\n")
                os.replace(part, options.out)
            print(f"{name}: {len(missing)} rows", flush=True)

    quarters = options.quarters
    if quarters is None:
        measure(kept["choosing"], LEARNED[:CHOOSING], quarter_rows())
        costs = [sum(kept["choosing"][name][row.name]["cost"] for name in LEARNED[:CHOOSING]) / CHOOSING for row in quarter_rows()]
        print("A quarter of the layers with 1 expert, the others exact:", [f"{cost:+.4f}" for cost in costs])
        quarters = sorted(range(4), key=lambda quarter: -costs[quarter])
    chosen = [row for row in rows(quarters) if wanted(row)]
    if any(row.carving != "shipped" for row in chosen):
        bench.carve()
    measure(kept["texts"], TEXTS[: options.texts], chosen)
    print(table(list(kept["texts"].values()), chosen))


def table(texts: list[dict], of: list[Row]) -> str:
    """Costs with standard errors over texts; differences are of the same texts."""
    lines = ["| row | neurons | cost | same first choice | against | difference | texts |", "|---|--:|--:|--:|---|--:|--:|"]
    said = lambda values: f"{values.mean():+.4f} ({values.std() / len(values) ** 0.5:.4f})"
    for row in of:
        found = [text for text in texts if row.name in text]
        if len(found) < 2:
            continue
        column = lambda name: torch.tensor([text[row.name][name] for text in found])
        pairs = [text[row.name]["cost"] - text[row.against]["cost"] for text in found if row.against in text]
        difference = said(torch.tensor(pairs)) if len(pairs) > 1 else ""
        work, same = (f"{column(name).mean():.1%}" for name in ("work", "same"))
        line = [row.name, work, said(column("cost")), same, row.against or "", difference, len(found)]
        lines.append(f"| {' | '.join(map(str, line))} |")
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--carving", type=Path, required=True, help="folder of carving.json")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON of what was measured; new carvings are kept beside it")
    parser.add_argument("--texts", type=int, default=len(TEXTS))
    order = lambda text: [int(quarter) for quarter in text.split(",")]
    parser.add_argument("--quarters", type=order, help="of the layers, dearest first, as 1,0,2,3; measured if not given")
    parser.add_argument("--only", nargs="*", help="rows with one of these in their name")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
