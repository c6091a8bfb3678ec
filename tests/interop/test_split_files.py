# SPDX-License-Identifier: Apache-2.0
"""Files in several shards: llama.cpp reads ours, and we read them back."""

import pytest

from conftest import run_program
from gguf_compare import assert_same, read
from recipes import STORY_PROMPTS


@pytest.fixture(scope="module")
def shards(product, example, tmp_path_factory):
    """type: the paths of the shards, in order."""
    output = tmp_path_factory.mktemp("split")
    run_program(
        product.program,
        *("convert", example, "--output", output, "--formats", "gguf"),
        *("--gguf-types", "F32,Q8_0", "--split-max-tensors", "12"),
    )
    return {
        kind: sorted(output.glob(f"gguf/*-{kind.lower()}-*-of-*.gguf")) for kind in ("F32", "Q8_0")
    }


def test_shards_together_hold_all_tensors(shards, example_files):
    for kind, paths in shards.items():
        names = [name for path in paths for name in read(path)[1]]
        assert len(names) == len(set(names)) and len(paths) == 4
        assert set(names) == set(read(example_files[kind])[1])


def test_llama_cpp_runs_shards_as_it_runs_one_file(llama_cpp, shards, example_files):
    texts = [
        llama_cpp.ask(op="generate", model=str(path), prompts=STORY_PROMPTS, count=32)
        for path in (shards["Q8_0"][0], example_files["Q8_0"])
    ]
    assert texts[0] == texts[1]


def test_shards_are_read_as_the_one_file_is(product, shards, example_files, tmp_path):
    ours = product.convert(shards["F32"][0], tmp_path, ["Q4_K_M"])["Q4_K_M"]
    assert_same(ours, example_files["Q4_K_M"])
