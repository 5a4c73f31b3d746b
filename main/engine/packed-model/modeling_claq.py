"""Loads a packed CLAQ model with Hugging Face transformers, on any device that PyTorch has:

    from transformers import AutoModelForCausalLM, AutoTokenizer
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
    dense = model.dequantize()  # the model of its family, with plain weights; it can be saved

The weights stay packed in memory. Each linear layer decodes its own when it runs: codes are unpacked and
looked up in the codebooks of their columns, a few columns at a time, and the reserved entries are put over
them. A column of a weight belongs to an input, and columns of the same width stand together; so it is the
inputs that are brought into the order of the columns, and the decoded weight is used as it comes, transposed.

Needs torch and transformers (4.46 and later). The format is described in docs/packed-format.md of CLAQ
Studio.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
import transformers
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

FORM = 1
"""Version of the packed form that this file reads."""

MAX_WIDTH = 8

CHECKSUMS = "claq.checksums"

CPU_CHUNK = 2**19
"""Weights that are decoded at a time: on a processor what its cache holds, elsewhere what keeps it busy."""
DEVICE_CHUNK = 2**24

DTYPES = {
    "codebook": {
        "classes": torch.int32,
        "codebooks": torch.float16,
        "reserved_values": torch.float16,
        "row_scales": torch.float16,
        "byte_codebooks": torch.uint8,
        "reserved_positions": torch.uint8,
        "column_classes": torch.uint8,
        "codes": torch.uint8,
    },
    "grid": {"scales": torch.float16, "zeros": torch.uint8, "codes": torch.uint8},
}
"""Arrays of a matrix and what their elements are; `row_scales` and `byte_codebooks` need not be there."""

MOST_BYTE_WIDTH = 4
"""Wider codebooks are in half precision, whatever the others are."""


def float8(byte: int) -> float:
    """What a byte of `byte_codebooks` stands for (E4M3). Not every device knows torch.float8_e4m3fn."""
    exponent, mantissa = byte >> 3 & 15, byte & 7
    size = math.ldexp(1 + mantissa / 8, exponent - 7) if exponent else mantissa / 512
    return math.nan if byte & 127 == 127 else -size if byte & 128 else size


FLOAT8 = torch.tensor([float8(byte) for byte in range(256)], dtype=torch.float16)


def unpack(data: Tensor, first: int, count: int, width: int) -> Tensor:
    """`count` numbers of `width` bits (1 to 8, lowest bit first) as int64, from bit `first` on."""
    start, shift = divmod(first, 8)
    data = data[start : (first + count * width + 7) // 8]
    if shift:
        # What is shifted out of a byte is lost, as it should be; so too below.
        data = (data >> shift) | (nn.functional.pad(data[1:], (0, 1)) << (8 - shift))
    if width == 8:
        return data[:count].long()
    numbers = 8 // math.gcd(8, width)
    size = numbers * width // 8
    if data.numel() % size:
        data = nn.functional.pad(data, (0, -data.numel() % size))
    groups = data.view(-1, size)
    unpacked = torch.empty(groups.shape[0], numbers, dtype=torch.int64, device=data.device)
    for number in range(numbers):
        byte, low = divmod(number * width, 8)
        part = groups[:, byte] >> low if low else groups[:, byte]
        if low + width > 8:
            part = part | (groups[:, byte + 1] << (8 - low))
        torch.bitwise_and(part, 2**width - 1, out=unpacked[:, number])
    return unpacked.view(-1)[:count]


def read_positions(data: Tensor, first: int, columns: int, count: int, rows: int) -> Tensor:
    """Elias-Fano codes of `count` ascending rows a column, from bit `first` on: [columns, count]."""
    low_bits = max(0, (rows // count).bit_length() - 1)
    length = count * low_bits + count + ((rows - 1) >> low_bits)
    bits = unpack(data, first, columns * length, 1).view(columns, length)
    # Ones of the unary part: the i-th has i ones and as many zeros before it as the high part of row i says.
    unary = bits[:, count * low_bits :].int()
    rank = unary.cumsum(1, dtype=torch.int32) - 1
    if bool((rank[:, -1] != count - 1).any()):
        raise ValueError("positions of reserved entries are damaged")
    slot = torch.where(unary.bool(), rank.long(), count)
    place = torch.arange(unary.shape[1], dtype=torch.int32, device=data.device).expand_as(unary)
    high = torch.zeros(columns, count + 1, dtype=torch.int32, device=data.device).scatter_(1, slot, place)
    high = high[:, :count] - torch.arange(count, dtype=torch.int32, device=data.device)
    low = bits[:, : count * low_bits].view(columns, count, low_bits).int()
    powers = 2 ** torch.arange(low_bits, dtype=torch.int32, device=data.device)
    positions = (high << low_bits) + (low * powers).sum(2, dtype=torch.int32)
    if bool((positions >= rows).any()):
        raise ValueError("positions of reserved entries are damaged")
    return positions


class Run(NamedTuple):
    """Columns of one width, which stand together."""

    width: int
    first: int
    columns: int
    first_bit: int
    in_bytes: bool
    first_centroid: int


class Reserve(NamedTuple):
    """Columns with the same number of reserved entries, which stand together."""

    first: int
    columns: int
    count: int
    first_value: int


class PackedLinear(nn.Module):
    """A linear layer whose weight [rows, columns] is decoded when it runs."""

    levels = ""

    def __init__(self, description: dict[str, Any], bias: bool) -> None:
        super().__init__()
        self.out_features: int = description["rows"]
        self.in_features: int = description["columns"]
        for name, shape in description["arrays"].items():
            self.register_buffer(name, torch.zeros(shape, dtype=DTYPES[self.levels][name]))
        self.bias = nn.Parameter(torch.zeros(self.out_features)) if bias else None

    def columns_decoded(self, dtype: torch.dtype) -> Tensor:
        """The columns of the weight in the order of their storage: [columns, rows]."""
        raise NotImplementedError

    def stored_inputs(self, inputs: Tensor) -> Tensor:
        """The inputs in the order of the columns' storage."""
        return inputs

    def prepare(self) -> None:
        """Checks the arrays against each other and reads what all runs need. Raises ValueError."""

    def dequantize(self, dtype: torch.dtype | None = None) -> Tensor:
        """The weight [rows, columns], by default in half precision, or in float32 where it needs that."""
        raise NotImplementedError

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = torch.matmul(self.stored_inputs(inputs), self.columns_decoded(inputs.dtype))
        return outputs if self.bias is None else outputs + self.bias

    def chunk_columns(self) -> int:
        """Columns to decode at a time."""
        weights = CPU_CHUNK if self.codes.device.type == "cpu" else DEVICE_CHUNK
        return max(1, weights // self.out_features)

    def extra_repr(self) -> str:
        bits = 8 * sum(each.numel() * each.element_size() for each in self.buffers())
        stored = bits / (self.in_features * self.out_features)
        return f"in_features={self.in_features}, out_features={self.out_features}, bits={stored:.2f}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PackedLinear:
        # .half(), .to(dtype): the bias is cast, codebooks and scales are not. They would be rounded.
        exact = {
            name: each
            for name, each in self._buffers.items()
            if each is not None and each.is_floating_point()
        }
        super()._apply(fn, recurse)
        for name, each in exact.items():
            moved = self._buffers[name]
            if moved.dtype != each.dtype:
                self._buffers[name] = each.to(moved.device)
        return self


class CodebookLinear(PackedLinear):
    """With a codebook a column, and reserved entries."""

    levels = "codebook"

    def __init__(self, description: dict[str, Any], bias: bool) -> None:
        super().__init__(description, bias)
        self.runs: list[Run] = []
        self.reserves: list[Reserve] = []
        # Read once: columns in the order of their storage, rows of reserved entries.
        self.register_buffer("order", None, persistent=False)
        self.register_buffer("reserved_rows", None, persistent=False)

    def prepare(self) -> None:
        rows, columns = self.out_features, self.in_features
        classes = self.classes.tolist()
        bits = (len(classes) - 1).bit_length()
        if self.column_classes.numel() != (columns * bits + 7) // 8:
            raise ValueError(f"{self.column_classes.numel()} bytes of classes for {columns} columns")
        index = unpack_wide(self.column_classes, columns, bits)
        if int(index.max()) >= len(classes):
            raise ValueError(f"a column in class {int(index.max())} of {len(classes)}")
        members = torch.bincount(index, minlength=len(classes)).tolist()

        self.runs, self.reserves = [], []
        first = bit = value = position = 0
        byte_width = self.byte_width()
        # In half precision, and in bytes.
        centroids = [0, 0]
        for (width, count), each in zip(classes, members):
            if not (1 <= width <= MAX_WIDTH and 0 <= count <= rows):
                raise ValueError(f"a class of {width} bits with {count} reserved of {rows} rows")
            in_bytes = width <= byte_width
            last = self.runs[-1] if self.runs else None
            if last is not None and last.width == width:
                self.runs[-1] = last._replace(columns=last.columns + each)
            else:
                self.runs.append(Run(width, first, each, bit, in_bytes, centroids[in_bytes]))
            if count > 0 and each > 0:
                self.reserves.append(Reserve(first, each, count, value))
                low = max(0, (rows // count).bit_length() - 1)
                position += each * (count * low + count + ((rows - 1) >> low))
            first += each
            bit += each * rows * width
            centroids[in_bytes] += each * 2**width
            value += each * count
        for name, needed in [
            ("codes", (bit + 7) // 8),
            ("codebooks", centroids[False]),
            *([("byte_codebooks", centroids[True])] if hasattr(self, "byte_codebooks") else []),
            ("reserved_values", value),
            ("reserved_positions", (position + 7) // 8),
        ]:
            found = getattr(self, name).numel()
            if found != needed:
                raise ValueError(f"{found} elements of {name}, not {needed}")

        self.order = index.argsort(stable=True).int()
        self.reserved_rows = self._read_rows()

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        # Read anew from other arrays.
        self.order = self.reserved_rows = None

    def byte_width(self) -> int:
        """The greatest width whose codebooks are in bytes; 0: none is."""
        if not hasattr(self, "byte_codebooks"):
            return 0
        return max(0, min(MOST_BYTE_WIDTH, 16 - (self.out_features - 1).bit_length()))

    def _read_rows(self) -> Tensor:
        rows, bit, parts = self.out_features, 0, []
        for _, columns, count, _ in self.reserves:
            parts.append(read_positions(self.reserved_positions, bit, columns, count, rows).view(-1))
            low = max(0, (rows // count).bit_length() - 1)
            bit += columns * (count * low + count + ((rows - 1) >> low))
        smallest = torch.int16 if rows <= 2**15 else torch.int32
        found = torch.cat(parts) if parts else torch.zeros(0, device=self.codes.device)
        return found.to(smallest)

    def stored_inputs(self, inputs: Tensor) -> Tensor:
        if self.order is None:
            self.prepare()
        return inputs.index_select(-1, self.order)

    def columns_decoded(self, dtype: torch.dtype) -> Tensor:
        if self.order is None:
            self.prepare()
        scales = getattr(self, "row_scales", None)
        # Products with a scale are rounded to float32, then to what is asked for.
        decoded = self._look_up(dtype if scales is None else torch.float32)
        if scales is not None:
            decoded = decoded.mul_(scales.float()).to(dtype)
        values = self.reserved_values.to(dtype)
        for first, columns, count, start in self.reserves:
            place = slice(start, start + columns * count)
            rows = self.reserved_rows[place].view(columns, count).long()
            decoded[first : first + columns].scatter_(1, rows, values[place].view(columns, count))
        return decoded

    def _look_up(self, dtype: torch.dtype) -> Tensor:
        """Every code's centroid, reserved entries not counted: [columns, rows]."""
        rows = self.out_features
        decoded = torch.empty(self.in_features, rows, dtype=dtype, device=self.codes.device)
        step = self.chunk_columns()
        for width, first, columns, first_bit, in_bytes, first_centroid in self.runs:
            place = slice(first_centroid, first_centroid + columns * 2**width)
            if in_bytes:
                centroids = FLOAT8.to(self.codes.device)[self.byte_codebooks[place].long()]
            else:
                centroids = self.codebooks[place]
            books = centroids.to(dtype).view(columns, 2**width)
            target = decoded[first : first + columns]
            bits = width
            # Two codes at once, where the table of pairs is small beside what is looked up in it.
            if 2 * width <= MAX_WIDTH and 4**width <= rows and rows % 2 == 0 and dtype.itemsize <= 4:
                books, target, bits = pair_up(books), as_pairs(target), 2 * width
            numbers = target.shape[1]
            for at in range(0, columns, step):
                part = slice(at, min(columns, at + step))
                wide = part.stop - part.start
                codes = unpack(self.codes, first_bit + at * rows * width, wide * numbers, bits)
                torch.gather(books[part], 1, codes.view(wide, numbers), out=target[part])
        return decoded

    def dequantize(self, dtype: torch.dtype | None = None) -> Tensor:
        exact = torch.float32 if hasattr(self, "row_scales") else torch.float16
        decoded = self.columns_decoded(dtype or exact)
        return torch.empty_like(decoded).index_copy_(0, self.order.long(), decoded).t().contiguous()


class GridLinear(PackedLinear):
    """On a uniform grid: groups of columns share a scale and a zero point a row."""

    levels = "grid"

    def __init__(self, description: dict[str, Any], bias: bool) -> None:
        super().__init__(description, bias)
        self.width: int = description["width"]
        self.group_size: int = description["group_size"]

    def prepare(self) -> None:
        rows, columns = self.out_features, self.in_features
        groups = -(-columns // self.group_size)
        for name, needed in [
            ("codes", (rows * columns * self.width + 7) // 8),
            ("scales", groups * rows),
            ("zeros", groups * rows),
        ]:
            found = getattr(self, name).numel()
            if found != needed:
                raise ValueError(f"{found} elements of {name}, not {needed}")

    def columns_decoded(self, dtype: torch.dtype) -> Tensor:
        rows, columns = self.out_features, self.in_features
        decoded = torch.empty(columns, rows, dtype=dtype, device=self.codes.device)
        step = min(self.chunk_columns(), self.group_size)
        for group, begin in enumerate(range(0, columns, self.group_size)):
            end = min(columns, begin + self.group_size)
            scale, zero = self.scales[group].float(), self.zeros[group].float()
            for at in range(begin, end, step):
                wide = min(end, at + step) - at
                codes = unpack(self.codes, at * rows * self.width, wide * rows, self.width)
                decoded[at : at + wide] = codes.view(wide, rows).float().sub_(zero).mul_(scale)
        return decoded

    def dequantize(self, dtype: torch.dtype | None = None) -> Tensor:
        return self.columns_decoded(dtype or torch.float32).t().contiguous()


def require_sums(path: Path) -> None:
    """
    Compares a weights file with the SHA-256 sums that stand in it: of its header, then of each tensor. A flipped
    bit in codes gives a model that still talks, only worse. Raises ValueError.
    """
    with path.open("rb") as file:
        length = file.read(8)
        header = file.read(int.from_bytes(length, "little"))
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        places = {name: tensor["data_offsets"] for name, tensor in tensors.items()}
        first, end = places.pop(CHECKSUMS, (0, 0))
        start = 8 + len(header)
        file.seek(start + first)
        sums = file.read(end - first)
        in_order = sorted(places.items(), key=lambda place: place[1])
        if len(sums) != 32 * (1 + len(in_order)):
            raise ValueError(f"The packed CLAQ model is damaged: {path.name} has sums of other tensors")
        found = [("its header", hashlib.sha256(length + header).digest())]
        for name, (begin, stop) in in_order:
            file.seek(start + begin)
            found.append((name, sum_of(file, stop - begin)))
    for at, (name, digest) in enumerate(found):
        if digest != sums[32 * at : 32 * (at + 1)]:
            raise ValueError(f"The packed CLAQ model is damaged: {name} of {path.name} is not as it was written")


def sum_of(file: BinaryIO, count: int) -> bytes:
    """SHA-256 of the next bytes."""
    digest = hashlib.sha256()
    while count > 0 and (piece := file.read(min(count, 2**22))):
        digest.update(piece)
        count -= len(piece)
    return digest.digest()


def unpack_wide(data: Tensor, count: int, width: int) -> Tensor:
    """`count` numbers of up to 20 bits as int64."""
    if width == 0:
        return torch.zeros(count, dtype=torch.int64, device=data.device)
    bits = unpack(data, 0, count * width, 1).view(count, width)
    return (bits << torch.arange(width, device=data.device)).sum(1)


def pair_up(books: Tensor) -> Tensor:
    """The centroids of every two codes, the earlier one in the lower bits, as one of twice the size."""
    columns, size = books.shape
    pairs = torch.empty(columns, size, size, 2, dtype=books.dtype, device=books.device)
    pairs[..., 0] = books[:, None, :]
    pairs[..., 1] = books[:, :, None]
    return as_pairs(pairs.view(columns, -1))


def as_pairs(values: Tensor) -> Tensor:
    """Every two neighbours of a row as one number, which is looked up and stored, not computed with."""
    return values.view(torch.int64 if values.dtype.itemsize == 4 else torch.int32)


class ClaqConfig(PretrainedConfig):
    """Reads config.json of a packed model as the config of its family, with the key `claq`."""

    model_type = "claq"

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        options = dict(config_dict)
        claq = options.get("claq")
        if not isinstance(claq, dict) or "version" not in claq:
            raise ValueError("config.json is not that of a packed CLAQ model: it has no key claq")
        if claq["version"] != FORM:
            raise ValueError(
                f"The packed CLAQ model has form {claq['version']}, and this loader reads form {FORM}: "
                "take the modeling_claq.py that was exported with the model"
            )
        family = claq["model_type"]
        if family not in CONFIG_MAPPING:
            raise ValueError(f"This version of transformers does not know models of the type {family}")
        options["model_type"] = family
        options["architectures"] = claq.get("architectures")
        return config_of_family(CONFIG_MAPPING[family]).from_dict(options, **kwargs)


@functools.cache
def config_of_family(family: type[PretrainedConfig]) -> type[PretrainedConfig]:
    """A family's config under another name: this is not the loader of all models of the family."""
    return type(f"Claq{family.__name__}", (family,), {"__module__": __name__, "family": family})


class ClaqForCausalLM:
    """What packed models have beside their family's class. Its `from_pretrained` makes one."""

    family: type[PreTrainedModel]
    _keys_to_ignore_on_load_unexpected = [r"claq\.checksums$", r"rotary_emb\.inv_freq$"]

    def __init__(self, config: PretrainedConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        for name, description in config.claq["matrices"].items():
            parent, _, child = name.rpartition(".")
            linear = getattr(self.get_submodule(parent), child)
            packed = GridLinear if description["levels"] == "grid" else CodebookLinear
            setattr(self.get_submodule(parent), child, packed(description, linear.bias is not None))

    @classmethod
    def from_pretrained(cls, name: Any, *args: Any, config: Any = None, **kwargs: Any) -> Any:
        """As every model's. Raises ValueError for another form, for arrays that do not belong together, and for
        files in a folder that are not as they were written."""
        if not isinstance(config, PretrainedConfig):
            config, kwargs = ClaqConfig.from_pretrained(config or name, return_unused_kwargs=True, **kwargs)
        if Path(name).is_dir():
            for path in sorted(Path(name).glob("*.safetensors")):
                require_sums(path)
        wants_info = kwargs.pop("output_loading_info", False)
        # Sizes are checked here: the error then says which, and which it should be.
        kwargs.update(output_loading_info=True, ignore_mismatched_sizes=True)
        base = super(ClaqForCausalLM, packed_class(config))
        model, info = base.from_pretrained(name, *args, config=config, **kwargs)
        for tensor, stored, wanted in info["mismatched_keys"]:
            raise ValueError(f"{tensor} has the size {list(stored)}, and config.json asks for {list(wanted)}")
        model.prepare(info["missing_keys"])
        return (model, info) if wants_info else model

    @classmethod
    def register_for_auto_class(cls, auto_class: Any = None) -> None:
        """Asked for by the automatic classes, for the sake of save_pretrained."""

    @classmethod
    def _from_config(cls, config: PretrainedConfig, **kwargs: Any) -> Any:
        return super(ClaqForCausalLM, packed_class(config))._from_config(config, **kwargs)

    def packed_layers(self) -> Iterator[tuple[str, PackedLinear]]:
        """The packed linear layers with their names."""
        for name, module in self.named_modules():
            if isinstance(module, PackedLinear):
                yield name, module

    def prepare(self, missing: Any = ()) -> None:
        """Checks that all arrays were loaded, as they are stored, and belong together. Raises ValueError."""
        lost = set(missing)
        for name, layer in self.packed_layers():
            for array, dtype in DTYPES[layer.levels].items():
                stored = getattr(layer, array, None)
                if stored is None:
                    continue
                if f"{name}.{array}" in lost:
                    raise ValueError(f"The weights lack {name}.{array}")
                if stored.dtype != dtype:
                    raise ValueError(
                        f"{name}.{array} was loaded as {stored.dtype}, not as {dtype}. This version of "
                        "transformers casts it on that way: load without device_map and low_cpu_mem_usage, "
                        "then call .to(device)"
                    )
            try:
                layer.prepare()
            except ValueError as error:
                raise ValueError(f"The packed CLAQ model is damaged: {name}: {error}") from error

    def dequantize(self) -> PreTrainedModel:
        """The dense model, of the family's own class, in this model's dtype and on its device."""
        dtype = self.dtype
        # Packed arrays are not copied: their layers are replaced.
        packed = [buffer for _, layer in self.packed_layers() for buffer in layer.buffers()]
        dense = copy.deepcopy(self, {id(buffer): buffer for buffer in packed})
        dense.__class__ = self.family
        # One config, which all of the model's parts refer to.
        dense.config.__class__ = type(dense.config).family
        for key in ("claq", "auto_map"):
            if hasattr(dense.config, key):
                delattr(dense.config, key)
        for name, layer in self.packed_layers():
            linear = nn.Linear(layer.in_features, layer.out_features, bias=False, device="meta")
            linear.weight = nn.Parameter(layer.dequantize(dtype))
            parent, _, child = name.rpartition(".")
            linear.bias = getattr(dense.get_submodule(parent), child).bias
            setattr(dense.get_submodule(parent), child, linear)
        return dense

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Packed models are written by CLAQ Studio, with their checksums."""
        raise NotImplementedError(
            "A packed CLAQ model is not saved from Python: copy its folder, or save model.dequantize()"
        )


@functools.cache
def class_of_family(family: type[PreTrainedModel], config: type[PretrainedConfig]) -> type[PreTrainedModel]:
    """A family's model with packed linear layers."""
    members = {"__module__": __name__, "family": family, "config_class": config}
    return type(f"Claq{family.__name__}", (ClaqForCausalLM, family), members)


def packed_class(config: PretrainedConfig) -> type[PreTrainedModel]:
    """The class for a config that ClaqConfig has read."""
    if not hasattr(config, "claq"):
        raise ValueError("This is not the config of a packed CLAQ model: it has no key claq")
    family = getattr(transformers, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[config.claq["model_type"]])
    return class_of_family(family, type(config))
