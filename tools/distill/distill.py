"""Trains the routers and low-rank deltas of a carved model; see README.md.

The teacher is the dense model. The student reads the far part of a sequence with k experts and its first and last
positions with all of them, as the product does, and is to give the exact tail the same keys and values to look up, and
so the same predictions. Writes deltas.json and deltas.bin, which `moebius convert` takes from beside carving.json.
"""

import argparse
import os
import random
import shutil
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from corpus import Corpus, read_corpus
from qwen2 import Pass, Qwen2, Reading
from recipe import Carving, read_carving, write_deltas
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


def main() -> None:
    options = parse()
    torch.set_float32_matmul_precision("high")
    carving = read_carving(options.carving)
    corpus = read_corpus(options.corpus, Tokenizer.from_file(str(options.tokenizer)), options.length)
    model = Qwen2(options.gguf, carving, options.device)
    random_start = torch.Generator().manual_seed(options.seed)
    students = nn.ModuleList(
        SparseLayer(carving, index, model.blocks[index], options.rank, random_start)
        for index in range(model.layers)
    ).to(options.device)
    optimizer = torch.optim.Adam(students.parameters(), lr=options.rate)
    share = lambda step: min(1, (step + 1) / WARM_UP_STEPS) * (1 - 0.9 * step / options.steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    checkpoint = options.out / "checkpoint.pt"
    done = resume(checkpoint, options, carving, students, optimizer, schedule)
    print(f"{len(corpus.train)} sequences, {len(corpus.held_out)} held out; {parameters(students):,} parameters")

    evaluate(model, students, corpus, options, done)
    for step in range(done, options.steps):
        start = time.monotonic()
        losses = train_step(model, students, corpus.batch(step, options.batch, options.seed), step, options)
        sum(WEIGHTS[name] * loss for name, loss in losses.items()).backward()
        nn.utils.clip_grad_norm_(students.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        told = "  ".join(f"{name} {loss.item():.4f}" for name, loss in losses.items())
        print(f"step {step + 1}: {told}  {time.monotonic() - start:.1f} s", flush=True)
        if (step + 1) % options.save_every == 0 or step + 1 == options.steps:
            save(checkpoint, step + 1, options, carving, students, optimizer, schedule)
            write_recipe(step + 1, options, carving, corpus, students)
    if done < options.steps:
        evaluate(model, students, corpus, options, options.steps)


def train_step(model: Qwen2, students, tokens: Tensor, step: int, options) -> dict[str, Tensor]:
    pick = random.Random(f"{options.seed} reading {step}")
    tokens = tokens.to(options.device)
    reading = Reading(HEAD, tokens.shape[1] - pick.choice(options.tails), pick.choice(options.k))
    with torch.no_grad():
        teacher = model.read(tokens)
    student = model.read(tokens, students, reading)
    written = torch.tensor(sorted(pick.sample(range(reading.head, reading.to), WRITTEN)), device=tokens.device)
    return {
        "reading": divergence(model, teacher.hidden[:, reading.to :], student.hidden[:, reading.to :]),
        "state": state_error(teacher, student, slice(reading.head, reading.to)),
        "writing": divergence(model, teacher.hidden[:, written], student.hidden[:, written]),
    }


def divergence(model: Qwen2, teacher: Tensor, student: Tensor) -> Tensor:
    """Mean over positions of KL(teacher || student), nats."""
    with torch.no_grad():
        wanted = model.log_probs(teacher)
    return F.kl_div(model.log_probs(student), wanted, log_target=True, reduction="none").sum(-1).mean()


def state_error(teacher: Pass, student: Pass, far: slice) -> Tensor:
    """Mean over layers of the relative squared error of the far keys and values.

    Relative to what differs between positions: the keys' biases are far longer and the same everywhere. Layer 0 is left
    out: nothing has been skipped before it.
    """
    errors = []
    for wanted, given in [(teacher.keys, student.keys), (teacher.values, student.values)]:
        for right, found in zip(wanted[1:], given[1:]):
            right, found = right[:, far], found[:, far]
            spread = (right - right.mean(dim=1, keepdim=True)).square().sum()
            errors.append((found - right).square().sum() / spread)
    return torch.stack(errors).mean()


@torch.no_grad()
def evaluate(model: Qwen2, students, corpus: Corpus, options, step: int) -> None:
    """What held-out text costs at the shortest tail and each k: nats per token of the tail, above the dense model."""
    every = max(1, len(corpus.held_out) // options.held_out)
    tail = min(options.tails)
    to = options.length - tail
    above, apart = ({k: [] for k in options.k} for _ in range(2))
    for tokens in corpus.held_out[::every][: options.held_out].split(options.batch):
        tokens = tokens.to(options.device)
        nats = lambda log_probs: -log_probs[:, :-1].gather(-1, tokens[:, to + 1 :, None]).mean(dim=(1, 2))
        exact = model.log_probs(model.read(tokens).hidden[:, to:])
        for k in options.k:
            sparse = model.log_probs(model.read(tokens, students, Reading(HEAD, to, k)).hidden[:, to:])
            above[k].append(nats(sparse) - nats(exact))
            apart[k].append(F.kl_div(sparse, exact, log_target=True, reduction="none").sum(-1).mean(dim=1))
    for k in options.k:
        cost, distance = torch.cat(above[k]), torch.cat(apart[k])
        error = cost.std() / len(cost) ** 0.5
        print(
            f"held out after {step} steps, k {k}, tail {tail}: "
            f"{cost.mean():+.4f} ({error:.4f}) nats, KL {distance.mean():.4f}",
            flush=True,
        )


def identity(options, carving: Carving) -> dict:
    """What a checkpoint must agree with to be continued."""
    return {"carving": carving.sha256, "rank": options.rank, "seed": options.seed, "steps": options.steps}


def resume(path: Path, options, carving: Carving, students, optimizer, schedule) -> int:
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    if saved["identity"] != identity(options, carving):
        raise SystemExit(f"{path} was made with other settings: {saved['identity']}. Remove it, or choose another --out.")
    students.load_state_dict(saved["students"])
    optimizer.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    print(f"{path}: going on after step {saved['step']}")
    return saved["step"]


def save(path: Path, step: int, options, carving: Carving, students, optimizer, schedule) -> None:
    """Trained numbers and the optimizer's only: the weights are in the GGUF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    states = {"students": students.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
    torch.save({"step": step, "identity": identity(options, carving), **states}, f"{path}.part")
    os.replace(f"{path}.part", path)


def write_recipe(steps: int, options, carving: Carving, corpus: Corpus, students) -> None:
    for name in ("carving.json", "carving.bin"):
        if options.out.resolve() != options.carving.resolve():
            shutil.copy(options.carving / name, options.out / name)
    tokens = steps * options.batch * options.length
    training = {"steps": steps, "tokens": tokens, "corpusSha256": corpus.sha256, "seed": options.seed}
    write_deltas(options.out, carving, [layer.trained() for layer in students], training)


def parameters(students) -> int:
    return sum(parameter.numel() for parameter in students.parameters())


def parse() -> argparse.Namespace:
    numbers = lambda text: [int(part) for part in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", type=Path, help="the published weights that were carved")
    parser.add_argument("--carving", type=Path, required=True, help="folder with carving.json")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json of the converted model")
    parser.add_argument("--corpus", type=Path, required=True, help="text files like those the model will read")
    parser.add_argument("--out", type=Path, required=True, help="where the recipe and the checkpoint go; continued if there")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--k", type=numbers, default=[1, 4, 8], help="experts a far token, one of these each step")
    parser.add_argument("--tails", type=numbers, default=[64, 128, 256], help="exact last positions, likewise")
    parser.add_argument("--length", type=int, default=1024, help="tokens of a sequence")
    parser.add_argument("--batch", type=int, default=4, help="sequences a step")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--held-out", type=int, default=32, help="sequences to evaluate on, before and after")
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if options.length - max(options.tails) - HEAD < WRITTEN:
        parser.error(f"sequences of {options.length} leave nothing far before a tail of {max(options.tails)}")
    return options


if __name__ == "__main__":
    main()
