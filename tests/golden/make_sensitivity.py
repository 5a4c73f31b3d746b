"""Squared gradients of the loss at the outputs of the linear layers of the models in families/, by torch's autograd.

    venv/bin/python tests/golden/make_sensitivity.py

after make_family_models.py, whose head says how to make the environment. Writes sensitivity/<name>.safetensors, all float64:
of each linear layer, named as its tensor without `.weight`, `<layer>.rows` [rows], the mean over the tokens of (dL/dy)^2, and
`<layer>.tokens` [windows, T - 1], its mean over the rows. L is the sum over all windows of the negative log-likelihood of
tokens 1 .. T - 1; the last token of a window has no gradient. The versions stand as JSON in the metadata's `result`.

transformers computes in float64, with the angles of its rotary embedding in float32. Its RMSNorm rounds to float32 on the way,
and so does its eager attention; neither does here.
"""

import json
import platform
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

GOLDEN = Path(__file__).parent
FAMILIES = GOLDEN / "families"
SENSITIVITY = GOLDEN / "sensitivity"


def forward_in_float64(norm: torch.nn.Module, hidden: torch.Tensor) -> torch.Tensor:
    epsilon = norm.variance_epsilon
    return norm.weight * hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + epsilon)


def make(folder: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa"
    )
    model.double().eval()
    outputs: dict[str, torch.Tensor] = {}
    for name, module in model.named_modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = forward_in_float64.__get__(module)
        if isinstance(module, torch.nn.Linear) and name != "lm_head":

            def keep(_module, _input, output, name=name):
                output.retain_grad()
                outputs[name] = output

            module.register_forward_hook(keep)

    ids = load_file(FAMILIES / f"{folder.name}.expected.safetensors")["ids"].long()
    logits = model(ids, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="sum")
    loss.backward()

    tensors = {}
    for name, output in sorted(outputs.items()):
        assert output.grad.dtype == torch.float64 and not output.grad[:, -1].any()
        squares = output.grad[:, :-1].square()
        tensors[f"{name}.rows"] = squares.mean(dim=(0, 1)).contiguous()
        tensors[f"{name}.tokens"] = squares.mean(dim=2).contiguous()
    versions = {
        "loss": loss.item(),
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    file = SENSITIVITY / f"{folder.name}.safetensors"
    save_file(tensors, file, metadata={"result": json.dumps(versions)})
    file.chmod(0o644)
    print(f"{folder.name:18} loss {loss.item():12.4f}  {len(outputs)} layers")


if __name__ == "__main__":
    SENSITIVITY.mkdir(exist_ok=True)
    for folder in sorted(FAMILIES.iterdir()):
        if folder.is_dir():
            make(folder)
