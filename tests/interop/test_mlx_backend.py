# SPDX-License-Identifier: Apache-2.0
"""The backend that computes with MLX, built against mlx[cpu]."""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import BUILD, ROOT
from test_mlx import convert_mlx
from test_mlx_runtime import story_ids
from test_runtime_logits import (FAMILIES, Mlx, cosines, fixture_folder, our_logits, seeded_ids,
                                 vocabulary)

PROMPT = 48
GREEDY = 24


@pytest.fixture(scope="module", autouse=True)
def library():
    import mlx.core

    folder = pathlib.Path(mlx.core.__file__).parent
    subprocess.run(["cmake", "-B", str(BUILD), "-S", str(ROOT), f"-DPAJAMAS_MLX_DIR={folder}"],
                   check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(BUILD), "--target", "pajamas_mlx"], check=True,
                   capture_output=True)
    assert (BUILD / "bin/libpajamas_mlx.so").exists()


def check(folder, tmp_path, ids, *options):
    mlx = Mlx(folder)
    ours, made = our_logits(tmp_path, folder, ids, "--backend", "mlx", *options, greedy=GREEDY)
    assert cosines(ours, mlx.logits(ids)).min() > 0.9999
    assert made == mlx.greedy(ids, GREEDY)


@pytest.mark.parametrize("name", FAMILIES)
def test_family_computes_what_mlx_lm_computes(name, product, tmp_path, tmp_path_factory):
    arguments, _, context = FAMILIES[name]
    source = fixture_folder(tmp_path_factory, arguments)
    folder = convert_mlx(product, source, tmp_path, "4bit", "--mlx-dtype", "f32")
    ids = seeded_ids(vocabulary(folder), PROMPT)
    check(folder, tmp_path, ids, "--context", context)


@pytest.mark.parametrize("precision", ["2bit", "3bit", "5bit", "6bit", "8bit", "mxfp4", "mxfp8",
                                       "nvfp4", "f32"])
def test_every_precision(precision, product, example, tmp_path):
    folder = convert_mlx(product, example, tmp_path, precision, "--mlx-dtype", "f32")
    check(folder, tmp_path, story_ids(PROMPT))


def test_a_gguf_file_is_what_our_kernels_compute(product, example, tmp_path):
    file = product.convert(example, tmp_path, ["Q4_K_M"])["Q4_K_M"]
    ids = story_ids(PROMPT)
    theirs, made = our_logits(tmp_path, file, ids, "--backend", "mlx", greedy=GREEDY)
    ours, expected = our_logits(tmp_path, file, ids, greedy=GREEDY, kernels="generic")
    assert cosines(theirs, ours).min() > 0.9999
    assert made == expected


def run(*arguments, **environment):
    command = [str(BUILD / "bin/llama-pajamas-run"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120,
                          env=os.environ | environment)


def test_generate_and_benchmark_run_on_it(product, example, tmp_path):
    folder = convert_mlx(product, example, tmp_path, "4bit")
    story = ["generate", folder, "-p", "Once upon a time", "-n", "24", "--temperature", "0", "-q"]
    expected = run(*story)
    found = run(*story, "--backend", "mlx")
    assert found.returncode == 0, found.stderr
    assert found.stdout == expected.stdout
    speed = run("benchmark", folder, "--backend", "mlx", "--prompt-tokens", "16",
                "--generated-tokens", "4", "--json")
    assert speed.returncode == 0, speed.stderr
    answer = json.loads(speed.stdout)
    assert answer["generated_tokens_per_second"] > 0
    assert answer["backend"].startswith("mlx ")


def test_without_the_library_it_says_how_to_make_it(product, example, tmp_path):
    result = run("generate", example, "--backend", "mlx", "-p", "x",
                 PAJAMAS_MLX_BACKEND=str(tmp_path / "none.so"))
    assert result.returncode != 0
    assert "make mlx-backend" in result.stderr
