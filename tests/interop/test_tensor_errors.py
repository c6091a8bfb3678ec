# SPDX-License-Identifier: Apache-2.0
"""The error of each stored tensor, against what gguf-py and MLX decode."""

import json
import os

os.environ["MLX_DISABLE_COMPILE"] = "1"

import gguf
import mlx.core as mx
import numpy as np
import pytest

from conftest import BUILD, run_program

mx.set_default_device(mx.cpu)

HEADS, KV_HEADS = 4, 2
PARTS = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
OUTSIDE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def folder_name(name):
    """What a Hugging Face or MLX folder calls a tensor of a GGUF file."""
    if name in OUTSIDE:
        return OUTSIDE[name]
    _, layer, kind, _ = name.split(".")
    return f"model.layers.{layer}.{PARTS[kind]}.weight"


def load_original(folder):
    weights = mx.load(str(folder / "model.safetensors"))
    return {name: np.array(w.astype(mx.float32)).astype(np.float64) for name, w in weights.items()}


def in_file_order(name, rows):
    """Rotary rows of queries and keys lie in pairs in a GGUF file, in halves in a folder."""
    for kind, heads in (("attn_q.", HEADS), ("attn_k.", KV_HEADS)):
        if kind in name:
            halves = rows.reshape(heads, 2, -1, rows.shape[-1])
            return halves.swapaxes(1, 2).reshape(rows.shape)
    return rows


def measure(example, folder, model):
    run_program(BUILD / "bin/report_driver", example, folder, f"m={model}")
    model = json.loads((folder / "validation.json").read_text())["quantized"][0]
    return {tensor["name"]: tensor for tensor in model["tensors"]}


def scales_of(weights, module):
    """With scales of 16 bits MLX rounds what it decodes to those; the stored values are exact."""
    parts = [weights[f"{module}.scales"], weights.get(f"{module}.biases")]
    return [p.astype(mx.float32) if p is not None and p.dtype == mx.bfloat16 else p for p in parts]


def assert_errors(found, original, stored, tolerance=1e-9):
    difference = original - stored
    relative = (difference**2).sum() / (original**2).sum()
    if relative == 0:
        assert (found["relative_mse"], found["snr_db"], found["max_error"]) == (0, "Infinity", 0)
        return
    assert found["relative_mse"] == pytest.approx(relative, rel=tolerance)
    assert found["snr_db"] == pytest.approx(-10 * np.log10(relative), abs=10 * tolerance)
    assert found["max_error"] == pytest.approx(np.abs(difference).max(), rel=tolerance)


@pytest.mark.parametrize("kind", ["BF16", "Q8_0", "Q4_K_M", "Q2_K", "IQ4_XS"])
def test_errors_of_a_gguf_file_are_those_of_gguf_py(product, example, tmp_path, kind):
    path = product.convert(example, tmp_path, [kind])[kind]
    found = measure(example, tmp_path, path)
    original = load_original(example)
    tensors = gguf.GGUFReader(path).tensors
    assert len(found) == len(tensors) == 4 * 9 + 2
    for tensor in tensors:
        rows = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
        expected = in_file_order(tensor.name, original[folder_name(tensor.name)])
        assert found[tensor.name]["type"] == tensor.tensor_type.name
        assert_errors(found[tensor.name], expected, rows.reshape(expected.shape))


@pytest.mark.parametrize("precision, mode, bits, group_size, name",
                         [("4bit", "affine", 4, 64, "affine 4-bit g64"),
                          ("mxfp4", "mxfp4", 4, 32, "mxfp4")])
def test_errors_of_an_mlx_folder_are_those_of_mlx(product, example, tmp_path, precision, mode, bits,
                                                  group_size, name):
    run_program(product.program, "convert", example, "--output", tmp_path, "--formats", "mlx",
                "--precision", precision)
    found = measure(example, tmp_path, tmp_path / "mlx")
    original = load_original(example)
    weights = mx.load(str(tmp_path / "mlx/model.safetensors"))
    quantized = 0
    for gguf_name, error in found.items():
        weight = folder_name(gguf_name)
        module = weight.removesuffix(".weight")
        rows = weights[weight]
        if f"{module}.scales" in weights:
            quantized += 1
            assert error["type"] == name
            rows = mx.dequantize(rows, *scales_of(weights, module), group_size=group_size,
                                 bits=bits, mode=mode)
        stored = np.array(rows.astype(mx.float32)).astype(np.float64)
        assert_errors(error, original[weight], stored, tolerance=1e-5)
    assert quantized == 4 * 7 + 1
