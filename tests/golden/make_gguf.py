"""Small GGUF files by the Python package gguf, and what it reads from them.

    pip install gguf==0.19.0 numpy==2.4.6 safetensors==0.8.0 tokenizers==0.23.3 transformers==5.23.0
    python tests/golden/make_gguf.py

gguf/types.gguf holds a random tensor of every type that is read, gguf/types.expected.safetensors the float32 values that
gguf.quants.dequantize gives for it.

gguf/<family>.gguf are models of families/ under llama.cpp's names, with its order of the rows of q and k and its factors of
Llama 3's rotary frequencies. The tensors are those of families/<family>/model.safetensors, bit for bit.

gguf/tokenizer-<name>.gguf have no tensors: the tokenizers of tokenizers/ (and of a vocabulary with SentencePiece's scores) as
llama.cpp's converter writes their metadata. gguf/sentencepiece.json is what transformers makes of the last: token ids of awkward
texts.
"""

import json
import math
import struct
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers.tokenization_utils_base import generate_merges

from make_token_ids import TEXTS, put_in_front

HERE = Path(__file__).parent
OUT = HERE / "gguf"
ROWS, COLUMNS = 3, 512

CODES = [
    Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q4_K, Type.Q5_K, Type.Q6_K,
]  # fmt: skip
# Where the half-precision numbers of a block stand. All other bytes may be anything.
HALVES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.Q4_K: [0, 2],
    Type.Q5_K: [0, 2], Type.Q6_K: [208],
}  # fmt: skip


