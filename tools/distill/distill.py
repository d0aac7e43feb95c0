"""Trains the routers and low-rank deltas of a carved model, and the shortcut around its last layers; see README.md.

The teacher is the dense model. The student reads the far part of a sequence with k experts and its first and last
positions with all of them, as the product does, and is to give the exact tail the same keys and values to look up, and
so the same predictions. Writes deltas and shortcut, each as .json and .bin, which `moebius convert` takes from beside
carving.json.
"""

import argparse
import os
import random
import shutil
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from corpus import Corpus, load_corpus
from qwen2 import Pass, Qwen2, Reading
from recipe import Carving, read_carving, read_deltas, write_deltas
from shortcut import Shortcut, write_shortcut
from student import SparseLayer

# First positions that are always exact, as in the product's levels.
HEAD = 4
# What the exact tail predicts is what it is all for, so it counts about as much as the two others together (a carved 0.5B
# begins with some 0.3, 0.5 and 1.3). Keys and values reach every layer and position, where the tail's predictions say
# little about any one of them. What sparse positions would write themselves matters to levels that write sparsely.
WEIGHTS = {"reading": 1.0, "state": 0.3, "writing": 0.1}
# Sparse positions whose predictions are compared in a step: the output projection is as much work as several layers.
WRITTEN = 32
WARM_UP_STEPS = 10
# Steps whose far positions take the shortcut, where there is one, and sequences that it begins with.
SHORTCUT_SHARE = 0.6
START_SEQUENCES = 48


def main() -> None:
    options = parse()
    torch.set_float32_matmul_precision("high")
    carving = read_carving(options.carving)
    corpus = load_corpus(options.corpus, options.tokenizer, options.length)
    model = Qwen2(options.gguf, carving, options.device, options.precision)
    random_start = torch.Generator().manual_seed(options.seed)
    students = nn.ModuleList(
        SparseLayer(carving, index, model.blocks[index], options.rank, random_start)
        for index in range(model.layers)
    ).to(options.device)
    if options.start:
        for layer, trained in zip(students, read_deltas(options.start, carving)):
            layer.start(trained)
    reduced = options.precision != torch.float32
    # autocast's cache would keep the first step's weights for all steps: they are cast once while one context lasts.
    with torch.autocast(torch.device(options.device).type, dtype=options.precision, enabled=reduced, cache_enabled=False):
        learner = Student(model, students, options.shortcut and new_shortcut(model, students, corpus, options))
        groups = [{"params": students.parameters(), "rate": options.rate}]
        if learner.shortcut:
            groups.append({"params": learner.shortcut.parameters(), "rate": options.shortcut_rate})
        optimizer = torch.optim.Adam(groups)
        checkpoint = options.out / "checkpoint.pt"
        done, trained_s = resume(checkpoint, options, carving, learner, optimizer)
        print(f"{len(corpus.train)} sequences, {len(corpus.held_out)} held out; {parameters(learner):,} parameters")
        train(learner, optimizer, corpus, carving, checkpoint, done, trained_s, options)


class Student(nn.Module):
    """The model with what is trained; the model itself is no part of it."""

    def __init__(self, model: Qwen2, layers: nn.ModuleList, shortcut: Shortcut | None):
        super().__init__()
        self.layers, self.shortcut = layers, shortcut
        self.teacher = (model,)

    def read(self, tokens: Tensor, reading: Reading) -> Pass:
        return self.teacher[0].read(tokens, self.layers, reading, shortcut=self.shortcut)


@torch.no_grad()
def new_shortcut(model: Qwen2, students, corpus: Corpus, options) -> Shortcut:
    """Fitted to what the student's states say about the teacher's keys and values."""
    width = model.kv_heads * model.head_dim
    shortcut = Shortcut(options.shortcut, model.layers, len(model.norm), width, model.epsilon).to(options.device)
    given, wanted = [], []
    for tokens in corpus.batch(0, START_SEQUENCES, options.seed).split(options.batch):
        tokens = tokens.to(options.device)
        reading = Reading(HEAD, tokens.shape[1], min(options.k))
        seen = model.read(tokens, students, reading, taps=(options.shortcut,))
        exact = model.read(tokens)
        both = [of for pair in zip(exact.keys, exact.values) for of in pair][2 * options.shortcut :]
        given.append(seen.taps[0][:, HEAD:].flatten(0, 1))
        wanted.append(torch.cat(both, dim=-1)[:, HEAD:].flatten(0, 1))
    shortcut.start(torch.cat(given), torch.cat(wanted))
    return shortcut


