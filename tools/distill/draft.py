"""Trains the drafter of a model: one more layer that guesses the token after next; see README.md.

The model answers prompts, which a file of pack.py holds, and reads those answers and the corpus; the drafter sees what it
saw and learns to say what it takes one token later. Writes drafter.json and drafter.bin, the input of `moebius convert`.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drafter import MATRICES, DraftLayer, write_drafter
from qwen2 import Qwen2

WARM_UP = 0.05
# Tokens of a segment of the corpus: the drafter sees a text from where an answer begins, and answers are of many lengths.
SEGMENTS = (16, 512)
# Rows of full logits at once.
ROWS = 4096


class Texts:
    """Sequences and what the model does on them; answers are cut where they end."""

    def __init__(self, tokens: Tensor, start: int, ends: tuple[int, ...]):
        self.tokens, self.start = tokens, start
        n = tokens.shape[1]
        over = torch.zeros_like(tokens, dtype=torch.bool)
        for end in ends:
            over |= tokens == end
        over[:, :start] = False
        first = torch.where(over.any(1), over.float().argmax(1), n)
        self.length = (first + 1).clamp_max(n)

    def written(self) -> Tensor:
        """All tokens from `start` on."""
        return torch.cat([text[self.start : length] for text, length in zip(self.tokens, self.length)])


def main() -> None:
    options = parse()
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(options.seed)
    device = options.device
    packed = np.load(options.tokens)
    sets = {name: torch.from_numpy(packed[name].astype(np.int64)).to(device) for name in ("train", "held_out", "prompts")}
    ids = packed["ids"].astype(np.int64)
    model = Qwen2(options.gguf, None, device, options.precision)
    reduced = options.precision != torch.float32
    # Its cache would keep the first step's weights for all steps: they are cast once while one context lasts.
    with torch.autocast(torch.device(device).type, dtype=options.precision, enabled=reduced, cache_enabled=False):
        run(model, sets, ids, options)


def run(model: Qwen2, sets: dict[str, Tensor], ids: np.ndarray, options) -> None:
    prompts = sets["prompts"]
    began = time.monotonic()
    written, at = [], 0
    while at < len(prompts) and time.monotonic() - began < options.write_minutes * 60:
        batch = prompts[at : at + options.at_once]
        # Half of them the likeliest answers, as commands ask for them, half drawn, as chats do.
        written.append(answers(model, batch, options.answer, 0.0 if (at // options.at_once) % 2 == 0 else 0.7))
        at += options.at_once
        print(f"{at} of {len(prompts)} prompts answered, {time.monotonic() - began:.0f} s", flush=True)
    ends = tuple(int(np.flatnonzero(ids == end)[0]) for end in options.ends)
    start = prompts.shape[1]
    # The first batch is held out: likeliest answers to prompts that nothing else is learned from.
    held_out = {"answers": Texts(written[0][: options.held_out], start, ends), "code": whole(sets["held_out"][: options.held_out])}
    train_sets = [Texts(torch.cat(written[1:]), start, ends), whole(sets["train"])]
    for name, texts in [*held_out.items(), *zip(("answers", "code"), train_sets)]:
        print(f"{name}: {len(texts.tokens)} texts, {int(texts.length.sum())} tokens", flush=True)

    counts = sum(torch.bincount(of.written(), minlength=len(ids)) for of in train_sets)
    tokens = counts.argsort(descending=True, stable=True)[: options.vocabulary].sort().values
    layer = DraftLayer(model, len(options.taps), options.neurons, len(tokens)).to(options.device)
    index = torch.full((len(ids),), -1, device=options.device)
    index[tokens] = torch.arange(len(tokens), device=options.device)
    head = model.output[tokens]
    first = sample(model, train_sets[0], 8, options, random.Random(0))
    layer.start(first["inputs"].flatten(0, 1)[first["counts"].flatten()])
    print(f"{sum(p.numel() for p in layer.parameters()):,} parameters, {time.monotonic() - began:.0f} s", flush=True)

    decayed = [p for name, p in layer.named_parameters() if name in MATRICES]
    others = [p for name, p in layer.named_parameters() if name not in MATRICES]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": options.decay, "times": 1}, {"params": others, "weight_decay": 0.0, "times": 10}],
        betas=(0.9, 0.98),
    )  # fmt: skip
    pick, step, seen = random.Random(options.seed), 0, 0

    def save() -> None:
        found = evaluate(model, layer, head, index, held_out, options, step)
        dims = {"layers": model.layers, "hidden": len(model.norm), "vocab": options.vocab}
        training = {"tokens": seen, "seed": options.seed, "heldOut": found}
        about = {"model": options.model, "dims": dims, "taps": options.taps, "training": training}
        write_drafter(options.out, layer, ids[tokens.cpu().numpy()], about)

    began = time.monotonic()
    evaluate(model, layer, head, index, held_out, options, step)
    next_save = options.save_every
    while True:
        progress = (time.monotonic() - began) / (options.minutes * 60)
        if progress >= 1:
            break
        # The last part sees the weights in the four bits that will be shipped.
        layer.quantise = progress > 0.7
        rate = one_cycle(progress)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * group["times"] * max(rate, 0.01)
        batch = sample(model, train_sets[step % 2], options.batch, options, pick)
        loss, right, count = loss_of(layer, head, index, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step, seen = step + 1, seen + count
        if step % 25 == 0:
            print(f"step {step}: loss {loss.item():.3f}, right {right / count:.3f}, {(time.monotonic() - began):.0f} s", flush=True)
        if time.monotonic() - began > next_save:
            next_save += options.save_every
            was, layer.quantise = layer.quantise, True
            save()
            layer.quantise = was
    layer.quantise = True
    save()


def one_cycle(progress: float) -> float:
    """Up over the warm-up, then down along a cosine; 1 at the top."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def whole(tokens: Tensor) -> Texts:
    return Texts(tokens, 0, ())