def random_codes(type_: Type, random: np.random.Generator) -> np.ndarray:
    values, size = gguf.GGML_QUANT_SIZES[type_]
    blocks = random.integers(0, 256, (ROWS * COLUMNS // values, size), dtype=np.uint8)
    for at in HALVES[type_]:
        # From subnormal to large, of both signs.
        halves = random.standard_normal(len(blocks)) * 10.0 ** random.integers(-7, 3, len(blocks))
        blocks[:, at : at + 2] = halves.astype(np.float16).reshape(-1, 1).view(np.uint8)
    return blocks.reshape(ROWS, -1)


def make_types() -> None:
    random = np.random.default_rng(7)
    writer = GGUFWriter(OUT / "types.gguf", "llama")
    expected = {}
    for type_ in CODES:
        codes = random_codes(type_, random)
        writer.add_tensor(type_.name, codes, raw_dtype=type_)
        expected[type_.name] = gguf.quants.dequantize(codes, type_)
    for type_ in [Type.F32, Type.F16, Type.BF16]:
        floats = (random.standard_normal((ROWS, COLUMNS)) * 3).astype(np.float32)
        stored = gguf.quants.quantize(floats, type_)
        writer.add_tensor(type_.name, stored, raw_dtype=type_)
        expected[type_.name] = gguf.quants.dequantize(stored, type_)
    finish(writer)
    save(expected, OUT / "types.expected.safetensors")


def save(tensors: dict, path: Path) -> None:
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, path)
    path.chmod(0o644)


def finish(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


MODULES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
}  # fmt: skip
OUTSIDE = {
    "model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}  # fmt: skip


def gguf_name(name: str) -> str:
    if name in OUTSIDE:
        return OUTSIDE[name]
    _, _, block, rest = name.split(".", 3)
    module, parameter = rest.rsplit(".", 1)
    return f"blk.{block}.{MODULES[module]}.{parameter}"


def permute(weights: np.ndarray, heads: int) -> np.ndarray:
    """As llama.cpp's converter does it."""
    halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return halves.swapaxes(1, 2).reshape(weights.shape)


def read_stored(path: Path) -> dict[str, tuple[str, np.ndarray]]:
    """Tensors as (dtype, bytes as integers), so that bfloat16 needs no library."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        kind = {"F32": np.uint32, "F16": np.uint16, "BF16": np.uint16}[entry["dtype"]]
        tensors[name] = (entry["dtype"], np.frombuffer(content[begin:end], kind).reshape(entry["shape"]))
    return tensors


def rope_factors(config: dict, rope: dict) -> np.ndarray:
    """As llama.cpp's converter computes them."""
    dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    factor, low, high = rope["factor"], rope["low_freq_factor"], rope["high_freq_factor"]
    context = rope["original_max_position_embeddings"]
    factors = []
    for exponent in np.arange(0, dim, 2, dtype=np.float32) / np.float32(dim):
        frequency = np.float32(1.0) / np.float32(config["rope_theta"]) ** exponent
        wavelength = np.float32(2 * math.pi) / frequency
        if wavelength < context / high:
            factors.append(1)
        elif wavelength > context / low:
            factors.append(factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, dtype=np.float32)


def make_family(family: str) -> None:
    folder = HERE / "families" / family
    config = json.loads((folder / "config.json").read_text())
    architecture = {"mistral": "llama"}.get(config["model_type"], config["model_type"])
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    writer = GGUFWriter(OUT / f"{family}.gguf", architecture)
    writer.add_name(family)
    writer.add_license("apache-2.0")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    if "rope_theta" in config:
        writer.add_rope_freq_base(config["rope_theta"])
    rope = config.get("rope_scaling") or {}
    if rope.get("type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", rope_factors(config, rope))
    for name, (dtype, stored) in read_stored(folder / "model.safetensors").items():
        if architecture == "llama" and ".q_proj." in name:
            stored = permute(stored, heads)
        if architecture == "llama" and ".k_proj." in name:
            stored = permute(stored, kv_heads)
        type_ = Type[dtype]
        if stored.ndim == 1 and dtype != "F32":
            # llama.cpp has all vectors in float32.
            widened = stored.astype(np.uint32) << 16 if dtype == "BF16" else stored.view(np.float16).astype(np.float32)
            stored, type_ = widened, Type.F32
        writer.add_tensor(gguf_name(name), np.ascontiguousarray(stored).view(np.uint8), raw_dtype=type_)
    finish(writer)


def add_tokens(writer: GGUFWriter, definition: dict, scores: dict[str, float] | None) -> None:
    texts = dict(definition["model"]["vocab"]) | {token["content"]: token["id"] for token in definition["added_tokens"]}
    control = {token["content"] for token in definition["added_tokens"] if token["special"]}
    tokens = sorted(texts, key=lambda text: texts[text])
    assert [texts[token] for token in tokens] == list(range(len(tokens)))

    def type_of(token: str) -> gguf.TokenType:
        if token == "<unk>":
            return gguf.TokenType.UNKNOWN
        if token in control:
            return gguf.TokenType.CONTROL
        is_byte = scores is not None and token.startswith("<0x")
        return gguf.TokenType.BYTE if is_byte else gguf.TokenType.NORMAL

    # Two rows of the embedding that no token has.
    tokens += ["[PAD0]", "[PAD1]"]
    writer.add_token_list(tokens)
    if scores is not None:
        writer.add_token_scores([scores.get(token, -1000.0) for token in tokens])
    writer.add_token_types([type_of(token) for token in tokens[:-2]] + [gguf.TokenType.UNUSED] * 2)
    if scores is None:
        writer.add_token_merges([" ".join(merge) for merge in definition["model"]["merges"]])


def make_tokenizer(name: str, pre: str, path: Path, bos: int | None) -> None:
    definition = json.loads(path.read_text(encoding="utf-8"))
    writer = GGUFWriter(OUT / f"tokenizer-{name}.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    add_tokens(writer, definition, None)
    writer.add_eos_token_id(0)
    if bos is None:
        writer.add_add_bos_token(False)
    else:
        writer.add_bos_token_id(bos)
    writer.add_chat_template("{{ messages[0]['content'] }}")
    finish(writer)


def make_sentencepiece() -> None:
    """A vocabulary as SentencePiece trains it: each merged piece with the score -(rank of its merge)."""
    definition = json.loads((HERE / "tokenizers" / "llama2" / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = definition["model"]["vocab"]
    merged = ["".join(merge) for merge in definition["model"]["merges"]]
    scores = {token: 0.0 for token in vocab if token.startswith("<")}
    scores |= {piece: -float(rank) for rank, piece in enumerate(merged)}
    # Single characters come behind all merges.
    scores |= {token: -float(len(merged) + id_) for token, id_ in vocab.items() if token not in scores}
    writer = GGUFWriter(OUT / "tokenizer-sentencepiece.gguf", "llama")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    add_tokens(writer, definition, scores)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    finish(writer)

    special = {token for token in vocab if token.startswith("<") and len(token) > 1}
    merges = generate_merges(vocab, {token: scores[token] for token in vocab}, skip_tokens=special)
    tokenizer = Tokenizer(
        models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    put_in_front(tokenizer, "<s>")
    result = {
        "merges": [list(merge) for merge in merges],
        "texts": [
            {
                "text": text,
                "ids": tokenizer.encode(text, add_special_tokens=False).ids,
                "idsWithSpecial": tokenizer.encode(text).ids,
            }
            for text in TEXTS
        ],
    }
    (OUT / "sentencepiece.json").write_text(json.dumps(result, ensure_ascii=True) + "\n", encoding="utf-8")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    make_types()
    for family in ["llama3", "llama-biases", "qwen3"]:
        make_family(family)
    tokenizers = HERE / "tokenizers"
    make_tokenizer("llama3", "llama-bpe", tokenizers / "llama3" / "tokenizer.json", 0)
    make_tokenizer("qwen2", "qwen2", tokenizers / "qwen2" / "tokenizer.json", None)
    make_sentencepiece()


if __name__ == "__main__":
    main()
