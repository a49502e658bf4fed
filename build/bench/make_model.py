"""Writes a model of Qwen3-0.6B's shape with random weights, twice: an MLX folder
(affine 4-bit, group 64, bfloat16 scales, as published ones are) and a GGUF file
(Q4_0, the same 4.5 bits a weight). Speed does not depend on what weights say.

usage: make_model.py FOLDER TOKENIZER_FOLDER
"""

import json
import pathlib
import shutil
import struct
import sys

import gguf
import numpy as np

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD, FFN, VOCAB = 1024, 28, 16, 8, 128, 3072, 151936
CONTEXT, THETA, EPS, GROUP = 4096, 1000000.0, 1e-6, 64

# name in MLX, name in GGUF, rows, columns
LAYER = [
    ("self_attn.q_proj", "attn_q", HEADS * HEAD, HIDDEN),
    ("self_attn.k_proj", "attn_k", KV_HEADS * HEAD, HIDDEN),
    ("self_attn.v_proj", "attn_v", KV_HEADS * HEAD, HIDDEN),
    ("self_attn.o_proj", "attn_output", HIDDEN, HEADS * HEAD),
    ("mlp.gate_proj", "ffn_gate", FFN, HIDDEN),
    ("mlp.up_proj", "ffn_up", FFN, HIDDEN),
    ("mlp.down_proj", "ffn_down", HIDDEN, FFN),
]
NORMS = [
    ("input_layernorm", "attn_norm", HIDDEN),
    ("post_attention_layernorm", "ffn_norm", HIDDEN),
    ("self_attn.q_norm", "attn_q_norm", HEAD),
    ("self_attn.k_norm", "attn_k_norm", HEAD),
]

random = np.random.default_rng(1)


def bf16(a):
    return (np.asarray(a, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def quantized(rows, cols):
    """Packed words, scales and biases: weights of about 1/sqrt(cols)."""
    words = random.integers(0, 2**32, (rows, cols // 8), np.uint32)
    scale = random.uniform(0.5, 1.5, (rows, cols // GROUP)) / (4.6 * np.sqrt(cols))
    return words, bf16(scale), bf16(-7.5 * scale)


def q4_0(rows, cols):
    """Blocks of 32: a half-precision scale and 16 bytes of two 4-bit codes."""
    blocks = random.integers(0, 256, (rows, cols // 32, 18), np.uint8)
    scale = (random.uniform(0.5, 1.5, (rows, cols // 32)) / (4.6 * np.sqrt(cols))).astype(np.float16)
    blocks[:, :, :2] = scale[..., None].view(np.uint8)
    return blocks.reshape(rows, cols // 32 * 18)


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps({"__metadata__": {"format": "mlx"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, array in tensors.values():
            f.write(np.ascontiguousarray(array).tobytes())


def mlx_folder(folder, tokenizer):
    folder.mkdir(parents=True)
    tensors = {}

    def matrix(name, rows, cols):
        for part, dtype, array in zip(("weight", "scales", "biases"), ("U32", "BF16", "BF16"), quantized(rows, cols)):
            tensors[f"{name}.{part}"] = (dtype, array)

    def norm(name, size):
        tensors[name + ".weight"] = ("BF16", bf16(np.ones(size)))

    matrix("model.embed_tokens", VOCAB, HIDDEN)
    norm("model.norm", HIDDEN)
    for i in range(LAYERS):
        for name, _, rows, cols in LAYER:
            matrix(f"model.layers.{i}.{name}", rows, cols)
        for name, _, size in NORMS:
            norm(f"model.layers.{i}.{name}", size)
    write_safetensors(folder / "model.safetensors", tensors)
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HEAD,
        "intermediate_size": FFN,
        "vocab_size": VOCAB,
        "max_position_embeddings": CONTEXT,
        "rope_theta": THETA,
        "rms_norm_eps": EPS,
        "rope_scaling": None,
        "attention_bias": False,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "quantization": {"group_size": GROUP, "bits": 4},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    for f in pathlib.Path(tokenizer).iterdir():
        if f.suffix in (".json", ".jinja"):
            shutil.copy(f, folder)


def gguf_file(path):
    w = gguf.GGUFWriter(path, "qwen3")
    w.add_block_count(LAYERS)
    w.add_context_length(CONTEXT)
    w.add_embedding_length(HIDDEN)
    w.add_feed_forward_length(FFN)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV_HEADS)
    w.add_key_length(HEAD)
    w.add_value_length(HEAD)
    w.add_rope_freq_base(THETA)
    w.add_layer_norm_rms_eps(EPS)
    w.add_vocab_size(VOCAB)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    w.add_tokenizer_model("no_vocab")

    def matrix(name, rows, cols):
        w.add_tensor(name + ".weight", q4_0(rows, cols), raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    matrix("token_embd", VOCAB, HIDDEN)
    w.add_tensor("output_norm.weight", np.ones(HIDDEN, np.float32))
    for i in range(LAYERS):
        for _, name, rows, cols in LAYER:
            matrix(f"blk.{i}.{name}", rows, cols)
        for _, name, size in NORMS:
            w.add_tensor(f"blk.{i}.{name}.weight", np.ones(size, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    folder, tokenizer = pathlib.Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    # Under a name of its own until whole: a run cut short is made again.
    if not (folder / "qwen3-0.6b-shape").exists():
        part = folder / "qwen3-0.6b-shape.part"
        shutil.rmtree(part, ignore_errors=True)
        mlx_folder(part, tokenizer)
        part.rename(folder / "qwen3-0.6b-shape")
    if not (folder / "qwen3-0.6b-shape.gguf").exists():
        part = folder / "qwen3-0.6b-shape.gguf.part"
        gguf_file(part)
        part.rename(folder / "qwen3-0.6b-shape.gguf")


if __name__ == "__main__":
    main()
