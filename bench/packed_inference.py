"""How fast a packed model generates text in transformers, and what memory it takes, beside the dense model of
the same weights.

    ~/.cache/claq-studio/transformers-*/bin/python bench/packed_inference.py FOLDER \\
        [--device cuda] [--threads 2] [--rounds 3]

FOLDER is a packed model (`claq export RUN --to packed`). Each form is loaded in a process of its own. Greedy
tokens a second after a prompt of 32 tokens, tokens a second of a prompt of 256 at once, and the peak of the
memory above what Python with its packages takes (on a card: what PyTorch has allocated). The best of the
rounds, which take turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROMPT, NEW_TOKENS, LONG_PROMPT = 32, 32, 256
FORMS = [("packed", "float16"), ("dense", "float16"), ("packed", "float32"), ("dense", "float32")]


def resident() -> tuple[int, int]:
    """Bytes of this process in memory, now and at most."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024, int(fields["VmHWM"].split()[0]) * 1024


def seconds(work: Callable[[], object], device: str) -> float:
    import torch

    start = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(folder: str, dtype: str, device: str, threads: int) -> dict[str, float]:
    """One form, in this process."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(threads)
    before, _ = resident()
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, dtype=getattr(torch, dtype))
    model = model.to(device).eval()
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, model.config.vocab_size, (1, LONG_PROMPT), generator=generator).to(device)

    def generate(count: int) -> None:
        prompt = ids[:, :PROMPT]
        length = dict(max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)
        model.generate(prompt, attention_mask=torch.ones_like(prompt), **length)

    with torch.inference_mode():
        generate(2)
        # The first token comes with the prompt.
        generation = seconds(lambda: generate(NEW_TOKENS + 1), device) - seconds(lambda: generate(1), device)
        prompt = seconds(lambda: model(ids), device)
    peak = torch.cuda.max_memory_allocated() if device != "cpu" else resident()[1] - before
    return {"tokens": NEW_TOKENS / generation, "prompt": LONG_PROMPT / prompt, "peak": peak}


def in_own_process(folder: str, dtype: str, device: str, threads: int) -> dict[str, float]:
    command = [
        sys.executable,
        __file__,
        folder,
        "--form",
        dtype,
        "--device",
        device,
        "--threads",
        str(threads),
    ]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    )


def write_dense(packed: str, folder: str) -> None:
    code = (
        "import sys; from transformers import AutoModelForCausalLM as M;"
        "M.from_pretrained(sys.argv[1], trust_remote_code=True).dequantize().save_pretrained(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, packed, folder], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--form", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.form:
        print(json.dumps(measure(given.folder, given.form, given.device, given.threads)))
        return
    with tempfile.TemporaryDirectory() as dense:
        write_dense(given.folder, dense)
        folders = {"packed": given.folder, "dense": dense}
        best: dict[tuple[str, str], dict[str, float]] = {}
        for _ in range(given.rounds):
            for form in FORMS:
                found = in_own_process(folders[form[0]], form[1], given.device, given.threads)
                last = best.get(form, found)
                best[form] = {key: (min if key == "peak" else max)(found[key], last[key]) for key in found}
    print(
        f"{Path(given.folder).resolve().name} on {given.device}, {given.threads} threads, "
        f"best of {given.rounds}"
    )
    for (form, dtype), found in best.items():
        print(
            f"{form:7} {dtype:8} {found['tokens']:8.2f} tokens/s  prompt {found['prompt']:8.1f} tokens/s  "
            f"peak {found['peak'] / 1e6:7.1f} MB"
        )


if __name__ == "__main__":
    main()