def train(learner: Student, optimizer, corpus, carving, checkpoint: Path, done: int, trained_s: float, options) -> None:
    evaluate(learner, corpus, options, done)
    while done < options.steps and trained_s < options.minutes * 60:
        start = time.monotonic()
        progress = max(done / options.steps, trained_s / (options.minutes * 60))
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * min(1, (done + 1) / WARM_UP_STEPS) * (1 - 0.9 * progress)
        losses = train_step(learner, corpus.batch(done, options.batch, options.seed), done, options)
        sum(WEIGHTS[name] * loss for name, loss in losses.items()).backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        told = "  ".join(f"{name} {loss.item():.4f}" for name, loss in losses.items())
        done, trained_s = done + 1, trained_s + time.monotonic() - start
        print(f"step {done}: {told}  {time.monotonic() - start:.1f} s", flush=True)
        last = done == options.steps or trained_s >= options.minutes * 60
        if done % options.save_every == 0 or last:
            save(checkpoint, (done, trained_s), options, carving, learner, optimizer)
            write_recipe(done, options, carving, corpus, learner)
        if last:
            evaluate(learner, corpus, options, done)


def train_step(learner: Student, tokens: Tensor, step: int, options) -> dict[str, Tensor]:
    pick = random.Random(f"{options.seed} reading {step}")
    tokens = tokens.to(options.device)
    (model,) = learner.teacher
    tail = pick.choice(options.tails)
    layers = options.shortcut if learner.shortcut and pick.random() < SHORTCUT_SHARE else None
    reading = Reading(HEAD, tokens.shape[1] - tail, pick.choice(options.k), layers)
    with torch.no_grad():
        teacher = model.read(tokens)
    student = learner.read(tokens, reading)
    losses = {
        "reading": divergence(model, teacher.hidden[:, -tail:], student.hidden[:, -tail:]),
        "state": state_error(teacher, student, slice(reading.head, reading.to)),
    }
    if layers is None:
        written = torch.tensor(sorted(pick.sample(range(reading.head, reading.to), WRITTEN)), device=tokens.device)
        losses["writing"] = divergence(model, teacher.hidden[:, written], student.hidden[:, written])
    return losses


def divergence(model: Qwen2, teacher: Tensor, student: Tensor) -> Tensor:
    """Mean over positions of KL(teacher || student), nats."""
    with torch.no_grad():
        wanted = model.log_probs(teacher)
    return F.kl_div(model.log_probs(student), wanted, log_target=True, reduction="none").sum(-1).mean()


def state_error(teacher: Pass, student: Pass, far: slice) -> Tensor:
    """Mean over layers of the relative squared error of the far keys and values.

    Relative to what differs between positions. Layer 0 is left out: nothing has been skipped before it.
    """
    errors = []
    for wanted, given in [(teacher.keys, student.keys), (teacher.values, student.values)]:
        for right, found in zip(wanted[1:], given[1:]):
            right, found = right[:, far].float(), found[:, far].float()
            spread = (right - right.mean(dim=1, keepdim=True)).square().sum()
            errors.append((found - right).square().sum() / spread)
    return torch.stack(errors).mean()


