"""Trains the drafter of a model: one more layer that guesses the tokens after the next one; see README.md.

The model answers prompts, which a file of pack.py holds, and reads the corpus. What it saw and took is kept, and the drafter
learns to say from it what the model takes one, two and three tokens later. Writes drafter.json and drafter.bin, the input of
`moebius convert`.
"""

import argparse
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drafter import MATRICES, DraftLayer, write_drafter
from qwen2 import Qwen2

WARM_UP = 0.03
# Tokens of a segment of the corpus: the drafter sees a text from where an answer begins, and answers are of many lengths.
SEGMENTS = (16, 512)
# Rows of full logits at once.
ROWS = 4096
# Tokens guessed one behind the other, and how much less each counts than the one before it.
GUESSES = 3
FURTHER = 0.8
# A guess is run if it and all before it are likelier than this: src/engine/decoder.ts.
SURE = (0.2, 0.45, 0.4)


@dataclass
class Texts:
    """What the model saw and took at every row; rows are tokens, all of a text or those from its answer's first on."""

    next: Tensor  # i64 [texts, rows], the token behind the row's
    states: Tensor  # [texts, rows, taps + 1, hidden]
    best: Tensor  # i64 [texts, rows], what the model takes after the row's token
    length: Tensor  # i64 [texts]: rows before the text's end
    segmented: bool

    def __len__(self) -> int:
        return len(self.next)

    def pick(self, rows) -> "Texts":
        return Texts(self.next[rows], self.states[rows], self.best[rows], self.length[rows], self.segmented)

    def taken(self) -> Tensor:
        return torch.cat([best[:length] for best, length in zip(self.best, self.length)])