@torch.no_grad()
def answers(model: Qwen2, prompts: Tensor, count: int, temperature: float) -> Tensor:
    """prompts i64 [batch, n] -> [batch, n + count]"""
    batch, n = prompts.shape
    cache = model.new_cache(batch, n + count, prompts.device)
    out = [prompts]
    # A prompt's rows are as many as all of its answer's, so they are read in parts.
    hidden = torch.cat([
        model.extend(rows, 0, [(k[at : at + 64], v[at : at + 64]) for k, v in cache])
        for at, rows in zip(range(0, batch, 64), prompts.split(64))
    ])  # fmt: skip
    for i in range(count):
        log_probs = model.log_probs(hidden)
        if temperature == 0:
            token = log_probs.argmax(-1, keepdim=True)
        else:
            token = torch.multinomial(F.softmax(log_probs / temperature, dim=-1), 1)
        out.append(token)
        if i + 1 < count:
            hidden = model.extend(token, n + i, cache)
    return torch.cat(out, dim=1)


@torch.no_grad()
def sample(model: Qwen2, texts: Texts, batch: int, options, pick: random.Random, rows: list[int] | None = None) -> dict:
    """What the drafter is given and what the model takes, for some texts."""
    rows = rows or [pick.randrange(len(texts.tokens)) for _ in range(batch)]
    tokens, length = texts.tokens[rows], texts.length[rows]
    n = tokens.shape[1] - 1
    seen = model.read(tokens, taps=options.taps)
    # What the model takes after each token, and how likely it finds all.
    best, chances = [], []
    for hidden in seen.hidden[:, 1:].flatten(0, 1).split(ROWS):
        log_probs = model.log_probs(hidden)
        best.append(log_probs.argmax(-1))
        chances.append(hidden)
    states = [F.embedding(tokens[:, 1:], model.embedding).float(), *(tap[:, :-1] for tap in seen.taps), seen.hidden[:, :-1]]
    at = torch.arange(n, device=tokens.device)
    segments = torch.zeros(len(rows), n, dtype=torch.long, device=tokens.device)
    for row in segments:
        for cut in [texts.start - 1] if texts.start else cuts(n, pick):
            row[cut:] += 1
    mask = (segments[:, :, None] == segments[:, None, :]) & (at[:, None] >= at[None, :])
    return {
        "inputs": torch.stack(states, dim=2),
        "rope": model._rope(n, tokens.device),
        "mask": mask[:, None],
        "best": torch.cat(best).view(len(rows), n),
        "hidden": torch.cat(chances).view(len(rows), n, -1),
        # The token whose embedding is given must belong to the text, and what follows it must be asked for.
        "counts": (at[None, :] + 1 < length[:, None] - (1 if texts.start else 0)) & (at[None, :] >= max(texts.start - 1, 0)),
        "model": model,
    }


