"""Logits of tiny random models of every architecture by the reference implementation.

    pip install torch==2.13.0 transformers==5.24.0 safetensors
    python test/reference/family_goldens.py test/fixtures/families

Writes one JSON a model: its config.json, the names and shapes of its tensors as `save_pretrained` publishes them, token ids, and
the logits after each of them. The weights are not stored: `weight_values` makes them from the tensor's name, and so does
test/support/family-checkpoint.ts.
"""

import json
import math
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

VOCAB = 96
TOKENS = [(7 * i * i + 3 * i + 5) % VOCAB for i in range(14)]
COMMON = dict(vocab_size=VOCAB, hidden_size=64, num_hidden_layers=3, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0)
HEADS = dict(num_attention_heads=4, num_key_value_heads=2)
GLM = dict(**COMMON, intermediate_size=96, moe_intermediate_size=32, n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=3,
           first_k_dense_replace=1, norm_topk_prob=True)

MODELS = {
    "qwen2": ("Qwen2", dict(**COMMON, **HEADS, intermediate_size=96, tie_word_embeddings=True)),
    "qwen3": ("Qwen3", dict(**COMMON, **HEADS, head_dim=32, intermediate_size=96, tie_word_embeddings=False)),
    "qwen2-window": ("Qwen2", dict(**COMMON, **HEADS, intermediate_size=96, tie_word_embeddings=True, use_sliding_window=True, sliding_window=5,
                                   max_window_layers=1)),
    "llama": ("Llama", dict(**COMMON, **HEADS, intermediate_size=96, rope_parameters=dict(
        rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64))),
    "llama-linear": ("Llama", dict(**COMMON, **HEADS, intermediate_size=96, attention_bias=True, rope_parameters=dict(
        rope_type="linear", rope_theta=500.0, factor=2.0))),
    "llama-yarn": ("Llama", dict(**COMMON, **HEADS, intermediate_size=96, rope_parameters=dict(rope_type="yarn", rope_theta=500.0, factor=4.0))),
    "qwen3_moe": ("Qwen3Moe", dict(**COMMON, **HEADS, head_dim=32, intermediate_size=96, moe_intermediate_size=32, num_experts=8,
                                   num_experts_per_tok=3, norm_topk_prob=True, mlp_only_layers=[1])),
    "qwen3_moe-window": ("Qwen3Moe", dict(**COMMON, **HEADS, head_dim=32, intermediate_size=96, moe_intermediate_size=32, num_experts=8,
                                          num_experts_per_tok=3, norm_topk_prob=True, use_sliding_window=True, sliding_window=5)),
    "olmoe": ("Olmoe", dict(**COMMON, **HEADS, intermediate_size=32, num_experts=8, num_experts_per_tok=3, norm_topk_prob=False)),
    "glm4_moe": ("Glm4Moe", dict(**GLM, num_attention_heads=6, num_key_value_heads=2, head_dim=16, attention_bias=True, use_qk_norm=False,
                                 routed_scaling_factor=1.0, rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5))),
    "glm4_moe-355b": ("Glm4Moe", dict(**GLM, num_attention_heads=6, num_key_value_heads=2, head_dim=16, attention_bias=True, use_qk_norm=True,
                                      routed_scaling_factor=2.5, n_group=4, topk_group=2,
                                      rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5))),
    "glm4_moe_lite": ("Glm4MoeLite", dict(**GLM, num_attention_heads=4, num_key_value_heads=4, q_lora_rank=24, kv_lora_rank=32,
                                          qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=20, routed_scaling_factor=1.8)),
    "glm4_moe_lite-whole": ("Glm4MoeLite", dict(**GLM, num_attention_heads=4, num_key_value_heads=4, q_lora_rank=None, kv_lora_rank=32,
                                                qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=12, routed_scaling_factor=1.8)),
    "gpt_oss": ("GptOss", dict(**{**COMMON, "num_hidden_layers": 4}, num_attention_heads=8, num_key_value_heads=2, head_dim=16, intermediate_size=96, swiglu_limit=0.6,
                               num_local_experts=6, num_experts_per_tok=2, sliding_window=5, rope_parameters=dict(
                                   rope_type="yarn", rope_theta=1500.0, factor=8.0, beta_fast=32.0, beta_slow=1.0, truncate=False,
                                   original_max_position_embeddings=32))),
    "granitemoe": ("GraniteMoe", dict(**COMMON, **HEADS, intermediate_size=32, num_local_experts=8, num_experts_per_tok=3, tie_word_embeddings=True,
                                      embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.2, logits_scaling=2.0)),
    "granitemoe-shared": ("GraniteMoeShared", dict(**COMMON, **HEADS, intermediate_size=32, shared_intermediate_size=96, num_local_experts=8, num_experts_per_tok=3,
                                                   tie_word_embeddings=False, attention_bias=True, embedding_multiplier=3.0, residual_multiplier=0.4,
                                                   attention_multiplier=0.2, logits_scaling=2.0)),
    "lfm2_moe": ("Lfm2Moe", dict(**{**COMMON, "num_hidden_layers": 4}, **HEADS, intermediate_size=96, moe_intermediate_size=32, num_dense_layers=1,
                                 num_experts=8, num_experts_per_tok=3, norm_topk_prob=True, routed_scaling_factor=1.0, use_expert_bias=True,
                                 conv_L_cache=3, layer_types=["conv", "full_attention", "conv", "conv"])),
}


