"""Prints what the Python package gguf reads from a file, as JSON. A warning is an error."""

import hashlib
import json
import logging
import sys
import warnings

warnings.simplefilter("error")


class Strict(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError(record.getMessage())


logging.getLogger().addHandler(Strict(logging.WARNING))

import gguf  # noqa: E402

reader = gguf.GGUFReader(sys.argv[1])
fields = {name: field.contents() for name, field in reader.fields.items()}
tensors = {
    tensor.name: {
        "type": tensor.tensor_type.name,
        "shape": [int(length) for length in reversed(tensor.shape)],
        "aligned": int(tensor.data_offset) % reader.alignment == 0,
        "sha256": hashlib.sha256(gguf.quants.dequantize(tensor.data, tensor.tensor_type).tobytes()).hexdigest(),
    }
    for tensor in reader.tensors
}
print(json.dumps({"fields": fields, "tensors": tensors}))
