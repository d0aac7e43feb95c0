"""The recipe files of `moebius convert`: reads a carving, writes what was trained on top of it.

Formats, shapes and checks: src/convert/carving.ts and src/convert/deltas.ts.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MATRICES = ("gate", "up", "down")


@dataclass
class Carving:
    model: str
    layers: int
    hidden: int
    feed_forward: int
    shared_neurons: int
    routed: int
    routed_neurons: int
    sha256: str  # of carving.bin
    order: list[np.ndarray]  # of each layer: i64 [feed_forward], the shared expert's neurons first
    router: list[np.ndarray]  # f32 [hidden, routed]
    router_bias: list[np.ndarray]  # f32 [routed]
    input_rms: list[np.ndarray]  # f32 [hidden]: root of the mean square of each channel that the layer is given
    middle_rms: list[np.ndarray]  # f32 [feed_forward], published order: the same of silu(gate) * up


def read_carving(folder: Path) -> Carving:
    about = json.loads((folder / "carving.json").read_text())
    data = (folder / about["data"]["file"]).read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != about["data"]["sha256"]:
        raise SystemExit(f"{folder / about['data']['file']} is damaged.")
    layers, hidden, neurons = (about["dims"][name] for name in ("layers", "hidden", "feedForward"))
    routed = about["routed"]
    fields = [
        ("order", "<u2", (neurons,)),
        ("router", "<f2", (hidden, routed)),
        ("router_bias", "<f4", (routed,)),
        ("attention_in", "<f2", (hidden,)),
        ("attention_out", "<f2", (hidden,)),
        ("input_rms", "<f2", (hidden,)),
        ("middle_rms", "<f2", (neurons,)),
    ]
    table = np.frombuffer(data, dtype=np.dtype(fields), count=layers)
    column = lambda name, kind: [np.array(row, dtype=kind) for row in table[name]]
    return Carving(
        model=about["model"],
        layers=layers,
        hidden=hidden,
        feed_forward=neurons,
        shared_neurons=about["sharedNeurons"],
        routed=routed,
        routed_neurons=about["routedNeurons"],
        sha256=sha256,
        order=column("order", np.int64),
        router=column("router", np.float32),
        router_bias=column("router_bias", np.float32),
        input_rms=column("input_rms", np.float32),
        middle_rms=column("middle_rms", np.float32),
    )


@dataclass
class TrainedLayer:
    router: np.ndarray  # f32 [hidden, routed]
    router_bias: np.ndarray  # f32 [routed]
    # of gate, up and down: A [rank, cols] and B [rows, rank] f32, neurons in published order
    deltas: dict[str, tuple[np.ndarray, np.ndarray]]


def read_deltas(folder: Path, carving: Carving) -> list[TrainedLayer]:
    about = json.loads((folder / "deltas.json").read_text())
    data = (folder / about["data"]["file"]).read_bytes()
    if about["carvingSha256"] != carving.sha256 or hashlib.sha256(data).hexdigest() != about["data"]["sha256"]:
        raise SystemExit(f"The deltas in {folder} are damaged, or of another carving.")
    rank, hidden, neurons = about["rank"], carving.hidden, carving.feed_forward
    fields = [("router", "<f2", (hidden, carving.routed)), ("router_bias", "<f4", (carving.routed,))]
    for name in MATRICES:
        rows, cols = (hidden, neurons) if name == "down" else (neurons, hidden)
        fields += [(f"{name}_a", "<f2", (rank, cols)), (f"{name}_b", "<f2", (rows, rank))]
    table = np.frombuffer(data, dtype=np.dtype(fields), count=carving.layers)
    number = lambda row, name: np.array(row[name], dtype=np.float32)
    return [
        TrainedLayer(
            router=number(row, "router"),
            router_bias=number(row, "router_bias"),
            deltas={name: (number(row, f"{name}_a"), number(row, f"{name}_b")) for name in MATRICES},
        )
        for row in table
    ]


def write_deltas(folder: Path, carving: Carving, layers: list[TrainedLayer], training: dict) -> None:
    parts = []
    for index, layer in enumerate(layers):
        for name, values, kind in [
            ("router", layer.router, "<f2"),
            ("router bias", layer.router_bias, "<f4"),
            *((name, factor, "<f2") for name in MATRICES for factor in layer.deltas[name]),
        ]:
            with np.errstate(over="ignore"):
                stored = values.astype(kind)
            if not np.isfinite(stored).all():
                raise SystemExit(f"Layer {index}: a number of {name} does not fit its type; nothing was written.")
            parts.append(stored.tobytes())
    about = {
        "format": 1,
        "model": carving.model,
        "dims": {"layers": carving.layers, "hidden": carving.hidden, "feedForward": carving.feed_forward},
        "routed": carving.routed,
        "rank": layers[0].deltas["gate"][0].shape[0],
        "carvingSha256": carving.sha256,
        "training": training,
    }
    write_sealed(folder, "deltas", b"".join(parts), about)


def write_sealed(folder: Path, name: str, data: bytes, about: dict) -> None:
    """Writes <name>.bin, then <name>.json by rename, so that half-made data has no description."""
    description = {
        **about,
        "data": {"file": f"{name}.bin", "sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest()},
        "createdBy": "tools/distill",
    }
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.json"
    target.unlink(missing_ok=True)
    (folder / f"{name}.bin").write_bytes(data)
    partial = folder / f"{name}.json.part"
    partial.write_text(json.dumps(description, indent=2) + "\n")
    os.replace(partial, target)
