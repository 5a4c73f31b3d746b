"""Writes token ids as the Python library `tokenizers` computes them, to hold the JavaScript one against.

Beside the demo model's tokenizer there are three small ones, trained here on its calibration text, that are built as
those of the families are: Llama 2 (SentencePiece's rules: one word, blanks as characters, bytes to fall back on),
Llama 3 (a pattern splits words, merges are passed over for whole words) and Qwen2 (the same with NFC, without BOS).

    pip install tokenizers==0.23.3
    python tests/golden/make_token_ids.py
"""

import hashlib
import json
import struct
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
DEMO = HERE.parent.parent / "resources" / "demo-model"
CORPUS = (DEMO / "calibration.txt").read_text(encoding="utf-8")[:100_000]
VOCABULARY = 700

TEXTS = [
    "",
    " ",
    "The Union must be preserved.",
    "Call me Ishmael.\n\nSome years ago-- never mind how long precisely --",
    "  two  blanks\tand a tab\r\nand a line end of DOS\n\n\n",
    "In 1851 and 12345678 don't, can't, I'LL we've",
    "naïve café, na\u0308\u0131ve cafe\u0301, ﬁ ligature",
    "日本語のテキスト, русский текст, עברית, 🐋🏴‍☠️",
    "<s>no BOS</s> but as text: <|begin_of_text|>",
    "x" * 300,
    "\u0000\u00a0\u200b\ufeff",
]

WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{%s}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train(tokenizer: Tokenizer, special: list, alphabet: list) -> None:
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False, max_token_length=16
    )
    tokenizer.train_from_iterator((line for line in CORPUS.split("\n") if line), trainer)


def put_in_front(tokenizer: Tokenizer, token: str) -> None:
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B", special_tokens=[(token, tokenizer.token_to_id(token))]
    )


def like_llama2() -> Tokenizer:
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    # Trained on words, used without a splitter: as SentencePiece, whose tokens never span two words either.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    train(tokenizer, ["<unk>", "<s>", "</s>", *bytes_], [])
    definition = json.loads(tokenizer.to_str())
    definition["pre_tokenizer"] = None
    definition["added_tokens"] = [token for token in definition["added_tokens"] if token["id"] < 3]
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    replace, strip = decoders.Replace("▁", " "), decoders.Strip(content=" ", left=1)
    tokenizer.decoder = decoders.Sequence([replace, decoders.ByteFallback(), decoders.Fuse(), strip])
    put_in_front(tokenizer, "<s>")
    return tokenizer


def split_by_pattern(digits: str) -> pre_tokenizers.Sequence:
    words = pre_tokenizers.Split(Regex(WORDS % digits), behavior="isolated")
    return pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def like_llama3() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = split_by_pattern("1,3")
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, ["<|begin_of_text|>", "<|end_of_text|>"], pre_tokenizers.ByteLevel.alphabet())
    put_in_front(tokenizer, "<|begin_of_text|>")
    return tokenizer


def like_qwen2() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split_by_pattern("1")
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, ["<|endoftext|>"], pre_tokenizers.ByteLevel.alphabet())
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def expected(tokenizer: Tokenizer) -> dict:
    ids = tokenizer.encode(CORPUS).ids
    return {
        "texts": [
            {
                "text": text,
                "ids": tokenizer.encode(text, add_special_tokens=False).ids,
                "idsWithSpecial": tokenizer.encode(text).ids,
            }
            for text in TEXTS
        ],
        # Of the first 100,000 characters of the calibration text: the ids as little-endian 32-bit integers.
        "corpus": {"tokens": len(ids), "sha256": hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()},
    }


def main() -> None:
    results = {"demo": expected(Tokenizer.from_file(str(DEMO / "model" / "tokenizer.json")))}
    for name, make in {"llama2": like_llama2, "llama3": like_llama3, "qwen2": like_qwen2}.items():
        folder = HERE / "tokenizers" / name
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = make()
        (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")
        results[name] = expected(tokenizer)
    (HERE / "token-ids.json").write_text(json.dumps(results, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
