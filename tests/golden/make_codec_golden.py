# SPDX-License-Identifier: Apache-2.0
"""Captures what llama.cpp's library encodes and decodes, as hashes and a few literal blocks.

    python tests/golden/make_codec_golden.py LIBRARY_FOLDER

LIBRARY_FOLDER holds libggml-base.so. Writes tests/golden/codecs/<type>.json, one per codec. The
rows are those of lib/codecs/testing/codec_inputs.h, made here a second time with numpy; each file
also holds the hash of its input, so that a drift between the two shows as such.
"""

import ctypes
import hashlib
import json
import pathlib
import sys

import numpy as np

SEED = 2026
COLS = 1024
HOSTILE_COLS = 256
ROW_KINDS = 14
ROWS = 1036  # 74 of each kind: 1060864 values
DECODED = 1 << 18

# name: type number, elements and bytes of a block, function that decodes a row
TYPES = {
    "f32": (0, 1, 4, None),
    "f16": (1, 1, 2, "ggml_fp16_to_fp32_row"),
    "bf16": (30, 1, 2, "ggml_bf16_to_fp32_row"),
    "q4_0": (2, 32, 18, "dequantize_row_q4_0"),
    "q4_1": (3, 32, 20, "dequantize_row_q4_1"),
    "q5_0": (6, 32, 22, "dequantize_row_q5_0"),
    "q5_1": (7, 32, 24, "dequantize_row_q5_1"),
    "q8_0": (8, 32, 34, "dequantize_row_q8_0"),
    "q2_k": (10, 256, 84, "dequantize_row_q2_K"),
    "q3_k": (11, 256, 110, "dequantize_row_q3_K"),
    "q4_k": (12, 256, 144, "dequantize_row_q4_K"),
    "q5_k": (13, 256, 176, "dequantize_row_q5_K"),
    "q6_k": (14, 256, 210, "dequantize_row_q6_K"),
    "iq4_nl": (20, 32, 18, "dequantize_row_iq4_nl"),
    "iq4_xs": (23, 256, 136, "dequantize_row_iq4_xs"),
    "tq1_0": (34, 256, 54, "dequantize_row_tq1_0"),
    "tq2_0": (35, 256, 66, "dequantize_row_tq2_0"),
    "mxfp4": (39, 32, 17, "dequantize_row_mxfp4"),
}

U64 = np.uint64
F32 = np.float32


def random_u64(seed, first, count):
    index = np.arange(first + 1, first + 1 + count, dtype=U64)
    z = U64(seed) + index * U64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def from_bits(bits):
    return np.ascontiguousarray(bits, dtype=np.uint32).view(F32)


def random_row(row):
    u = random_u64(SEED, row * COLS, COLS)
    field = U64(0xFFFF)
    n = ((u & field) + (u >> U64(16) & field) + (u >> U64(32) & field) + (u >> U64(48))).astype(
        np.int64
    ) - 131070
    f = n.astype(F32)
    low = (u & U64(0xFFFFFFFF)).astype(np.uint32)
    kind = row % ROW_KINDS
    if kind == 0:
        return f * F32(2.0**-15)
    if kind == 1:
        return f * F32(2.0**-21)
    if kind == 2:
        return np.ldexp(f, -(row % 41)).astype(F32)
    if kind == 3:
        return (n * n * n).astype(F32) * F32(2.0**-50)
    if kind == 4:
        zero = np.where((u >> U64(59)) & U64(1) != 0, F32(-0.0), F32(0.0))
        return np.where(u >> U64(60) == 0, f * F32(2.0**-15), zero).astype(F32)
    if kind == 5:
        return -(np.abs(f) + F32(1)) * F32(2.0**-15)
    if kind == 6:
        return (((u >> U64(32)) % U64(31)).astype(np.int64) - 15).astype(F32) * F32(0.5)
    if kind == 7:
        top = np.uint32(0x7F800000)
        return from_bits(np.where(low & top == top, low & ~np.uint32(0x40000000), low))
    if kind == 8:
        return from_bits(low & np.uint32(0x807FFFFF))
    if kind == 9:
        exponent = np.where((u >> U64(40)) & U64(1) != 0, 0x7F000000, 0x7E000000)
        return from_bits((low & np.uint32(0x807FFFFF)) | exponent.astype(np.uint32))
    if kind == 10:
        return F32(1) + f * F32(2.0**-24)
    if kind == 11:
        return f * F32(2.0**-66)
    if kind == 12:
        return f * F32(16)
    return f * F32(2.0**-38)


