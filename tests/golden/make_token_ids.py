# SPDX-License-Identifier: Apache-2.0
"""Captures what the tokenizers library makes of a corpus with the example's tokenizer.

    build/interop/venv/bin/python tests/golden/make_token_ids.py

Writes tests/golden/example/token_ids.json: for each text the ids with the tokens of the
post-processor and special tokens read as such, and the ids of the bare text.
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from tokenizer_corpus import TEXTS  # noqa: E402


def main():
    tokenizer = Tokenizer.from_file(str(ROOT / "examples/tiny-storyteller/tokenizer.json"))
    cases = []
    for text in TEXTS:
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text).ids
        tokenizer.encode_special_tokens = True
        bare = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": ids, "ids_without_special": bare})
    target = ROOT / "tests/golden/example/token_ids.json"
    lines = ",\n".join(json.dumps(case) for case in cases)
    target.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
