# SPDX-License-Identifier: Apache-2.0
"""What the runtime computes from MLX folders, against mlx-lm on the same folders in F32.

The generic kernels multiply dequantized weights in F32 and must give what mlx-lm gives. The others
round activations as they do for GGUF types, and may cost as little.
"""

import json
import os
import pathlib
import sys

os.environ["MLX_DISABLE_COMPILE"] = "1"

import numpy as np
import pytest
from tokenizers import Tokenizer

from conftest import BUILD, ROOT, run_program
from test_mlx import PRECISIONS, convert_mlx
from test_runtime_logits import (FAMILIES, Mlx, cosines, divergences, fixture_folder, our_logits,
                                 seeded_ids, vocabulary)

sys.path.insert(0, str(ROOT / "examples"))
import pajama_stories  # noqa: E402

PROMPT = 48
GREEDY = 32
FAST = ["avx2", "avx512vnni", "avx512bf16"]
# Of GGUF types, see test_runtime_logits.py.
LARGEST_DIVERGENCE = 0.002


def story_ids(count):
    stories = json.loads((ROOT / "tests/golden/example/greedy.json").read_text())
    ids = []
    for prompt, answer in zip(stories["prompt_ids"], stories["answers"]["F32"], strict=True):
        ids += prompt + answer["ids"]
    return ids[:count]


def runnable(kernels):
    """The tables of FAST that this machine has."""
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    needed = {"avx2": "avx2", "avx512vnni": "avx512_vnni", "avx512bf16": "avx512_bf16"}
    return needed[kernels] in flags


def check_folder(folder, tmp_path, ids, *options):
    mlx = Mlx(folder)
    theirs = mlx.logits(ids)
    exact, made = our_logits(tmp_path, folder, ids, *options, greedy=GREEDY, kernels="generic")
    assert cosines(exact, theirs).min() > 0.9999
    assert made == mlx.greedy(ids, GREEDY)
    for kernels in filter(runnable, FAST):
        ours, _ = our_logits(tmp_path, folder, ids, *options, kernels=kernels)
        assert divergences(exact, ours).mean() < LARGEST_DIVERGENCE, kernels


@pytest.mark.parametrize("name", FAMILIES)
def test_family_computes_what_mlx_lm_computes(name, product, tmp_path, tmp_path_factory):
    arguments, _, context = FAMILIES[name]
    source = fixture_folder(tmp_path_factory, arguments)
    folder = convert_mlx(product, source, tmp_path, "4bit", "--mlx-dtype", "f32")
    ids = seeded_ids(vocabulary(folder), PROMPT)
    check_folder(folder, tmp_path, ids, "--context", context)


@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_example_in_every_precision_computes_what_mlx_lm_computes(product, example, tmp_path,
                                                                  precision, dtype):
    folder = convert_mlx(product, example, tmp_path, precision, "--mlx-dtype", dtype)
    check_folder(folder, tmp_path, story_ids(PROMPT))


@pytest.mark.parametrize("group_size", [32, 128])
@pytest.mark.parametrize("precision", ["2bit", "3bit", "4bit", "5bit", "6bit", "8bit"])
def test_other_group_sizes_compute_what_mlx_lm_computes(product, example, tmp_path, precision,
                                                        group_size):
    folder = convert_mlx(product, example, tmp_path, precision, "--mlx-group-size", group_size)
    check_folder(folder, tmp_path, story_ids(PROMPT))


@pytest.mark.parametrize("precision", ["mixed_3_6", "mxfp4", "nvfp4", "mxfp8"])
@pytest.mark.parametrize("name", ["qwen3_moe", "mixtral", "gemma2"])
def test_other_precisions_of_experts_and_tied_heads(product, tmp_path, tmp_path_factory, name,
                                                    precision):
    source = fixture_folder(tmp_path_factory, FAMILIES[name][0])
    folder = convert_mlx(product, source, tmp_path, precision, "--mlx-dtype", "f32")
    check_folder(folder, tmp_path, seeded_ids(vocabulary(folder), PROMPT))


def test_the_fast_kernels_tell_the_story_of_mlx_lm(product, example, tmp_path):
    """Greedy, in the type that the folder has, which is what a user runs."""
    ids = story_ids(8)
    for precision in ("4bit", "8bit", "mxfp8"):
        folder = convert_mlx(product, example, tmp_path / precision, precision)
        _, made = our_logits(tmp_path, folder, ids, greedy=64)
        assert made == Mlx(folder).greedy(ids, 64), precision


