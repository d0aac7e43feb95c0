"""Makes model and corpus small, for a training machine that is reached over a thin line: see README.md.

Writes `model.gguf`, with the rows of the (tied) embedding that the corpus needs and all other tensors as published, and
`tokens.npz`, the corpus and prompts made of it as sequences of indices of those rows, and which tokens those are. Of the text, sequences with tokens that are rare in it are left
out. What is trained does not depend on the embedding's other rows: the teacher's predictions are compared over the tokens that
are there.
"""

import argparse
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFWriter
from tokenizers import Tokenizer

from corpus import corpus_texts, read_corpus
from prompts import make_prompts

FIELDS = {
    "block_count": "add_uint32",
    "embedding_length": "add_uint32",
    "feed_forward_length": "add_uint32",
    "attention.head_count": "add_uint32",
    "attention.head_count_kv": "add_uint32",
    "rope.freq_base": "add_float32",
    "attention.layer_norm_rms_epsilon": "add_float32",
}


def main() -> None:
    options = parse()
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    corpus = read_corpus(options.corpus, tokenizer, options.length)
    instructions = Path(__file__).with_name("instructions.txt").read_text().splitlines()
    texts = corpus_texts(options.corpus, tokenizer, 2 * options.prompt_length)
    prompts = make_prompts(tokenizer, texts, instructions, options.prompt_length, seed=0)
    reader = GGUFReader(options.gguf)
    limit = slice(options.sequences)
    sequences = {"train": corpus.train.numpy()[limit], "held_out": corpus.held_out.numpy()[limit], "prompts": prompts[limit]}
    counts = np.bincount(np.concatenate([of.ravel() for of in sequences.values()]))
    # What ends an answer stands in no prompt.
    counts[[tokenizer.token_to_id(token) for token in ("<|im_end|>", "<|endoftext|>")]] = len(prompts)
    kept = np.sort(np.argsort(-counts, kind="stable")[: options.vocabulary])
    kept = kept[counts[kept] > 0]
    index = np.full(len(counts), -1, dtype=np.int32)
    index[kept] = np.arange(len(kept))

    options.out.mkdir(parents=True, exist_ok=True)
    packed = {"ids": kept.astype(np.uint32)}
    for name, rows in sequences.items():
        indices = index[rows]
        whole = (indices >= 0).all(axis=1)
        packed[name] = indices[whole].astype(np.uint16 if len(kept) < 65536 else np.int32)
        print(f"{name}: {whole.sum()} of {len(whole)} sequences of {rows.shape[1]} tokens")
    np.savez_compressed(options.out / "tokens.npz", sha256=corpus.sha256, **packed)

    writer = GGUFWriter(options.out / "model.gguf", "qwen2")
    for name, add in FIELDS.items():
        getattr(writer, add)(f"qwen2.{name}", reader.get_field(f"qwen2.{name}").contents())
    # Where both are there they are one matrix in two precisions: the finer one serves as both.
    names = {tensor.name for tensor in reader.tensors}
    embedding = "output.weight" if "output.weight" in names else "token_embd.weight"
    for tensor in reader.tensors:
        if tensor.name == embedding:
            print(f"{len(kept)} of {len(tensor.data)} tokens kept")
            writer.add_tensor("token_embd.weight", np.ascontiguousarray(tensor.data[kept]), raw_dtype=tensor.tensor_type)
        elif tensor.name != "token_embd.weight":
            writer.add_tensor(tensor.name, np.ascontiguousarray(tensor.data), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", type=Path, help="the published weights that were carved")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json of the converted model")
    parser.add_argument("--corpus", type=Path, required=True, help="folder of text files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--length", type=int, default=1024, help="tokens of a sequence")
    parser.add_argument("--prompt-length", type=int, default=384, help="tokens of a prompt for the model to answer")
    parser.add_argument("--sequences", type=int, help="of each kind at most, the first ones")
    parser.add_argument("--vocabulary", type=int, default=65_000, help="tokens kept, the most frequent ones")
    return parser.parse_args()


if __name__ == "__main__":
    main()