def cuts(n: int, pick: random.Random) -> list[int]:
    """Where the segments of a text of n tokens begin, the first one left out."""
    found, edge = [], 0
    while True:
        edge += int(math.exp(pick.uniform(math.log(SEGMENTS[0]), math.log(SEGMENTS[1]))))
        if edge >= n:
            return found
        found.append(edge)


def loss_of(layer: DraftLayer, head: Tensor, index: Tensor, batch: dict) -> tuple[Tensor, int, int]:
    chosen = batch["counts"].flatten()
    guess = layer(batch["inputs"], batch["rope"], batch["mask"]).flatten(0, 1)[chosen]
    target = index[batch["best"].flatten()[chosen]]
    model = batch["model"]
    loss, right = 0.0, 0
    hidden = batch["hidden"].flatten(0, 1)[chosen]
    for guessed, wanted, state in zip(guess.split(ROWS), target.split(ROWS), hidden.split(ROWS)):
        log_probs = F.log_softmax((F.linear(guessed, head) + layer.bias).float(), dim=-1)
        known = wanted >= 0
        right += int((log_probs.argmax(-1) == wanted).sum())
        hard = -log_probs.gather(-1, wanted.clamp_min(0)[:, None])[:, 0] * known
        with torch.no_grad():
            chances = F.softmax(F.linear(model._normed(state, model.norm), head).float(), dim=-1)
        soft = -(chances * log_probs).sum(-1)
        loss = loss + (0.6 * hard + 0.4 * soft).sum()
    return loss / len(guess), right, len(guess)


@torch.no_grad()
def evaluate(model: Qwen2, layer: DraftLayer, head: Tensor, index: Tensor, held_out: dict[str, Texts], options, step: int):
    found = {}
    for name, texts in held_out.items():
        right = count = sure = sure_right = known = 0
        for at in range(0, len(texts.tokens), options.batch):
            rows = list(range(at, min(at + options.batch, len(texts.tokens))))
            batch = sample(model, texts, len(rows), options, random.Random(at), rows)
            chosen = batch["counts"].flatten()
            target = index[batch["best"].flatten()[chosen]]
            guess = layer(batch["inputs"], batch["rope"], batch["mask"]).flatten(0, 1)[chosen]
            for guessed, wanted in zip(guess.split(ROWS), target.split(ROWS)):
                chance, best = F.softmax((F.linear(guessed, head) + layer.bias).float(), dim=-1).max(-1)
                hit = best == wanted
                above = chance > 0.15
                right, count = right + int(hit.sum()), count + len(hit)
                sure, sure_right = sure + int(above.sum()), sure_right + int((hit & above).sum())
                known += int((wanted >= 0).sum())
        found[name] = {"tokens": count, "right": round(right / count, 4)}
        print(
            f"held out after {step} steps, {name}: {right / count:.4f} of {count} right; can be guessed {known / count:.4f}; "
            f"surer than 0.15 {sure / count:.4f}, of which {sure_right / max(1, sure):.4f} right",
            flush=True,
        )
    return found


def parse() -> argparse.Namespace:
    numbers = lambda text: [int(part) for part in text.split(",")] if text else []
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", type=Path, help="model.gguf of pack.py")
    parser.add_argument("--tokens", type=Path, required=True, help="tokens.npz of pack.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", required=True, help="id of the model")
    parser.add_argument("--vocab", type=int, required=True, help="rows of the published embedding")
    parser.add_argument("--ends", type=numbers, default=[151645, 151643], help="ids of the tokens that end an answer")
    parser.add_argument("--taps", type=numbers, default=[23], help="layers whose input states are seen beside the last one")
    parser.add_argument("--neurons", type=int, default=2048, help="of the feed-forward block")
    parser.add_argument("--vocabulary", type=int, default=16384, help="tokens that can be guessed")
    parser.add_argument("--answer", type=int, default=256, help="tokens of an answer")
    parser.add_argument("--at-once", type=int, default=512, help="prompts that are answered together")
    parser.add_argument("--write-minutes", type=float, default=2, help="the model answers no longer than this")
    parser.add_argument("--minutes", type=float, default=4, help="of training; the rate falls with the time")
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--batch", type=int, default=16, help="texts a step")
    parser.add_argument("--held-out", type=int, default=64, help="texts to evaluate on, of each kind")
    parser.add_argument("--save-every", type=float, default=60, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], help="of products; default: bfloat16 on a GPU")
    options = parser.parse_args()
    options.precision = getattr(torch, options.precision or ("bfloat16" if options.device == "cuda" else "float32"))
    return options


if __name__ == "__main__":
    main()
