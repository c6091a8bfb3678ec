# SPDX-License-Identifier: Apache-2.0
"""Captures what MLX's CPU kernels quantize and dequantize, as hashes and one literal group each.

    python tests/golden/make_mlx_golden.py

Needs `mlx[cpu]`. Writes tests/golden/mlx/codecs.json. The rows are made a second time by
lib/codecs/mlx/mlx_golden_test.cc; the hash of the input tells a drift between the two.
"""

import hashlib
import json
import os
import pathlib

os.environ["MLX_DISABLE_COMPILE"] = "1"

import mlx.core as mx  # noqa: E402  (reads the variable)
import numpy as np  # noqa: E402

ROWS, COLS = 96, 512
DTYPES = {"f32": mx.float32, "bf16": mx.bfloat16, "f16": mx.float16}
AFFINE = [("affine", bits, group) for bits in (2, 3, 4, 5, 6, 8) for group in (32, 64, 128)]
FLOATS = [("mxfp4", 4, 32), ("mxfp8", 8, 32), ("nvfp4", 4, 16)]


def make_rows():
    """Random rows of many magnitudes, and rows that are unlike weights."""
    count = ROWS * COLS
    state = np.uint64(2026)
    words = np.empty(count, np.uint64)
    with np.errstate(over="ignore"):
        for i in range(count):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            words[i] = state >> np.uint64(40)
    unit = ((words.astype(np.int64) - (1 << 23)) / (1 << 23)).astype(np.float32)
    rows = unit.reshape(ROWS, COLS)
    for row in range(ROWS):
        rows[row] *= np.float32(2.0 ** -(row % 12))
        kind = row // 12
        if kind == 1:
            rows[row] = -np.abs(rows[row])
        elif kind == 2:
            rows[row] = np.abs(rows[row])
        elif kind == 3:
            rows[row, ::3] = 0
        elif kind == 4:
            rows[row] = rows[row, 0]
        elif kind == 5:  # multiples of a sixteenth: many ties
            rows[row] = np.round(rows[row] * np.float32(16)) / np.float32(16)
        elif kind == 6:  # one weight far outside
            rows[row, 5] *= np.float32(64)
    rows[95] = 0
    return rows


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def raw(array):
    """The stored bytes of an array of any type."""
    if array.dtype in (mx.bfloat16, mx.float16):
        array = array.view(mx.uint16)
    return np.array(array)


def capture(rows, dtype_name, mode, bits, group):
    weights = mx.array(rows).astype(DTYPES[dtype_name])
    parts = mx.quantize(weights, group_size=group, bits=bits, mode=mode)
    case = {"dtype": dtype_name, "mode": mode, "bits": bits, "group_size": group}
    case["codes"] = digest(raw(parts[0]))
    case["scales"] = digest(raw(parts[1]))
    if len(parts) > 2:
        case["biases"] = digest(raw(parts[2]))
    case["first_group"] = raw(parts[0])[0].tobytes()[: group * bits // 8].hex()
    if mode != "affine" or dtype_name == "f32":
        back = mx.dequantize(*parts, group_size=group, bits=bits, mode=mode, dtype=mx.float32)
        case["dequantized"] = digest(np.array(back.astype(mx.float32)) + np.float32(0))
    return case


def main():
    mx.set_default_device(mx.cpu)
    rows = make_rows()
    cases = [
        capture(rows, dtype, *kind)
        for dtype in DTYPES
        for kind in AFFINE + FLOATS
    ]
    golden = {"mlx": mx.__version__, "rows": ROWS, "cols": COLS, "input": digest(rows),
              "cases": cases}
    path = pathlib.Path(__file__).parent / "mlx/codecs.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