@torch.no_grad()
def evaluate(learner: Student, corpus: Corpus, options, step: int) -> None:
    """What held-out text costs with each tail and k: nats per token of the tail, above the dense model."""
    (model,) = learner.teacher
    every = max(1, len(corpus.held_out) // options.held_out)
    paths = [None, options.shortcut] if learner.shortcut else [None]
    settings = [(tail, k, path) for tail in sorted(set(options.tails)) for k in sorted(set(options.k)) for path in paths]
    above, apart = ({setting: [] for setting in settings} for _ in range(2))
    # The last positions of the shortest tail, in all: so the settings differ in nothing else.
    scored = min(options.tails)
    for tokens in corpus.held_out[::every][: options.held_out].split(options.batch):
        tokens = tokens.to(options.device)
        nats = lambda log_probs: -log_probs[:, :-1].gather(-1, tokens[:, 1 - scored :, None]).mean(dim=(1, 2))
        exact = model.log_probs(model.read(tokens).hidden[:, -scored:])
        for setting in settings:
            tail, k, path = setting
            reading = Reading(HEAD, tokens.shape[1] - tail, k, path)
            sparse = model.log_probs(learner.read(tokens, reading).hidden[:, -scored:])
            above[setting].append(nats(sparse) - nats(exact))
            apart[setting].append(F.kl_div(sparse, exact, log_target=True, reduction="none").sum(-1).mean(dim=1))
    for setting in settings:
        (tail, k, path), cost, distance = setting, torch.cat(above[setting]), torch.cat(apart[setting])
        error = cost.std() / len(cost) ** 0.5
        print(
            f"held out after {step} steps, k {k}, tail {tail}, {path or 'all'} layers: "
            f"{cost.mean():+.4f} ({error:.4f}) nats, KL {distance.mean():.4f}",
            flush=True,
        )


def identity(options, carving: Carving) -> dict:
    """What a checkpoint must agree with to be continued."""
    return {"carving": carving.sha256, "rank": options.rank, "seed": options.seed, "steps": options.steps, "shortcut": options.shortcut}


def resume(path: Path, options, carving: Carving, learner: Student, optimizer) -> tuple[int, float]:
    """Steps and seconds of training so far."""
    if not path.exists():
        return 0, 0.0
    saved = torch.load(path, weights_only=True)
    if saved["identity"] != identity(options, carving):
        raise SystemExit(f"{path} was made with other settings: {saved['identity']}. Remove it, or choose another --out.")
    learner.load_state_dict(saved["student"])
    optimizer.load_state_dict(saved["optimizer"])
    print(f"{path}: going on after step {saved['done'][0]}")
    return saved["done"]


def save(path: Path, done: tuple[int, float], options, carving: Carving, learner: Student, optimizer) -> None:
    """Trained numbers and the optimizer's only: the weights are in the GGUF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    states = {"student": learner.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({"done": done, "identity": identity(options, carving), **states}, f"{path}.part")
    os.replace(f"{path}.part", path)


def write_recipe(steps: int, options, carving: Carving, corpus: Corpus, learner: Student) -> None:
    for name in ("carving.json", "carving.bin"):
        if options.out.resolve() != options.carving.resolve():
            shutil.copy(options.carving / name, options.out / name)
    tokens = steps * options.batch * options.length
    training = {"steps": steps, "tokens": tokens, "corpusSha256": corpus.sha256, "seed": options.seed}
    write_deltas(options.out, carving, [layer.trained() for layer in learner.layers], training)
    if learner.shortcut:
        write_shortcut(options.out, carving, learner.shortcut, training)


def parameters(learner: Student) -> int:
    return sum(parameter.numel() for parameter in learner.parameters())


def parse() -> argparse.Namespace:
    numbers = lambda text: [int(part) for part in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", type=Path, help="the published weights that were carved")
    parser.add_argument("--carving", type=Path, required=True, help="folder with carving.json")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json of the converted model, for a folder as corpus")
    parser.add_argument("--corpus", type=Path, required=True, help="folder of text files, or tokens.npz of pack.py")
    parser.add_argument("--out", type=Path, required=True, help="where the recipe and the checkpoint go; continued if there")
    parser.add_argument("--start", type=Path, help="folder with deltas.json to go on from")
    parser.add_argument("--shortcut", type=int, help="layers that far tokens go through; none: all, and no shortcut")
    parser.add_argument("--shortcut-rate", type=float, default=2e-4)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--k", type=numbers, default=[1, 4, 8], help="experts a far token, one of these each step")
    parser.add_argument("--tails", type=numbers, default=[64, 128, 256], help="exact last positions, likewise")
    parser.add_argument("--length", type=int, default=1024, help="tokens of a sequence")
    parser.add_argument("--batch", type=int, default=4, help="sequences a step")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="train no longer than this; the rate falls with the time")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--held-out", type=int, default=32, help="sequences to evaluate on, before and after")
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], help="of products; default: bfloat16 on a GPU")
    options = parser.parse_args()
    options.precision = getattr(torch, options.precision or ("bfloat16" if options.device == "cuda" else "float32"))
    if options.length - max(options.tails) - HEAD < WRITTEN:
        parser.error(f"sequences of {options.length} leave nothing far before a tail of {max(options.tails)}")
    return options


if __name__ == "__main__":
    main()
