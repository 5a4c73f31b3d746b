"""Computes column statistics of some matrices with numpy in float64, to hold the kernels against.

The demo model is part of the project. SmolLM2-135M-Instruct is looked for in models/ (npm run fetch:smollm2); without it its file
stays as it is.

    pip install numpy==2.4.6
    python tests/golden/make_column_statistics.py
"""

import json
import platform
import struct
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MODELS = {
    "demo-model": (ROOT / "resources/demo-model/model", ["layers.0.self_attn.q_proj", "layers.3.self_attn.v_proj", "layers.5.mlp.down_proj"]),
    "smollm2": (ROOT / "models/SmolLM2-135M-Instruct", ["layers.5.self_attn.q_proj", "layers.29.mlp.down_proj"]),
}
S_VALUES = [2, 5, 7, 13]
DTYPES = {np.dtype(np.float32): "F32", np.dtype(np.int32): "I32"}


def read(folder: Path, name: str) -> np.ndarray:
    """A tensor of a model of one shard, as float64."""
    with open(folder / "model.safetensors", "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(length))[name]
        start, end = entry["data_offsets"]
        file.seek(8 + length + start)
        stored = file.read(end - start)
    match entry["dtype"]:
        case "F16":
            values = np.frombuffer(stored, "<f2")
        case "F32":
            values = np.frombuffer(stored, "<f4")
        case "BF16":
            values = (np.frombuffer(stored, "<u2").astype(np.uint32) << 16).view(np.float32)
        case other:
            raise ValueError(other)
    return values.astype(np.float64).reshape(entry["shape"])


def save(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    header: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for name, array in arrays.items():
        end = offset + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype], "shape": array.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in arrays.values()))


def statistics(weights: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    magnitudes = np.abs(weights)
    mean = magnitudes.mean()
    counts = [(magnitudes >= s * mean).sum(axis=0) for s in S_VALUES]
    return mean, {
        "maxima": magnitudes.max(axis=0).astype(np.float32),
        "energies": (weights**2).sum(axis=0).astype(np.float32),
        "means": weights.mean(axis=0).astype(np.float32),
        "variances": weights.var(axis=0).astype(np.float32),
        "outliers": np.array(counts, dtype=np.int32),
    }


def make(name: str, folder: Path, matrices: list[str]) -> None:
    arrays: dict[str, np.ndarray] = {}
    means: dict[str, float] = {}
    for matrix in matrices:
        means[matrix], of_matrix = statistics(read(folder, f"model.{matrix}.weight"))
        arrays |= {f"{matrix}.{kind}": array for kind, array in of_matrix.items()}
    about = {"s_values": S_VALUES, "mean_magnitudes": means, "numpy": np.__version__, "python": platform.python_version()}
    # One entry: the order in which several are written is nobody's to keep.
    save(HERE / "column-statistics" / f"{name}.safetensors", arrays, {"result": json.dumps(about)})


if __name__ == "__main__":
    (HERE / "column-statistics").mkdir(exist_ok=True)
    for name, (folder, matrices) in MODELS.items():
        if folder.exists():
            make(name, folder, matrices)
