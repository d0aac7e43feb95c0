"""Fixture for test/unit/convert/deltas.test.ts: deltas as tools/distill writes them, for the carving of carving.json.

    python test/reference/deltas_fixture.py test/fixtures/deltas

Needs numpy. Every number is a small multiple of a power of two, which half precision keeps; the test knows the formulas.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "distill"))
from recipe import TrainedLayer, read_carving, write_deltas  # noqa: E402

RANK = 2


def numbers(rows: int, cols: int, start: int) -> np.ndarray:
    return ((np.arange(rows * cols) + start) % 7 - 3).reshape(rows, cols).astype(np.float32) / 8


def main() -> None:
    folder = Path(sys.argv[1])
    carving = read_carving(folder)
    hidden, neurons = carving.hidden, carving.feed_forward
    shapes = {"gate": (neurons, hidden), "up": (neurons, hidden), "down": (hidden, neurons)}
    layers = [
        TrainedLayer(
            router=carving.router[layer] + np.float32(layer + 1),
            router_bias=np.float32(0.1) * np.arange(carving.routed, dtype=np.float32),
            deltas={
                name: (numbers(RANK, cols, layer + at), numbers(rows, RANK, layer + at + 1))
                for at, (name, (rows, cols)) in enumerate(shapes.items())
            },
        )
        for layer in range(carving.layers)
    ]
    training = {"steps": 3, "tokens": 3072, "corpusSha256": "c" * 64, "seed": 1}
    write_deltas(folder, carving, layers, training)


if __name__ == "__main__":
    main()
