# SPDX-License-Identifier: Apache-2.0
"""MLX folders as MLX itself and mlx-lm see them."""

import json
import os
import pathlib

os.environ["MLX_DISABLE_COMPILE"] = "1"

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm import convert as mlx_lm_convert
from mlx_lm import load as mlx_lm_load
from mlx_lm.utils import load_model

from conftest import BUILD, run_program
from recipes import FIXTURES

mx.set_default_device(mx.cpu)

PRECISIONS = ["2bit", "3bit", "4bit", "5bit", "6bit", "8bit", "mxfp4", "mxfp8", "nvfp4"]
MIXED = ["mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6"]
MODE_OF = {"mxfp4": ("mxfp4", 4, 32), "mxfp8": ("mxfp8", 8, 32), "nvfp4": ("nvfp4", 4, 16)}
# What mlx-lm itself cannot convert: it reads FP8 weights only of the families that came with them.
NOT_CONVERTED = ("llama fp8",)
# mlx-lm's class runs only with as many layers as its window pattern has, and the fixture has two.
NOT_RUN = ("gemma3",)


def settings_of(precision, group_size=64):
    return MODE_OF.get(precision) or ("affine", int(precision[0]), group_size)


def convert_mlx(product, source, output, precision, *options, threads="2"):
    run_program(product.program, "convert", source, "--output", output, "--formats", "mlx",
                "--precision", precision, "--threads", threads, *options)
    return pathlib.Path(output) / "mlx"


def load_weights(folder):
    weights = {}
    for path in sorted(pathlib.Path(folder).glob("model*.safetensors")):
        weights |= mx.load(str(path))
    return weights


def is_same(left, right):
    """The same type, shape and bits."""
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype in (mx.bfloat16, mx.float16):
        left, right = left.view(mx.uint16), right.view(mx.uint16)
    return bool(mx.array_equal(left, right))


def assert_quantized(weights, module, matrix, mode, bits, group_size):
    parts = mx.quantize(matrix, group_size=group_size, bits=bits, mode=mode)
    names = [f"{module}.weight", f"{module}.scales", f"{module}.biases"]
    for name, part in zip(names, parts):
        assert is_same(weights[name], part), name
    ours = [weights[name] for name in names[: len(parts)]]
    options = {"group_size": group_size, "bits": bits, "mode": mode}
    assert is_same(mx.dequantize(*ours, **options), mx.dequantize(*parts, **options))


