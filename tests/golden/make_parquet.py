"""Writes the small Parquet files that the tests of the text readers take.

    pip install pyarrow==26.0.1
    python tests/golden/make_parquet.py
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent / "parquet"
TEXTS = ["Call me Ishmael.", "", "日本語 🐋", "one line\nand another", "the same", "the same", "x" * 1000]


def write(name: str, columns: dict, **options) -> None:
    pq.write_table(pa.table(columns), HERE / f"{name}.parquet", row_group_size=3, **options)


def main() -> None:
    HERE.mkdir(exist_ok=True)
    texts = pa.array(TEXTS, pa.string())
    numbers = pa.array(range(len(TEXTS)), pa.int64())
    for compression in ["none", "snappy", "zstd", "gzip"]:
        write(compression, {"id": numbers, "text": texts, "url": texts}, compression=compression)
    write("plain-pages-v2", {"text": texts}, use_dictionary=False, data_page_version="2.0", compression="snappy")
    write("large-string", {"text": pa.array(TEXTS, pa.large_string())})
    write("no-rows", {"text": pa.array([], pa.string())})
    write("no-text-column", {"id": numbers, "content": texts})
    write("text-of-numbers", {"text": numbers})
    write("text-of-lists", {"text": pa.array([[text] for text in TEXTS], pa.list_(pa.string()))})
    write("missing-text", {"text": pa.array([*TEXTS[:4], None], pa.string())})
    # As a damaged writer would: bytes that are no UTF-8 under the type of a string.
    broken = pa.Array.from_buffers(pa.string(), 1, [None, *pa.array([b"caf\xe9"], pa.binary()).buffers()[1:]])
    write("invalid-utf8", {"text": broken})


if __name__ == "__main__":
    main()