def joined(parts: list[Texts]) -> Texts:
    fields = ("next", "states", "best", "length")
    out = []
    for name in fields:
        out.append(torch.cat([getattr(part, name) for part in parts]))
        for part in parts:
            setattr(part, name, None)  # states are most of the memory there is
    return Texts(*out, parts[0].segmented)


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
    began = time.monotonic()
    passed = lambda: f"{time.monotonic() - began:.0f} s"
    ends = [int(np.flatnonzero(ids == end)[0]) for end in options.ends]
    written, at = [], 0
    while at < len(sets["prompts"]) and time.monotonic() - began < options.write_minutes * 60:
        batch = sets["prompts"][at : at + options.at_once]
        # Half of them the likeliest answers, as commands ask for them, half drawn, as chats do.
        written.append(answers(model, batch, ends, 0.0 if len(written) % 2 == 0 else 0.7, options))
        at += len(batch)
        print(f"{at} of {len(sets['prompts'])} prompts answered, {passed()}", flush=True)
    # The first likeliest answers are held out, with prompts that nothing else is learned from.
    held_out = {"answers": written[0].pick(slice(options.held_out)), "code": reading(model, sets["held_out"], options.held_out, options)}
    written[0] = written[0].pick(slice(options.held_out, None))
    train_sets = [joined(written), reading(model, sets["train"], options.texts, options)]
    for name, texts in [*held_out.items(), *zip(("answers", "code"), train_sets)]:
        print(f"{name}: {len(texts)} texts, {int(texts.length.sum())} tokens, {passed()}", flush=True)

    counts = sum(torch.bincount(of.taken(), minlength=len(ids)) for of in train_sets)
    tokens = counts.argsort(descending=True, stable=True)[: options.vocabulary].sort().values
    layer = DraftLayer(model, len(options.taps), options.neurons, len(tokens)).to(options.device)
    index = torch.full((len(ids),), -1, device=options.device)
    index[tokens] = torch.arange(len(tokens), device=options.device)
    learner = Learner(model, layer, tokens, index)
    first = train_sets[0].pick(slice(16))
    layer.start(torch.cat([F.embedding(first.next, model.embedding)[:, :, None], first.states], dim=2).flatten(0, 1))
    print(f"{sum(p.numel() for p in layer.parameters()):,} parameters, {passed()}", flush=True)

    decayed = [p for name, p in layer.named_parameters() if name in MATRICES]
    others = [p for name, p in layer.named_parameters() if name not in MATRICES]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": options.decay, "times": 1}, {"params": others, "weight_decay": 0.0, "times": 10}],
        betas=(0.9, 0.98),
    )  # fmt: skip
    pick, step, seen = random.Random(options.seed), 0, 0

    def save() -> None:
        was, layer.quantise = layer.quantise, True
        found = {name: learner.evaluate(name, texts, step) for name, texts in held_out.items()}
        layer.quantise = was
        dims = {"layers": model.layers, "hidden": len(model.norm), "vocab": options.vocab}
        training = {"tokens": seen, "seed": options.seed, "heldOut": found}
        about = {"model": options.model, "dims": dims, "taps": options.taps, "training": training}
        write_drafter(options.out, layer, ids[tokens.cpu().numpy()], about)

    began_training = time.monotonic()
    available = options.minutes * 60 - (began_training - began)
    next_save = options.save_every
    while True:
        spent = time.monotonic() - began_training
        progress = spent / available
        if progress >= 1:
            break
        # The last part sees the weights in the four bits that will be shipped.
        layer.quantise = progress > 0.75
        for group in optimizer.param_groups:
            group["lr"] = options.rate * group["times"] * max(one_cycle(progress), 0.01)
        texts = train_sets[step % 2]
        # As many rows of either kind.
        count = max(1, options.batch_rows // texts.next.shape[1])
        batch = texts.pick([pick.randrange(len(texts)) for _ in range(count)])
        losses, right, rows = learner.loss(batch, pick)
        sum(loss * FURTHER**i for i, loss in enumerate(losses)).backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step, seen = step + 1, seen + rows
        if step % 50 == 0:
            told = ", ".join(f"{loss.item():.3f} ({hits / rows:.3f})" for loss, hits in zip(losses, right))
            print(f"step {step}: losses (right) {told}, {spent:.0f} s", flush=True)
        if spent > next_save:
            next_save += options.save_every
            save()
    layer.quantise = True
    save()


def one_cycle(progress: float) -> float:
    """Up over the warm-up, then down along a cosine; 1 at the top."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


@torch.no_grad()
def answers(model: Qwen2, prompts: Tensor, ends: list[int], temperature: float, options) -> Texts:
    """What the model does while it answers prompts i64 [batch, n]: a row for the last token of each, and one a token written."""
    batch, n = prompts.shape
    cache = model.new_cache(batch, n + options.answer, prompts.device)
    # A prompt's rows are as many as all of its answer's, so they are read in parts.
    state = torch.cat([
        model.extend(rows, 0, [(k[at : at + 64], v[at : at + 64]) for k, v in cache], options.taps)
        for at, rows in zip(range(0, batch, 64), prompts.split(64))
    ])  # fmt: skip
    states = torch.empty(batch, options.answer, *state.shape[1:], dtype=options.precision, device=prompts.device)
    best, following = [], []
    for i in range(options.answer):
        states[:, i] = state
        best.append(taken(model, state[:, -1]))
        following.append(taken(model, state[:, -1], temperature) if temperature > 0 else best[-1])
        if i + 1 < options.answer:
            state = model.extend(following[-1][:, None], n + i, cache, options.taps)
    next_tokens = torch.stack(following, dim=1)
    over = torch.isin(next_tokens, torch.tensor(ends, device=prompts.device))
    # The row whose next token ends the answer is its last.
    length = torch.where(over.any(1), over.float().argmax(1) + 1, options.answer)
    return Texts(next_tokens, states, torch.stack(best, dim=1), length, segmented=False)


@torch.no_grad()
def reading(model: Qwen2, tokens: Tensor, count: int, options) -> Texts:
    """What the model does while it reads the first `count` of tokens i64 [texts, n]."""
    tokens = tokens[:count]
    shape = (*tokens.shape, len(options.taps) + 1, len(model.norm))
    states = torch.empty(shape, dtype=options.precision, device=tokens.device)
    best = torch.empty_like(tokens)
    for at in range(0, len(tokens), 16):
        rows = slice(at, at + 16)
        read = model.read(tokens[rows], taps=options.taps)
        for i, of in enumerate((*read.taps, read.hidden)):
            states[rows, :, i] = of
        best[rows] = torch.cat([taken(model, hidden) for hidden in read.hidden.flatten(0, 1).split(ROWS)]).view_as(best[rows])
    # Nothing is behind the last token.
    lengths = torch.full((len(tokens),), tokens.shape[1] - 1, device=tokens.device)
    return Texts(tokens.roll(-1, dims=1), states, best, lengths, segmented=True)


def taken(model: Qwen2, hidden: Tensor, temperature: float = 0.0) -> Tensor:
    """The likeliest token after each of hidden [n, hidden], or one that is drawn: i64 [n]."""
    # In half precision many logits are alike.
    with torch.autocast(hidden.device.type, enabled=False):
        logits = model.logits(hidden.float(), model.output.float())
    if temperature > 0:
        logits = logits / temperature - torch.empty_like(logits).exponential_().log_()
    return logits.argmax(-1)


class Learner:
    def __init__(self, model: Qwen2, layer: DraftLayer, tokens: Tensor, index: Tensor):
        self.model, self.layer, self.index, self.head = model, layer, index, model.output[tokens]

    def guesses(self, texts: Texts, pick: random.Random):
        """For each guess: its states [texts * rows, hidden], normed; the rows that have one; the rows that say what is right."""
        count, n = texts.next.shape
        device = texts.next.device
        at = torch.arange(n, device=device)
        mask = (at[:, None] >= at[None, :])[None, None]
        if texts.segmented:
            segments = torch.zeros(count, n, dtype=torch.long, device=device)
            for row in segments:
                for cut in cuts(n, pick):
                    row[cut:] += 1
            mask = mask & (segments[:, None, :, None] == segments[:, None, None, :])
        rope = self.model._rope(n + GUESSES, device)
        weights, before, states = self.layer.weights(), [], texts.states
        for further in range(GUESSES):
            # Row i of the guess stands `further` tokens behind the row whose state it began with.
            embedding = F.embedding(texts.next.roll(-further, dims=1), self.model.embedding)
            states, rows = self.layer(weights, embedding, states, tuple(of[further : further + n] for of in rope), mask, before)
            before.append(rows)
            chosen = (at[None, :] + 1 + further < texts.length[:, None]).flatten().nonzero()[:, 0]
            yield self.layer.normed(states).flatten(0, 1), chosen, chosen + 1 + further

    def logits(self, normed: Tensor) -> Tensor:
        return (F.linear(normed, self.head) + self.layer.bias).float()

    def loss(self, texts: Texts, pick: random.Random) -> tuple[list[Tensor], list[int], int]:
        """Mean losses of the guesses, how many of each were right, and how many rows there were."""
        wanted = self.index[texts.best.flatten()]
        with torch.no_grad():
            chances = torch.cat([
                F.softmax(self.model.logits(hidden.float(), self.head).float(), dim=-1).to(hidden.dtype)
                for hidden in texts.states[:, :, -1].flatten(0, 1).split(ROWS)
            ])  # fmt: skip
        losses, right, rows = [], [], 0
        for normed, chosen, target in self.guesses(texts, pick):
            loss, hits = 0.0, torch.zeros((), device=normed.device)
            for part, of in zip(chosen.split(ROWS), target.split(ROWS)):
                log_probs = F.log_softmax(self.logits(normed[part]), dim=-1)
                known = wanted[of] >= 0
                hard = -log_probs.gather(-1, wanted[of].clamp_min(0)[:, None])[:, 0] * known
                soft = -(chances[of] * log_probs).sum(-1)
                loss = loss + (0.6 * hard + 0.4 * soft).sum()
                hits += (log_probs.argmax(-1) == wanted[of]).sum()
            losses.append(loss / len(chosen))
            right.append(hits)
            rows = max(rows, len(chosen))
        return losses, right, rows

    @torch.no_grad()
    def evaluate(self, name: str, texts: Texts, step: int) -> dict:
        """How often a guess is what the model takes, of those where all guesses before it were."""
        right, count, sure, sure_right, tokens = ([0] * GUESSES for _ in range(5))
        for at in range(0, len(texts), 16):
            part = texts.pick(slice(at, at + 16))
            wanted = self.index[part.best.flatten()]
            so_far = torch.ones(len(wanted), dtype=torch.bool, device=wanted.device)
            chance_of_all = torch.ones(len(wanted), device=wanted.device)
            following = self.index[part.next.flatten()]
            for i, (normed, chosen, target) in enumerate(self.guesses(part, random.Random(at))):
                best = torch.full_like(wanted, -2)
                chance = torch.zeros_like(chance_of_all)
                for rows in chosen.split(ROWS):
                    chance[rows], best[rows] = F.softmax(self.logits(normed[rows]), dim=-1).max(-1)
                hit = torch.zeros_like(so_far)
                hit[chosen] = best[chosen] == wanted[target]
                judged = torch.zeros_like(so_far)
                judged[chosen] = so_far[chosen]
                chance_of_all = chance_of_all * chance
                above = judged & (chance_of_all > SURE[i])
                right[i] += int((hit & judged).sum())
                count[i] += int(judged.sum())
                sure[i] += int(above.sum())
                sure_right[i] += int((hit & above).sum())
                # The next guess begins behind this one only where the text went on as it says.
                follows = torch.zeros_like(so_far)
                follows[chosen] = following[target] == wanted[target]
                so_far = so_far & hit & follows
        for i in range(GUESSES):
            print(
                f"held out after {step} steps, {name}, guess {i + 1}: {right[i] / max(1, count[i]):.4f} of {count[i]} right; "
                f"surer than {SURE[i]} {sure[i] / max(1, count[i]):.4f}, of which {sure_right[i] / max(1, sure[i]):.4f} right",
                flush=True,
            )
        return {"tokens": count[0], "right": [round(hits / max(1, of), 4) for hits, of in zip(right, count)]}


def cuts(n: int, pick: random.Random) -> list[int]:
    """Where the segments of a text of n tokens begin, the first one left out."""
    found, edge = [], 0
    while True:
        edge += int(math.exp(pick.uniform(math.log(SEGMENTS[0]), math.log(SEGMENTS[1]))))
        if edge >= n:
            return found
        found.append(edge)


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
    parser.add_argument("--at-once", type=int, default=1536, help="prompts that are answered together")
    parser.add_argument("--write-minutes", type=float, default=2, help="the model answers no longer than this")
    parser.add_argument("--texts", type=int, default=4800, help="texts of the corpus; their states are kept in memory")
    parser.add_argument("--minutes", type=float, default=8, help="of everything but loading; training takes what is left")
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--batch-rows", type=int, default=16384, help="rows of a step")
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
