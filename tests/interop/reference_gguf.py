# SPDX-License-Identifier: Apache-2.0
"""What a GGUF file of a Llama model folder holds, worked out once more in Python.

It is the check on the product's own tables.
"""

import json
import pathlib

import numpy as np

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def read_safetensors(path):
    """name -> float32 array. BF16 is widened here, because numpy has no such type."""
    data = pathlib.Path(path).read_bytes()
    header_bytes = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_bytes])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + header_bytes + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(data[begin:end], np.uint16).astype(np.uint32) << 16).view(
                np.float32
            )
        else:
            values = np.frombuffer(
                data[begin:end], {"F16": np.float16, "F32": np.float32}[entry["dtype"]]
            ).astype(np.float32)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def interleave(rows, heads):
    """Rows of a query or key matrix, from two halves of a head to pairs of neighbours."""
    return (
        rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)
    )


def gguf_name(name):
    if name == "lm_head.weight":
        return "output.weight"
    if not name.startswith("model.layers."):
        return name.replace("model.embed_tokens", "token_embd").replace("model.norm", "output_norm")
    _, _, layer, rest = name.split(".", 3)
    stem, suffix = rest.rsplit(".", 1)
    return f"blk.{layer}.{NAMES[stem]}.{suffix}"


def llama_tensors(folder):
    """The float32 tensors, by GGUF name, of a Llama model folder."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    result = {}
    for name, values in read_safetensors(folder / "model.safetensors").items():
        for projection, count in heads.items():
            if f".{projection}." in name:
                values = interleave(values, count)
        result[gguf_name(name)] = values
    return result