# The GGUF type of as many bits per weight, every tensor being of it: 4 bits per 64 with a scale and a
# bias against 4 bits per 32 with a scale, and per 32 against 4 bits with a scale and a minimum.
EQUAL_SIZE = {
    ("4bit", 64): "Q4_0",  # 4.5 bits
    ("4bit", 32): "Q4_1",  # 5.0
}


@pytest.fixture(scope="module")
def stories(example):
    """Stories that the example model was not trained on."""
    tokenizer = Tokenizer.from_file(str(example / "tokenizer.json"))
    texts = [text for text in pajama_stories.documents(2026, 40) if isinstance(text, str)]
    return [tokenizer.encode(text).ids for text in texts[:16]]


def exact_logits(tmp_path, model, stories):
    return [our_logits(tmp_path, model, ids, kernels="generic")[0] for ids in stories]


def mean_divergence(expected, found):
    return np.concatenate([divergences(*pair) for pair in zip(expected, found)]).mean()


@pytest.mark.parametrize("precision, group_size", EQUAL_SIZE)
def test_4_bits_cost_what_a_gguf_type_of_the_size_costs(product, example, stories, tmp_path,
                                                        precision, group_size):
    kind = EQUAL_SIZE[precision, group_size]
    exact = exact_logits(tmp_path, example, stories)
    file = product.convert(example, tmp_path / "gguf", [kind], "--pure")[kind]
    models = {"gguf": file}
    for quality in ("default", "best"):
        models[quality] = convert_mlx(product, example, tmp_path / quality, precision,
                                      "--mlx-group-size", group_size, "--quality", quality)
    costs = {name: mean_divergence(exact, exact_logits(tmp_path, model, stories))
             for name, model in models.items()}
    sizes = (file.stat().st_size,
             sum(path.stat().st_size for path in models["best"].glob("*.safetensors")))
    print(f"{precision} g{group_size}: KL {costs['default']:.5f}, with --quality best "
          f"{costs['best']:.5f}, in {sizes[1]} bytes; {kind} {costs['gguf']:.5f} in {sizes[0]}")
    assert costs["best"] <= 1.2 * costs["gguf"]
    assert costs["best"] < costs["default"]


def test_mxfp8_as_bytes_costs_little(product, example, stories, tmp_path):
    """Of the products in bytes, rounded weights and activations, from the same file in F32."""
    folder = convert_mlx(product, example, tmp_path / "mxfp8", "mxfp8")
    source = exact_logits(tmp_path, example, stories)
    exact = exact_logits(tmp_path, folder, stories)
    fast = [our_logits(tmp_path, folder, ids)[0] for ids in stories]
    own, added = mean_divergence(source, exact), mean_divergence(exact, fast)
    q8_0 = product.convert(example, tmp_path / "gguf", ["Q8_0"], "--pure")["Q8_0"]
    q8_0_fast = [our_logits(tmp_path, q8_0, ids)[0] for ids in stories]
    q8_0_added = mean_divergence(exact_logits(tmp_path, q8_0, stories), q8_0_fast)
    print(f"mxfp8: KL {own:.7f} of the format, {added:.7f} of the kernels; Q8_0's {q8_0_added:.7f}")
    assert added < LARGEST_DIVERGENCE / 10


@pytest.mark.parametrize("precision", PRECISIONS)
def test_quality_best_costs_less_divergence(product, example, stories, tmp_path, precision):
    exact = exact_logits(tmp_path, example, stories)
    costs = []
    for quality in ("default", "best"):
        folder = convert_mlx(product, example, tmp_path / quality, precision, "--quality", quality)
        costs.append(mean_divergence(exact, exact_logits(tmp_path, folder, stories)))
    print(f"{precision}: KL {costs[0]:.5f}, with --quality best {costs[1]:.5f}")
    # mxfp8 has nothing to find: docs/codecs/mlx.md.
    assert costs[1] < costs[0] or (precision == "mxfp8" and costs[1] == costs[0])


def test_the_runtime_holds_a_folder_at_its_size(product, tmp_path):
    source = tmp_path / "model"
    run_program(BUILD / "bin/make_fixture", "llama", source, "--layers", "16", "--ffn", "8192")
    folder = convert_mlx(product, source, tmp_path / "out", "4bit")
    command = [BUILD / "bin/llama-pajamas-run", "generate", folder, "-p", "x", "-n", "2", "-q"]
    # A process counts what it was forked from as its own peak, so a small one starts it.
    measure = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    peak_kib = int(run_program(sys.executable, "-c", measure, *command))
    params = json.loads(run_program(command[0], "info", folder, "--json"))["params_total"]
    assert peak_kib * 1024 < 0.5 * 4 * params