@pytest.mark.parametrize("dtype", ["bf16", "f16", "f32"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_module_has_the_bytes_of_mx_quantize(product, example, tmp_path, precision, dtype):
    types = {"bf16": mx.bfloat16, "f16": mx.float16, "f32": mx.float32}
    folder = convert_mlx(product, example, tmp_path, precision, "--mlx-dtype", dtype)
    weights = load_weights(folder)
    source = mx.load(str(example / "model.safetensors"))
    modules = {name.removesuffix(".scales") for name in weights if name.endswith(".scales")}
    assert len(modules) == 4 * 7 + 1
    for module in modules:
        matrix = source[f"{module}.weight"].astype(types[dtype])
        assert_quantized(weights, module, matrix, *settings_of(precision))
    plain = [name for name in weights if name.rsplit(".", 1)[0] not in modules]
    assert {name for name in source if name.rsplit(".", 1)[0] not in modules} == set(plain)
    for name in plain:
        assert is_same(weights[name], source[name].astype(types[dtype])), name


@pytest.mark.parametrize("group_size", [32, 128])
@pytest.mark.parametrize("precision", ["2bit", "4bit", "5bit", "8bit"])
def test_other_group_sizes_have_the_bytes_of_mx_quantize(product, example, tmp_path, precision,
                                                         group_size):
    folder = convert_mlx(product, example, tmp_path, precision, "--mlx-group-size", group_size)
    weights = load_weights(folder)
    source = mx.load(str(example / "model.safetensors"))
    for name in ("model.embed_tokens", "model.layers.3.mlp.down_proj"):
        assert_quantized(weights, name, source[f"{name}.weight"],
                         *settings_of(precision, group_size))


def metal_affine(rows, bits, group_size):
    """Codes, scales and biases as the Metal kernel computes them, in F32."""
    largest = np.float32((1 << bits) - 1)
    groups = rows.reshape(-1, group_size)
    low = groups.min(axis=1)
    high = np.maximum(groups.max(axis=1), np.float32(0))
    scale = np.maximum((high - low) / largest, np.float32(1e-7))
    side = np.abs(low) > np.abs(high)
    scale = np.where(side, scale, -scale)
    edge = np.where(side, low, high)
    steps = np.trunc(edge / scale + np.copysign(np.float32(0.5), edge / scale))
    at_zero = steps == 0
    scale = np.where(at_zero, scale, edge / np.where(at_zero, np.float32(1), steps))
    bias = np.where(at_zero, np.float32(0), edge)
    codes = np.floor((groups - bias[:, None]) / scale[:, None] + np.float32(0.5))
    return np.clip(codes, 0, largest).astype(np.uint8).reshape(rows.shape), scale, bias


def unpack(words, bits):
    stream = np.unpackbits(np.array(words).view(np.uint8), axis=-1, bitorder="little")
    codes = stream.reshape(*stream.shape[:-1], -1, bits)
    return (codes << np.arange(bits, dtype=np.uint8)).sum(axis=-1).astype(np.uint8)


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_metal_rounding_gives_the_codes_of_the_gpu_kernel(product, example, tmp_path, bits):
    folder = convert_mlx(product, example, tmp_path, f"{bits}bit", "--mlx-rounding", "metal",
                         "--mlx-dtype", "f32")
    weights = load_weights(folder)
    source = mx.load(str(example / "model.safetensors"))
    name = "model.layers.1.self_attn.k_proj"
    rows = np.array(source[f"{name}.weight"].astype(mx.float32))
    codes, scale, bias = metal_affine(rows, bits, 64)
    assert np.array_equal(unpack(weights[f"{name}.weight"], bits), codes)
    assert np.array_equal(np.array(weights[f"{name}.scales"]).ravel(), scale)
    assert np.array_equal(np.array(weights[f"{name}.biases"]).ravel(), bias)
    cpu = mx.quantize(source[f"{name}.weight"].astype(mx.float32), group_size=64, bits=bits)
    assert not is_same(weights[f"{name}.weight"], cpu[0]), "the variants should differ somewhere"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_quality_best_loses_less(product, example, tmp_path, precision):
    source = mx.load(str(example / "model.safetensors"))
    mode, bits, group_size = settings_of(precision)
    errors = []
    for quality in ("default", "best"):
        folder = convert_mlx(product, example, tmp_path / quality, precision, "--quality", quality)
        weights = load_weights(folder)
        error = 0.0
        for name in (n for n in weights if n.endswith(".scales")):
            module = name.removesuffix(".scales")
            parts = [weights.get(f"{module}.{part}") for part in ("weight", "scales", "biases")]
            back = mx.dequantize(*parts, group_size=group_size, bits=bits, mode=mode)
            difference = (back.astype(mx.float32)
                          - source[f"{module}.weight"].astype(mx.float32))
            error += mx.square(difference).sum().item()
        errors.append(error)
    # The codes of mxfp8 are floats: another power of two changes next to nothing.
    assert errors[1] < errors[0] or (precision == "mxfp8" and errors[1] == errors[0])


@pytest.mark.parametrize("name", [name for name in FIXTURES if name not in NOT_CONVERTED])
def test_the_folder_equals_the_one_mlx_lm_writes(product, make_fixture, tmp_path, name):
    """Names, types and bits of all tensors; settings of all modules."""
    source = make_fixture(name)
    mlx_lm_convert(str(source), str(tmp_path / "theirs"), quantize=True)
    ours = convert_mlx(product, source, tmp_path / "ours", "4bit")
    expected, found = load_weights(tmp_path / "theirs"), load_weights(ours)
    assert set(found) == set(expected)
    assert [n for n in expected if not is_same(found[n], expected[n])] == []
    settings = [json.loads((folder / "config.json").read_text())["quantization"]
                for folder in (tmp_path / "theirs", ours)]
    for module, setting in settings[0].items():
        if isinstance(setting, dict):  # without a mode it is affine
            assert settings[1][module] == {"mode": "affine"} | setting
        else:
            assert settings[1][module] == setting
    assert set(settings[1]) == set(settings[0])


# Not bf16: MLX multiplies by experts that are not quantized in F32 alone, on a CPU.
@pytest.mark.parametrize("precision", ["f32", "4bit", "mixed_3_6", "mxfp4", "nvfp4"])
@pytest.mark.parametrize("name", FIXTURES)
def test_mlx_lm_loads_every_family_strictly(product, make_fixture, tmp_path, name, precision):
    folder = convert_mlx(product, make_fixture(name), tmp_path, precision)
    model, _ = load_model(folder, strict=True)
    if name in NOT_RUN:
        return
    logits = model(mx.array([[1, 2, 3]]))
    assert bool(mx.isfinite(logits).all())


def test_a_tied_model_has_a_head_where_the_class_of_mlx_lm_has_one(product, tmp_path):
    run_program(BUILD / "bin/make_fixture", "qwen2_moe", tmp_path / "model", "--tied")
    folder = convert_mlx(product, tmp_path / "model", tmp_path / "out", "4bit")
    weights = load_weights(folder)
    assert is_same(weights["lm_head.weight"], weights["model.embed_tokens.weight"])
    load_model(folder, strict=True)


@pytest.mark.parametrize("precision", ["4bit", "mixed_3_6"])
def test_mlx_lm_loads_the_text_model_of_a_multimodal_one(product, tmp_path, precision):
    run_program(BUILD / "bin/make_fixture", "gemma3_multimodal", tmp_path / "model")
    folder = convert_mlx(product, tmp_path / "model", tmp_path / "out", precision)
    model, config = load_model(folder, strict=True)
    assert "vision_config" not in config
    assert model.layers[1].mlp.down_proj.bits == (4 if precision == "4bit" else 6)


@pytest.mark.parametrize("recipe", MIXED)
@pytest.mark.parametrize("name", ["llama deep", "qwen2", "mixtral"])
def test_mixed_recipes_decide_as_mlx_lm_does(product, make_fixture, tmp_path, name, recipe):
    source = make_fixture(name)
    mlx_lm_convert(str(source), str(tmp_path / "theirs"), quantize=True, quant_predicate=recipe,
                   q_group_size=64)
    expected = load_weights(tmp_path / "theirs")
    found = load_weights(convert_mlx(product, source, tmp_path / "ours", recipe))
    assert [n for n in expected if not is_same(found[n], expected[n])] == []


def test_a_mixed_recipe_keeps_the_router_that_mlx_lm_keeps_otherwise(product, make_fixture,
                                                                     tmp_path):
    folder = convert_mlx(product, make_fixture("qwen3_moe"), tmp_path, "mixed_2_6")
    settings = json.loads((folder / "config.json").read_text())["quantization"]
    assert settings["model.layers.0.mlp.gate"] == {"group_size": 64, "bits": 8, "mode": "affine"}
    model, _ = load_model(folder, strict=True)
    assert model.layers[0].mlp.gate.bits == 8


def test_mlx_lm_loads_the_example_in_shards_and_tells_a_story(product, example, tmp_path):
    folder = convert_mlx(product, example, tmp_path, "4bit", "--mlx-shard-size", "300K")
    assert len(list(folder.glob("model-*.safetensors"))) > 2
    model, tokenizer = mlx_lm_load(str(folder))
    tokens = tokenizer.encode("Once upon a time")
    for _ in range(16):
        tokens.append(int(mx.argmax(model(mx.array([tokens]))[0, -1]).item()))
    text = tokenizer.decode(tokens)
    assert len(set(text.split())) > 8, text


def test_thread_counts_do_not_change_a_byte(product, make_fixture, tmp_path):
    source = make_fixture("qwen2_moe")
    folders = [convert_mlx(product, source, tmp_path / threads, "mixed_4_6", threads=threads)
               for threads in ("1", "2", "7")]
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert contents[0] == contents[1] == contents[2]
