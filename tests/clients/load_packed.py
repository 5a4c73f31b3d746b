"""Loads packed models as their users do, beside the dense models of the same runs.

    python load_packed.py JOBS.json

JOBS.json is a list. A job with `packed` and `dense` (folders) is answered with what the two have in common,
one with `ids` too with logits (float32, row-major, in the file `logits`) and greedy continuations; a job with
`refused` (a folder) with why it is not loaded; one with `files` with why each safetensors file is not read,
or null. The answers are printed as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import safe_open
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def load(folder: str, dtype: Any = "auto") -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, dtype=dtype).eval()


def differences(one: PreTrainedModel, other: PreTrainedModel) -> list[str]:
    """Names of tensors that are not the same to the last bit, and in the same dtype."""
    a, b = one.state_dict(), other.state_dict()
    same = [
        name
        for name in a.keys() & b.keys()
        if a[name].dtype == b[name].dtype and torch.equal(a[name], b[name])
    ]
    return sorted((a.keys() | b.keys()) - set(same))


def greedy(model: PreTrainedModel, prompt: list[int], count: int) -> list[int]:
    ids = torch.tensor([prompt])
    options = dict(max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)
    return model.generate(ids, attention_mask=torch.ones_like(ids), **options)[0, len(prompt) :].tolist()


def arrays(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": each for name, layer in model.packed_layers() for key, each in layer.named_buffers()
    }


def changed_by_casts(model: PreTrainedModel) -> list[str]:
    """Arrays that casts of the model have touched."""
    before = {name: each.clone() for name, each in arrays(model).items()}
    model.half().to(torch.bfloat16).to("cpu", torch.float64).float()
    after = arrays(model)
    return [
        name
        for name in before
        if before[name].dtype != after[name].dtype or not torch.equal(before[name], after[name])
    ]


def on_cuda(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")


def devices_on_cuda(model: PreTrainedModel, ids: list[int]) -> list[str]:
    """Devices of all that is computed once a model whose layers have run is on a CUDA device.

    There is none here: FakeTensorMode knows shapes, dtypes and devices without values, and what mixes a
    device with the processor is an error as it would be there.
    """
    devices = set()
    is_true = torch.Tensor.__bool__
    # The table of eight-bit centroids is on the processor, and sent along.
    with FakeTensorMode(allow_non_fake_inputs=True):
        for module in model.modules():
            for name, each in module._parameters.items():
                if each is not None:
                    module._parameters[name] = torch.nn.Parameter(on_cuda(each), requires_grad=False)
            for name, each in module._buffers.items():
                if each is not None:
                    module._buffers[name] = on_cuda(each)
        try:
            # Whether entries are damaged cannot be told without values.
            torch.Tensor.__bool__ = lambda self: not isinstance(self, FakeTensor) and is_true(self)
            for _, layer in model.packed_layers():
                inputs = torch.empty(3, layer.in_features, device="cuda")
                devices |= {str(each.device) for each in (layer(inputs), layer.dequantize())}
                if hasattr(layer, "reserves"):
                    devices.add(str(layer._read_rows().device))
            logits = model(torch.tensor([ids], device="cuda")).logits
            devices.add(str(logits.device))
        finally:
            torch.Tensor.__bool__ = is_true
    return sorted(devices)


def compare(job: dict[str, Any]) -> dict[str, Any]:
    packed, dense = load(job["packed"]), load(job["dense"])
    decoded = packed.dequantize()
    answer = {
        "class": type(packed).__name__,
        "denseClass": type(decoded).__name__,
        "packedLayers": sum(1 for _ in packed.packed_layers()),
        "differences": differences(decoded, dense),
        "config": decoded.config.to_dict()
        == dense.config.to_dict() | {"_name_or_path": decoded.config.name_or_path},
    }
    if "ids" in job:
        whole = load(job["packed"], torch.float32)
        with torch.no_grad():
            logits = whole(torch.tensor([job["ids"]])).logits[0]
        Path(job["logits"]).write_bytes(logits.contiguous().numpy().tobytes())
        answer["greedy"] = {
            "packed": greedy(whole, job["prompt"], job["count"]),
            "decoded": greedy(whole.dequantize(), job["prompt"], job["count"]),
            "dense": greedy(load(job["dense"], torch.float32), job["prompt"], job["count"]),
        }
        answer["changedByCasts"] = changed_by_casts(whole)
        with tempfile.TemporaryDirectory() as folder:
            decoded.save_pretrained(folder)
            answer["savedDifferences"] = differences(load(folder), dense)
    if "text" in job:
        tokenizer = AutoTokenizer.from_pretrained(job["packed"], trust_remote_code=True)
        answer["textIds"] = tokenizer(job["text"])["input_ids"]
    answer["devicesOnCuda"] = devices_on_cuda(packed, [0, 1, 2])
    return answer


def refusal(folder: str) -> dict[str, str]:
    try:
        load(folder)
    except Exception as error:  # noqa: BLE001
        return {"type": type(error).__name__, "message": str(error)}
    return {"type": "none", "message": ""}


def read_all(path: str) -> str | None:
    try:
        with safe_open(path, "pt") as file:
            for name in file.keys():
                file.get_tensor(name)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return None


def answer(job: dict[str, Any]) -> Any:
    if "refused" in job:
        return refusal(job["refused"])
    if "files" in job:
        return [read_all(path) for path in job["files"]]
    return compare(job)


if __name__ == "__main__":
    torch.manual_seed(0)
    print(json.dumps([answer(job) for job in json.loads(Path(sys.argv[1]).read_text())]))
