"""Golden vectors for src/formats: made with the reference package, `pip install gguf==0.19.0 numpy`.

    python test/reference/gguf_vectors.py test/fixtures/formats

dequantize.json  {type: {raw, values}} in base64: blocks of random bytes (so every scale, minimum and high bit occurs; only the
                 half-precision scales are kept finite) and the float32 values the reference gives for them.
tiny.gguf        a file written by the reference, with every kind of metadata and tensors of one to three dimensions.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize, quantize

# Byte offsets of the half-precision fields of a block.
HALVES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.F16: [0],
}
TYPES = [T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q4_K, T.Q5_K, T.Q6_K]


def random_blocks(rng, kind):
    elements, size = GGML_QUANT_SIZES[kind]
    blocks = 1024 // elements
    if kind in (T.F32, T.BF16):
        values = rng.standard_normal(blocks).astype(np.float32)
        raw = values.view(np.uint8).reshape(blocks, 4)
        return raw if kind == T.F32 else raw[:, 2:].copy()
    raw = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    for at in HALVES[kind]:
        half = rng.standard_normal(blocks).astype(np.float16)
        half[0] = np.float16(6e-8)  # a subnormal
        raw[:, at:at + 2] = half.view(np.uint8).reshape(blocks, 2)
    return raw


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def write_tiny(path, rng):
    writer = GGUFWriter(path, "tiny")
    writer.add_uint8("t.uint8", 200)
    writer.add_int8("t.int8", -5)
    writer.add_uint16("t.uint16", 60000)
    writer.add_int16("t.int16", -30000)
    writer.add_uint32("t.uint32", 4_000_000_000)
    writer.add_int32("t.int32", -7)
    writer.add_float32("t.float32", 1e-6)
    writer.add_float64("t.float64", 0.1)
    writer.add_uint64("t.uint64", 2**63)
    writer.add_int64("t.int64", -(2**40))
    writer.add_bool("t.bool", True)
    writer.add_string("t.string", "grün → 森")
    writer.add_array("t.strings", ["a", "", "Ġdef"])
    writer.add_array("t.numbers", [3, 1, 2])
    data = rng.standard_normal((3, 2, 256)).astype(np.float32)
    writer.add_tensor("norm", data[0, 0])
    writer.add_tensor("matrix", quantize(data[0], T.Q8_0), raw_dtype=T.Q8_0)
    writer.add_tensor("experts", quantize(data, T.Q4_0), raw_dtype=T.Q4_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return {
        "norm": encode(data[0, 0]),
        "matrix": encode(dequantize(quantize(data[0], T.Q8_0), T.Q8_0).astype(np.float32)),
        "experts": encode(dequantize(quantize(data, T.Q4_0), T.Q4_0).astype(np.float32)),
    }


def main(folder):
    rng = np.random.default_rng(20)
    vectors = {}
    for kind in TYPES:
        raw = random_blocks(rng, kind)
        vectors[kind.name] = {"raw": encode(raw), "values": encode(dequantize(raw, kind).astype(np.float32))}
    (folder / "dequantize.json").write_text(json.dumps(vectors, indent=1) + "\n")
    tiny = write_tiny(folder / "tiny.gguf", rng)
    (folder / "tiny.json").write_text(json.dumps(tiny, indent=1) + "\n")


main(Path(sys.argv[1]))