def weight_values(name: str, shape: list[int]) -> np.ndarray:
    """Uniform numbers by mulberry32 from the CRC-32 of the name: around one for norms, else in +-1.7 / sqrt(inputs)."""
    count = math.prod(shape)
    state = (np.uint64(zlib.crc32(name.encode())) + np.uint64(0x6D2B79F5) * np.arange(1, count + 1, dtype=np.uint64)) & np.uint64(0xFFFFFFFF)
    mask = np.uint64(0xFFFFFFFF)
    t = ((state ^ (state >> np.uint64(15))) * (state | np.uint64(1))) & mask
    t ^= (t + (((t ^ (t >> np.uint64(7))) * (t | np.uint64(61))) & mask)) & mask
    unit = (t ^ (t >> np.uint64(14))).astype(np.float64) / 2147483648 - 1
    if "norm" in name:
        return (1 + 0.3 * unit).astype(np.float32).reshape(shape)
    inputs = shape[-1] if len(shape) > 1 else 4
    return (1.7 * unit / math.sqrt(inputs)).astype(np.float32).reshape(shape)


def next_token_shapes(shapes: dict, layers: int) -> dict:
    """Tensors of a layer for multi-token prediction behind the last one, which is shaped like it."""
    at, like = f"model.layers.{layers}.", f"model.layers.{layers - 1}."
    hidden = COMMON["hidden_size"]
    own = {"eh_proj": [hidden, 2 * hidden], "enorm": [hidden], "hnorm": [hidden], "shared_head.norm": [hidden]}
    return {at + name.removeprefix(like): shape for name, shape in shapes.items() if name.startswith(like)} | {
        f"{at}{name}.weight": shape for name, shape in own.items()}


def next_token_guesses(model, weights: dict, layers: int, tokens: list[int]) -> list[list[float]]:
    """[token, probability] of the token after next, for every token but the last. The maths of vLLM's glm4_moe_mtp.py:
    layer(eh_proj([enorm(embedding of the next token), hnorm(state after the last norm)])), then shared_head.norm and lm_head."""
    config = model.config
    config.num_hidden_layers = layers + 1
    if getattr(config, "mlp_layer_types", None):
        config.mlp_layer_types = [*config.mlp_layer_types, "sparse"]
    at = f"model.layers.{layers}."
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        save_file(weights, f"{folder}/model.safetensors", metadata={"format": "pt"})
        deeper = type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    layer = deeper.model.layers[layers]
    norm = lambda x, name: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + config.rms_norm_eps) * weights[f"{at}{name}.weight"]
    with torch.no_grad():
        states = model.model(torch.tensor([tokens])).last_hidden_state[:, :-1]
        embedded = model.model.embed_tokens(torch.tensor([tokens[1:]]))
        x = torch.cat([norm(embedded, "enorm"), norm(states, "hnorm")], -1) @ weights[f"{at}eh_proj.weight"].T
        positions = torch.arange(x.shape[1])[None]
        mask = torch.full((x.shape[1], x.shape[1]), -1e30).triu(1)[None, None]
        x = layer(x, attention_mask=mask, position_ids=positions, position_embeddings=model.model.rotary_emb(x, positions))
        best = torch.softmax(model.lm_head(norm(x, "shared_head.norm")), -1).max(-1)
    return [[token, float(f"{p:.6g}")] for token, p in zip(best.indices[0].tolist(), best.values[0].tolist())]


def golden(kind: str, settings: dict) -> dict:
    config = getattr(transformers, f"{kind}Config")(**settings)
    model_class = getattr(transformers, f"{kind}ForCausalLM")
    with tempfile.TemporaryDirectory() as folder:
        model_class(config).save_pretrained(folder)
        with safe_open(f"{folder}/model.safetensors", "pt") as file:
            shapes = {name: list(file.get_slice(name).get_shape()) for name in sorted(file.keys())}
        layers = settings["num_hidden_layers"]
        predicts = kind.startswith("Glm4Moe")
        if predicts:
            shapes |= next_token_shapes(shapes, layers)
        weights = {name: torch.from_numpy(weight_values(name, shape)) for name, shape in shapes.items()}
        save_file(weights, f"{folder}/model.safetensors", metadata={"format": "pt"})
        model = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        with torch.no_grad():
            logits = model(torch.tensor([TOKENS])).logits[0]
        published = json.loads(Path(folder, "config.json").read_text())
    guesses = {"guesses": next_token_guesses(model, weights, layers, TOKENS)} if predicts else {}
    return {
        "config": published,
        "tensors": shapes,
        "tokens": TOKENS,
        "logits": [[float(f"{value:.7g}") for value in row] for row in logits.tolist()],
        **guesses,
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name, (kind, settings) in MODELS.items():
        result = golden(kind, settings)
        (target / f"{name}.json").write_text(json.dumps(result) + "\n")
        print(name, len(result["tensors"]), "tensors, logits to", max(abs(v) for row in result["logits"] for v in row))