def random_importance(row, cols):
    u = random_u64(~SEED & 0xFFFFFFFFFFFFFFFF, row * COLS, cols)
    uniform = (u >> U64(40)).astype(F32) * F32(2.0**-20)
    turn = row // ROW_KINDS
    if turn % 4 == 0:
        return uniform
    if turn % 4 == 1:
        return np.where(u & U64(3) == 0, F32(0), uniform).astype(F32)
    if turn % 4 == 2:
        exponent = (U64(97) + u % U64(61)) << U64(23)
        return from_bits((exponent | (u >> U64(8) & U64(0x7FFFFF))).astype(np.uint32))
    return np.full(cols, 0 if turn // 4 % 2 == 0 else 1, dtype=F32)


VALUES = [
    0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3DCCCCCD, 0xBDCCCCCD, 0x477FE000,
    0x477FF000, 0x26901D7D, 0x26901D7C, 0xA6901D7D, 0x7F7FFFFF, 0xFF7FFFFF, 0x00800000,
    0x00000001, 0x807FFFFF, 0x3FFFFFFF, 0x40FFFFFF, 0x717FFFFF, 0x42FE0000,
]  # fmt: skip


def hostile_rows():
    i = np.arange(HOSTILE_COLS)

    def value(bits):
        return from_bits([bits])[0]

    for bits in VALUES:
        a = value(bits)
        yield np.full(HOSTILE_COLS, a)
        yield np.where(i % 2 == 0, a, -a)
        for at in (0, 100, 255):
            yield np.where(i == at, a, F32(0))
            yield np.where(i == at, a, value(0x3A83126F))
        yield np.where(i // 32 == 3, a, F32(0))
        yield np.where(i // 32 == 7, value(0xBF800000), a)
        yield a / (2.0 ** (i % 48)).astype(F32)
    for bits in (0x3F800000, 0x3D800000, 0xBE000000, 0x3DCCCCCD):
        a = value(bits)
        for at in (0, 128, 255):
            yield (i - at).astype(F32) * a
        halves = ((i % 16).astype(F32) + F32(0.5)) * a
        yield np.where(i // 16 % 2 == 0, halves, -halves)
    yield np.where(i % 2 == 0, F32(0.0), F32(-0.0))


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


class Oracle:
    def __init__(self, folder):
        self.library = ctypes.CDLL(str(pathlib.Path(folder) / "libggml-base.so"))
        self.quantize = self.library.ggml_quantize_chunk
        self.quantize.restype = ctypes.c_size_t
        self.quantize.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [
            ctypes.c_int64
        ] * 3 + [ctypes.c_void_p]

    def encode(self, name, row, importance):
        number, elems, size, _ = TYPES[name]
        out = np.zeros(row.size // elems * size, dtype=np.uint8)
        weights = None if importance is None else pointer(importance)
        self.quantize(number, pointer(row), pointer(out), 0, 1, row.size, weights)
        return out.tobytes()

    def decode(self, name, data, count):
        function = TYPES[name][3]
        if function is None:
            out = np.frombuffer(data, dtype=F32).copy()
        else:
            out = np.empty(count, dtype=F32)
            source = np.frombuffer(data, dtype=np.uint8).copy()
            call = getattr(self.library, function)
            call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
            call(pointer(source), pointer(out), count)
        out.view(np.uint32)[np.isnan(out)] = 0x7FC00000
        return out.tobytes()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def capture(oracle, name, rows):
    """Hashes of the encoded rows without and with importance, and of what they decode to."""
    result = {}
    for key, weighted in (("plain", False), ("importance", True)):
        encoded = []
        decoded = hashlib.sha256()
        for index, row in enumerate(rows):
            importance = random_importance(index, row.size) if weighted else None
            data = oracle.encode(name, row, importance)
            encoded.append(data)
            decoded.update(oracle.decode(name, data, row.size))
        result[key] = {"encoded": sha256(b"".join(encoded)), "decoded": decoded.hexdigest()}
        if rows[0].size == COLS:
            # The first block of a unit-normal row and of a heavy-tailed one, to read and debug by.
            size = TYPES[name][2]
            result[key]["first_blocks"] = {str(r): encoded[r][:size].hex() for r in (0, 3)}
    return result


def main():
    oracle = Oracle(sys.argv[1])
    folder = pathlib.Path(__file__).parent / "codecs"
    folder.mkdir(exist_ok=True)
    random_rows = [np.ascontiguousarray(random_row(r), dtype=F32) for r in range(ROWS)]
    hostile = [np.ascontiguousarray(r, dtype=F32) for r in hostile_rows()]
    assert all(np.isfinite(r).all() for r in random_rows + hostile)
    for name, (_, elems, size, _) in TYPES.items():
        bytes_count = DECODED // elems * size
        noise = random_u64(SEED, 0, (bytes_count + 7) // 8).tobytes()[:bytes_count]
        golden = {
            "type": name,
            "seed": SEED,
            "random": {
                "rows": ROWS,
                "input": sha256(b"".join(r.tobytes() for r in random_rows)),
                **capture(oracle, name, random_rows),
            },
            "hostile": {
                "rows": len(hostile),
                "input": sha256(b"".join(r.tobytes() for r in hostile)),
                **capture(oracle, name, hostile),
            },
            "random_bytes": {
                "elems": DECODED,
                "decoded": sha256(oracle.decode(name, noise, DECODED)),
            },
        }
        (folder / f"{name}.json").write_text(json.dumps(golden, indent=1) + "\n")
        print(name)


if __name__ == "__main__":
    main()
