"""Small random models of every supported family, and what Hugging Face transformers computes with them.

    python3 -m venv venv && venv/bin/pip install torch transformers safetensors numpy
    venv/bin/python tests/golden/make_family_models.py

Writes families/<name>/ (config.json and model.safetensors, as a model folder has them) and
families/<name>.expected.safetensors: `ids` int32 [windows, T], `logits` float32 [T, vocabulary] of the first window,
`nll` float64 [windows, T - 1], and the perplexity and versions as JSON in its metadata's `result`.

The configs are written by hand in the form of the published models, not by transformers, whose current version would
write newer names. The computation is float32 with eager attention, on weights upcast from the stored dtype.
"""

import json
import platform
import shutil
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

FAMILIES = Path(__file__).parent / "families"
WINDOWS, LENGTH = 3, 40

LLAMA = dict(
    architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=48, intermediate_size=80, vocab_size=320,
    num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128, rms_norm_eps=1e-6, hidden_act="silu",
    tie_word_embeddings=False,
)
LLAMA3_ROPE = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64
)
MISTRAL = LLAMA | dict(
    architectures=["MistralForCausalLM"], model_type="mistral", num_key_value_heads=2, rope_theta=10000.0,
    rms_norm_eps=1e-5,
)
QWEN2 = LLAMA | dict(
    architectures=["Qwen2ForCausalLM"], model_type="qwen2", num_key_value_heads=2, rope_theta=1000000.0,
    use_sliding_window=False, sliding_window=32, max_window_layers=2,
)
F16, BF16, F32 = torch.float16, torch.bfloat16, torch.float32

# Name: config, dtype of the matrices, dtype of the norms and biases.
MODELS = {
    # LLaMA-1: as many key-value heads as heads, and the config says nothing of them.
    "llama": (LLAMA, F16, F16),
    "llama2-gqa": (LLAMA | dict(num_key_value_heads=2, rms_norm_eps=1e-5, pretraining_tp=1, rope_scaling=None), F16, F32),
    "llama3": (
        LLAMA | dict(num_key_value_heads=1, rope_theta=500000.0, rope_scaling=LLAMA3_ROPE, rms_norm_eps=1e-5), BF16, BF16
    ),
    "llama-linear-rope": (LLAMA | dict(rope_theta=10000.0, rope_scaling=dict(type="linear", factor=4.0)), F16, F16),
    "llama-biases": (LLAMA | dict(num_key_value_heads=2, attention_bias=True, mlp_bias=True), F16, F16),
    "yi": (LLAMA | dict(num_key_value_heads=1, rope_theta=5000000.0), BF16, BF16),
    "mistral": (MISTRAL | dict(sliding_window=None, head_dim=16), BF16, F32),
    "mistral-sliding": (MISTRAL | dict(sliding_window=12), F16, F16),
    "qwen2": (QWEN2, F16, F16),
    "qwen2-tied": (QWEN2 | dict(tie_word_embeddings=True), BF16, BF16),
    "qwen3": (
        LLAMA | dict(
            architectures=["Qwen3ForCausalLM"], model_type="qwen3", num_key_value_heads=2, head_dim=20,
            rope_theta=1000000.0, attention_bias=False, use_sliding_window=False, sliding_window=None,
            max_window_layers=2, tie_word_embeddings=True,
        ),
        F16, F32,
    ),
    "smollm2": (
        LLAMA | dict(
            num_attention_heads=3, num_key_value_heads=1, rope_theta=100000.0, rms_norm_eps=1e-5, rope_interleaved=False,
            rope_scaling=None, attention_bias=False, mlp_bias=False, tie_word_embeddings=True,
        ),
        BF16, BF16,
    ),
}


def random_tensor(name: str, like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(like.shape, generator=generator)
    if name.endswith("norm.weight"):
        return 1 + 0.3 * noise
    if name.endswith(".bias"):
        return 0.5 * noise
    if "embed_tokens" in name or "lm_head" in name:
        return 0.5 * noise
    # Large enough that attention is far from even and the blocks change what the embedding brought.
    return 0.25 * noise


def save(tensors: dict[str, torch.Tensor], file: Path, metadata: dict[str, str]) -> None:
    save_file(tensors, file, metadata=metadata)
    file.chmod(0o644)


@torch.no_grad()
def make(name: str, config: dict, matrix_dtype: torch.dtype, vector_dtype: torch.dtype, seed: int) -> None:
    folder = FAMILIES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    dtype = {F16: "float16", BF16: "bfloat16", F32: "float32"}[matrix_dtype]
    (folder / "config.json").write_text(json.dumps(config | dict(torch_dtype=dtype), indent=2) + "\n")

    generator = torch.Generator().manual_seed(seed)
    empty = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(folder))
    weights = {
        tensor_name: random_tensor(tensor_name, tensor, generator).to(matrix_dtype if tensor.dim() == 2 else vector_dtype)
        for tensor_name, tensor in sorted(empty.state_dict().items())
        if not (config["tie_word_embeddings"] and tensor_name == "lm_head.weight")
    }
    save(weights, folder / "model.safetensors", {"format": "pt"})

    model, loading = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(loading.values()), loading
    model.eval()
    ids = torch.randint(0, config["vocab_size"], (WINDOWS, LENGTH), generator=generator)
    output = model(ids, output_attentions=True, use_cache=False)
    logits = output.logits
    nll = torch.nn.functional.cross_entropy(
        logits[:, :-1].double().transpose(1, 2), ids[:, 1:], reduction="none"
    )
    perplexity = nll.mean(dim=1).mean().exp().item()
    exact = model.double()(ids[:1], use_cache=False).logits[0]
    float32_error = ((logits[0] - exact).abs().max() / exact.abs().max()).item()
    result = {
        "perplexity": perplexity,
        # How far rounding takes the float32 logits from float64 ones, relative to the largest logit.
        "float32_error": float32_error,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    save(
        {"ids": ids.to(torch.int32), "logits": logits[0].contiguous(), "nll": nll},
        FAMILIES / f"{name}.expected.safetensors",
        # One entry: the order in which several are written changes from run to run.
        {"result": json.dumps(result)},
    )
    peak = torch.stack(output.attentions)[..., LENGTH // 2 :, :].amax(-1).mean().item()
    print(
        f"{name:18} perplexity {perplexity:12.6f}  logit std {logits.std():.3f}  "
        f"mean largest attention share {peak:.3f}  float32 error {float32_error:.1e}"
    )


if __name__ == "__main__":
    FAMILIES.mkdir(exist_ok=True)
    for number, (name, (config, matrix_dtype, vector_dtype)) in enumerate(MODELS.items()):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, config, matrix_dtype, vector_dtype, seed=number + 1)
