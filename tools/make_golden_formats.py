#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/{good,bad}: tiny model files of each container format.

Every bad file breaks one rule of a good one. bad/EXPECTED.tsv names, for each, a part of the
message it must be refused with. Only the standard library is used; the result is deterministic.
"""
import json
import shutil
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "tests" / "golden"
EXPECTED = []  # (path below bad/, part of the message)

U8, I8, U16, I16, U32, I32, F32, BOOL, STR, ARR, U64, I64, F64 = range(13)
PACK = {U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f", BOOL: "<B",
        U64: "<Q", I64: "<q", F64: "<d"}


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return u64(len(raw)) + raw


def scalar(type_id, value):
    return string(value) if type_id == STR else struct.pack(PACK[type_id], value)


def kv(key, type_id, value):
    return string(key) + u32(type_id) + scalar(type_id, value)


def kv_array(key, type_id, values):
    items = b"".join(scalar(type_id, v) for v in values)
    return string(key) + u32(ARR) + u32(type_id) + u64(len(values)) + items


def tensor(name, dims, type_id, offset):
    return (string(name) + u32(len(dims)) + b"".join(struct.pack("<q", d) for d in dims)
            + u32(type_id) + u64(offset))


def gguf(kvs=(), tensors=(), data=b"", *, version=3, n_kv=None, n_tensors=None, align=32,
         magic=b"GGUF"):
    """kvs and tensors are encoded records; data is the data section, after padding."""
    out = magic + u32(version) + u64(len(tensors) if n_tensors is None else n_tensors)
    out += u64(len(kvs) if n_kv is None else n_kv) + b"".join(kvs) + b"".join(tensors)
    return out + b"\0" * (-len(out) % align) + data


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def good(name, content):
    write(ROOT / "good" / name, content)


def bad(name, content, message):
    """content: bytes of a file, or {file: bytes} of a folder; 'folder!file' opens that file."""
    opened = name
    if isinstance(content, dict):
        folder, _, first = name.partition("!")
        opened = f"{folder}/{first}" if first else folder
        for file, raw in content.items():
            write(ROOT / "bad" / folder / file, raw)
        if not content:
            raise ValueError(name)
    else:
        write(ROOT / "bad" / name, content)
    EXPECTED.append((opened, message))


ARCH = kv("general.architecture", STR, "llama")
F32_2X3 = struct.pack("<6f", 1, 2, 3, 4, 5, 6) + b"\0" * 8  # padded to 32


def one_tensor(record, data=F32_2X3, **kwargs):
    return gguf([ARCH], [record], data, **kwargs)


def split_keys(no, count, tensors):
    return [kv("split.no", U16, no), kv("split.count", U16, count),
            kv("split.tensors.count", I32, tensors)]


def split_file(no, count, total, name):
    first = [ARCH] if no == 0 else []
    return gguf(first + split_keys(no, count, total), [tensor(name, [3, 2], 0, 0)], F32_2X3)


def make_good_gguf():
    scalars = [kv("s.u8", U8, 200), kv("s.i8", I8, -100), kv("s.u16", U16, 60000),
               kv("s.i16", I16, -30000), kv("s.u32", U32, 4000000000), kv("s.i32", I32, -2000000000),
               kv("s.f32", F32, 0.5), kv("s.bool", BOOL, 1), kv("s.str", STR, "h\u00e9llo"),
               kv("s.u64", U64, 1 << 63), kv("s.i64", I64, -(1 << 62)), kv("s.f64", F64, 0.1)]
    arrays = [kv_array("a.u8", U8, [1, 2]), kv_array("a.i32", I32, [-1, 0, 1]),
              kv_array("a.f32", F32, [0.25]), kv_array("a.bool", BOOL, [1, 0, 1]),
              kv_array("a.str", STR, ["", "b", "cc"]), kv_array("a.f64", F64, [])]
    tensors = [tensor("first", [3, 2], 0, 0), tensor("second", [32], 8, 32),
               tensor("third", [2, 1, 1, 1], 1, 96)]
    data = F32_2X3 + bytes(range(34)) + b"\0" * 30 + struct.pack("<2e", 1, 2) + b"\0" * 28
    good("gguf/all_types.gguf", gguf([ARCH] + scalars + arrays, tensors, data))
    good("gguf/version_2.gguf", one_tensor(tensor("w", [3, 2], 0, 0), version=2))
    good("gguf/scalar.gguf", one_tensor(tensor("s", [], 0, 0), struct.pack("<f", 3) + b"\0" * 28))
    good("gguf/no_tensors.gguf", gguf([ARCH]))
    good("gguf/alignment_64.gguf",
         gguf([kv("general.alignment", U32, 64)],
              [tensor("b", [1], 0, 64), tensor("a", [1], 0, 0)],
              b"\0" * 64 + struct.pack("<f", 7) + b"trailing", align=64))
    for no in range(2):
        good(f"gguf/split-0000{no + 1}-of-00002.gguf", split_file(no, 2, 2, f"part{no}"))


def make_bad_gguf_headers():
    w = tensor("w", [3, 2], 0, 0)
    cases = {
        "HEADER_BAD_MAGIC": (one_tensor(w, magic=b"GGUX"), "it starts with 'GGUX', expected 'GGUF'"),
        "HEADER_EMPTY": (b"", "it starts with '', expected 'GGUF'"),
        "HEADER_OLD_GGML": (b"tjgg" + u32(3) + b"\0" * 64, "a ggml format older than GGUF"),
        "HEADER_ZEROS": (b"\0" * 256, "whose writer was interrupted"),
        "HEADER_LFS_POINTER": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                               "it is a Git LFS pointer, not the file"),
        "HEADER_CUT": (b"GGUF" + u32(3) + b"\1\0", "the number of tensors at offset 8 needs 8"),
        "HEADER_BAD_VERSION_0": (one_tensor(w, version=0), "GGUF version 0, expected 2 or 3"),
        "HEADER_BAD_VERSION_1": (one_tensor(w, version=1), "GGUF version 1 is not supported"),
        "HEADER_BAD_VERSION_FUTURE": (one_tensor(w, version=4), "GGUF version 4, expected 2 or 3"),
        "HEADER_BIG_ENDIAN": (one_tensor(w, version=3 << 24), "a big-endian GGUF"),
        "HEADER_BAD_N_TENSORS": (one_tensor(w, n_tensors=1 << 61), "declares 2305843009213693952 tensors"),
        "HEADER_BAD_N_TENSORS_FEW": (one_tensor(w, n_tensors=9), "declares 9 tensors, expected at most"),
        "HEADER_BAD_N_KV": (one_tensor(w, n_kv=(1 << 64) - 1), "declares 18446744073709551615 keys"),
        "HEADER_NEGATIVE_N_TENSORS": (one_tensor(w, n_tensors=(1 << 64) - 1), "tensors, expected at most"),
    }
    for name, (content, message) in cases.items():
        bad(f"gguf/{name}.gguf", content, message)


def make_bad_gguf_keys():
    pad = kv("pad", STR, "x" * 64)
    cases = {
        "KV_EMPTY_KEY": ([kv("", U8, 1)], "key 1 of 2 is ''"),
        "KV_ZERO_BYTE_IN_KEY": ([kv("a\0b", U8, 1)], "key 1 of 2 is 'a\\x00b'"),
        "KV_KEY_TOO_LONG": ([kv("k" * 65536, U8, 1)], "the key has 65536 bytes, expected at most 65535"),
        "KV_KEY_PAST_END": ([u64(5000) + b"key"], "the key at offset 32 needs 5000 bytes"),
        "KV_BAD_TYPE": ([string("k") + u32(13) + u64(0)], "key 'k': its value has type 13"),
        "KV_NEGATIVE_TYPE": ([string("k") + u32(0xFFFFFFFF)], "its value has type 4294967295"),
        "KV_BAD_ARRAY_TYPE": ([string("k") + u32(ARR) + u32(77) + u64(1)], "array elements of type 77"),
        "KV_NESTED_ARRAY": ([string("k") + u32(ARR) + u32(ARR) + u64(1)], "an array of arrays"),
        "KV_STRING_PAST_END": ([string("k") + u32(STR) + u64(1000) + b"short"], "the string at offset"),
        "KV_STRING_HUGE": ([string("k") + u32(STR) + u64((1 << 64) - 1)],
                           "the string has 18446744073709551615 bytes"),
        "KV_ARRAY_HUGE": ([string("k") + u32(ARR) + u32(F32) + u64(1 << 62)],
                          "an array has 4611686018427387904 elements"),
        "KV_ARRAY_PAST_END": ([string("k") + u32(ARR) + u32(F64) + u64(1000)],
                              "an array of 1000 elements at offset"),
        "KV_STRING_ARRAY_PAST_END": ([string("k") + u32(ARR) + u32(STR) + u64(60000000)],
                                     "an array of 60000000 elements at offset"),
        "KV_STRING_IN_ARRAY_PAST_END": ([string("k") + u32(ARR) + u32(STR) + u64(1) + u64(999)],
                                        "a string of the array at offset"),
        "KV_DUPLICATE_KEY": ([kv("k", U8, 1), kv("k", U8, 1)], "key 'k' stands twice"),
        "KV_BAD_BOOL": ([kv("k", BOOL, 2)], "key 'k': a bool is 2, expected 0 or 1"),
        "KV_ALIGNMENT_TYPE": ([kv("general.alignment", U64, 32)], "has another type than u32"),
        "KV_ALIGNMENT_0": ([kv("general.alignment", U32, 0)], "is 0, expected a power of two"),
        "KV_ALIGNMENT_3": ([kv("general.alignment", U32, 3)], "is 3, expected a power of two"),
        "KV_ALIGNMENT_HUGE": ([kv("general.alignment", U32, 1 << 31)], "is 2147483648, expected a"),
    }
    for name, (kvs, message) in cases.items():
        bad(f"gguf/{name}.gguf", gguf(kvs + [pad], n_kv=len(kvs) + 1), message)
    bad("gguf/KV_CUT.gguf", gguf([ARCH])[:45], "needs")


def make_bad_gguf_tensors():
    top = (1 << 63) - 1
    cases = {
        "TENSORS_NAME_64_BYTES": (tensor("n" * 64, [3, 2], 0, 0), "the name has 64 bytes, expected at most 63"),
        "TENSORS_EMPTY_NAME": (tensor("", [3, 2], 0, 0), "tensor 1 of 1: its name is ''"),
        "TENSORS_ZERO_BYTE_IN_NAME": (tensor("a\0", [3, 2], 0, 0), "its name is 'a\\x00'"),
        "TENSORS_5_DIMS": (tensor("w", [1] * 5, 0, 0), "it has 5 dimensions, expected at most 4"),
        "TENSORS_ZERO_DIM": (tensor("w", [3, 0], 0, 0), "dimension 1 is 0, expected at least 1"),
        "TENSORS_NEGATIVE_DIM": (tensor("w", [-3, 2], 0, 0), "dimension 0 is -3, expected at least 1"),
        "TENSORS_SHAPE_OVERFLOW": (tensor("w", [1 << 32, 1 << 32], 0, 0), "has 2^63 elements or more"),
        "TENSORS_BYTES_OVERFLOW": (tensor("w", [top], 28, 0), "has 2^63 bytes or more"),
        "TENSORS_UNKNOWN_TYPE": (tensor("w", [3, 2], 1000, 0), "type 1000 is unknown"),
        "TENSORS_NEGATIVE_TYPE": (tensor("w", [3, 2], 0xFFFFFFFF, 0), "type 4294967295 is unknown"),
        "TENSORS_REMOVED_TYPE": (tensor("w", [32], 4, 0), "type 4 (Q4_2) was removed"),
        "TENSORS_TYPE_NOT_YET": (tensor("w", [256], 18, 0), "type 18 (IQ3_XXS) is not supported yet"),
        "TENSORS_BLOCK_MISMATCH": (tensor("w", [33], 8, 0), "a row has 33 elements, expected a multiple of 32"),
        "TENSORS_OFFSET_UNALIGNED": (tensor("w", [1], 0, 4), "offset 4 is not a multiple of the alignment 32"),
        "TENSORS_OFFSET_PAST_END": (tensor("w", [1], 0, 1 << 40), "pass the end of the file"),
        "TENSORS_OFFSET_OVERFLOW": (tensor("w", [8], 0, (1 << 64) - 32), "pass the end of the file"),
        "DATA_DECLARED_LARGER_THAN_FILE": (tensor("w", [4096, 4096], 0, 0),
                                           "tensor 'w': 67108864 bytes at offset 0"),
    }
    for name, (record, message) in cases.items():
        bad(f"gguf/{name}.gguf", one_tensor(record), message)
    w, twin = tensor("w", [3, 2], 0, 0), tensor("w", [3, 2], 0, 32)
    inside = tensor("v", [3, 2], 0, 32)
    bad("gguf/TENSORS_DUPLICATE_NAME.gguf", gguf([], [w, twin], F32_2X3 * 2), "the tensor 'w' stands twice")
    bad("gguf/TENSORS_OVERLAP.gguf", gguf([], [tensor("w", [16], 0, 0), inside], F32_2X3 * 2),
        "tensor 'v' (from offset 160) starts inside tensor 'w' (from 128 to 192)")
    bad("gguf/TENSORS_SAME_OFFSET.gguf", gguf([], [w, tensor("v", [3, 2], 0, 0)], F32_2X3), "starts inside tensor")
    bad("gguf/TENSORS_SUM_OVERFLOW.gguf",
        gguf([], [tensor("a", [1 << 60], 0, 0), tensor("b", [1 << 60], 0, 1 << 62)], F32_2X3),
        "pass the end of the file")
    bad("gguf/TENSORS_NAME_PAST_END.gguf", gguf([], [u64(60) + b"w" * 30]), "the name at offset 32 needs 60 bytes")
    bad("gguf/TENSORS_CUT.gguf", one_tensor(w, b"")[:85], "expected at most")
    bad("gguf/DATA_CUT.gguf", one_tensor(w, F32_2X3[:23]), "pass the end of the file")
    bad("gguf/DATA_ABSENT.gguf", one_tensor(w, b""), "pass the end of the file")


def make_bad_gguf_splits():
    alone = "a-00001-of-00002.gguf"
    second = "a-00002-of-00002.gguf"
    first = split_file(0, 2, 2, "x")
    w = [tensor("w", [3, 2], 0, 0)]
    bad("gguf/SPLIT_NAME.gguf", first, "its name should end with '-00001-of-00002.gguf'")
    bad("gguf/SPLIT_NO_PAST_COUNT.gguf", gguf(split_keys(2, 2, 1), w, F32_2X3), "split.no is 2 and split.count is 2")
    bad("gguf/SPLIT_COUNT_HUGE.gguf", gguf(split_keys(0, 65535, 1), w, F32_2X3), "a count of at most 1000")
    bad("gguf/SPLIT_KEY_TYPE.gguf", gguf([kv("split.count", STR, "2")], w, F32_2X3),
        "key 'split.count' is not an integer")
    bad(f"gguf/SPLIT_SECOND_MISSING!{alone}", {alone: first}, "needs 2 files, and number 2 of them")
    bad(f"gguf/SPLIT_OPENED_SECOND!{second}", {second: split_file(1, 2, 2, "y")},
        "open the first one, 'a-00001-of-00002.gguf'")
    for case, other, message in (
            ("SPLIT_SECOND_IS_FIRST", first, "is file 1 of 2 by its keys, expected file 2 of 2"),
            ("SPLIT_TENSOR_TWICE", split_file(1, 2, 2, "x"), "the tensor 'x' stands in"),
            ("SPLIT_SECOND_CUT", split_file(1, 2, 2, "y")[:-16], "pass the end of the file"),
            ("SPLIT_SECOND_NOT_SPLIT", gguf([ARCH]), "is file 1 of 1 by its keys")):
        bad(f"gguf/{case}!{alone}", {alone: first, second: other}, message)
    bad(f"gguf/SPLIT_TENSOR_COUNT!{alone}",
        {alone: split_file(0, 2, 3, "x"), second: split_file(1, 2, 3, "y")},
        "the set has 2 tensors in 2 files, expected 3")


def safetensors(header, data=b"", header_bytes=None):
    raw = header if isinstance(header, bytes) else (
        header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))).encode()
    return u64(len(raw) if header_bytes is None else header_bytes) + raw + data


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def make_good_safetensors():
    sizes = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4,
             "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for dtype, size in sizes.items():
        header["t_" + dtype.lower()] = entry(dtype, [2, 1], offset, offset + 2 * size)
        offset += 2 * size
    header["empty"] = entry("F32", [0, 4], 16, 16)
    header["scalar"] = entry("F32", [], offset, offset + 4)
    data = bytes(k % 251 for k in range(offset + 4))
    good("safetensors/all_types.safetensors", safetensors(json.dumps(header) + "   ", data))
    good("safetensors/no_tensors.safetensors", safetensors("{}"))
    shards = {f"model-0000{k}-of-00002.safetensors":
              safetensors({f"w{k}": entry("U8", [3], 0, 3)}, bytes([k, k, k])) for k in (1, 2)}
    for file, raw in shards.items():
        good(f"safetensors/sharded/{file}", raw)
        good(f"safetensors/sharded_without_index/{file}", raw)
    index = {"metadata": {"total_size": 6},
             "weight_map": {f"w{k}": f"model-0000{k}-of-00002.safetensors" for k in (1, 2)}}
    good("safetensors/sharded/model.safetensors.index.json", json.dumps(index, indent=1).encode())


ENTRY_OK = '"dtype":"U8","shape":[4],"data_offsets":[0,4]'


def one_entry(body):
    return '{"w":{' + body + "}}"


def make_bad_safetensors_headers():
    cases = {
        "HEADER_EMPTY_FILE": (b"", "it has 0 bytes, too few"),
        "HEADER_SEVEN_BYTES": (b"\2\0\0\0\0\0\0", "it has 7 bytes, too few"),
        "HEADER_PAST_END": (safetensors("{}", header_bytes=3), "a header of 3 bytes, expected at most 2"),
        "HEADER_HUGE": (safetensors("{}", header_bytes=(1 << 64) - 1), "a header of 18446744073709551615 bytes"),
        "HEADER_LENGTH_0": (safetensors("", b"{}"), "the header starts with '', expected '{'"),
        "HEADER_NOT_JSON": (safetensors("{nope}"), "header: not valid JSON near byte"),
        "HEADER_ARRAY": (safetensors("[]"), "the header starts with '[]', expected '{'"),
        "HEADER_LEADING_SPACE": (safetensors(" {}"), "the header starts with ' {}', expected '{'"),
        "HEADER_BYTE_ORDER_MARK": (safetensors("\ufeff{}"), "expected '{'"),
        "HEADER_TWO_DOCUMENTS": (safetensors("{}{}"), "not valid JSON"),
        "HEADER_BAD_UTF8": (safetensors(b'{"\xff":1}'), "not valid JSON"),
        "HEADER_DEEP": (safetensors('{"w":' + "[" * 5000), "found an array, expected an object with dtype"),
        "HEADER_NAN": (safetensors('{"w":NaN}'), "not valid JSON"),
        "HEADER_LFS_POINTER": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        "HEADER_GGUF": (gguf([ARCH]), "it is a GGUF file"),
        "HEADER_PICKLE": (b"PK\3\4" + b"\x14" * 60, "it is a zip archive"),
        "METADATA_NUMBER": (safetensors('{"__metadata__":{"a":1}}'), "__metadata__ to be an object of strings"),
        "METADATA_STRING": (safetensors('{"__metadata__":"a"}'), "__metadata__ to be an object of strings"),
        "METADATA_TWICE": (safetensors('{"__metadata__":{},"__metadata__":{}}'), "'__metadata__' stands twice"),
        "METADATA_KEY_TWICE": (safetensors('{"__metadata__":{"a":"","a":""}}'), "the key 'a' stands twice"),
    }
    for name, (content, message) in cases.items():
        bad(f"safetensors/{name}.safetensors", content, message)


def make_bad_safetensors_tensors():
    ok, one = ENTRY_OK, one_entry
    cases = {
        "TENSOR_TWICE": (safetensors('{"w":{%s},"w":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}' % ok, b"1234"),
                         "the tensor 'w' stands twice"),
        "TENSOR_FIELD_TWICE": (safetensors(one(ok + ',"dtype":"U8"'), b"1234"), "the key 'dtype' stands twice"),
        "TENSOR_FIELD_UNKNOWN": (safetensors(one(ok + ',"x":1'), b"1234"), "found the key 'x'"),
        "TENSOR_NOT_OBJECT": (safetensors('{"w":7}'), "found the number 7, expected an object with dtype"),
        "TENSOR_NO_DTYPE": (safetensors(one('"shape":[4],"data_offsets":[0,4]'), b"1234"), "without all of them"),
        "TENSOR_NO_SHAPE": (safetensors(one('"dtype":"U8","data_offsets":[0,4]'), b"1234"), "without all of them"),
        "TENSOR_NO_OFFSETS": (safetensors(one('"dtype":"U8","shape":[4]'), b"1234"), "without all of them"),
        "TENSOR_ONE_OFFSET": (safetensors(one('"dtype":"U8","shape":[0],"data_offsets":[0]')), "without all of them"),
        "TENSOR_THREE_OFFSETS": (safetensors(one('"dtype":"U8","shape":[4],"data_offsets":[0,4,4]'), b"1234"),
                                 "found the number 4, expected two data_offsets"),
        "TENSOR_DTYPE_UNKNOWN": (safetensors(one('"dtype":"F9","shape":[4],"data_offsets":[0,4]'), b"1234"),
                                 "tensor 'w' has the dtype 'F9', which is not supported"),
        "TENSOR_DTYPE_NUMBER": (safetensors(one('"dtype":1'), b""), "expected the name of a dtype"),
        "SHAPE_NEGATIVE": (safetensors(one('"dtype":"U8","shape":[-4],"data_offsets":[0,4]'), b"1234"),
                           "found the number -4, expected a shape"),
        "SHAPE_FRACTION": (safetensors(one('"dtype":"U8","shape":[4.0],"data_offsets":[0,4]'), b"1234"),
                           "found the number 4.0, expected a shape"),
        "SHAPE_PAST_63_BITS": (safetensors(one('"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4]')),
                               "found the number 9223372036854775808"),
        "SHAPE_PAST_64_BITS": (safetensors(one('"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]')),
                               "found the number 99999999999999999999"),
        "SHAPE_NESTED": (safetensors(one('"dtype":"U8","shape":[[4]],"data_offsets":[0,4]')), "found an array"),
        "SHAPE_17_DIMS": (safetensors(one('"dtype":"U8","shape":[' + "1," * 16 + "1]")), "more than 16 dimensions"),
        "SHAPE_OVERFLOW": (safetensors(one(
            '"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]')), "expected 2^64 or more"),
        "SHAPE_BYTES_OVERFLOW": (safetensors(one(
            '"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]')), "expected 2^64 or more"),
        "SIZE_MISMATCH": (safetensors(one('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), b"1234"),
                          "hold 4 bytes, expected 8 for shape (2) of f32"),
        "OFFSETS_REVERSED": (safetensors(one('"dtype":"U8","shape":[4],"data_offsets":[4,0]'), b"1234"),
                             "end before they begin"),
        "OFFSETS_NEGATIVE": (safetensors(one('"dtype":"U8","shape":[4],"data_offsets":[-4,0]'), b"1234"),
                             "found the number -4, expected two data_offsets"),
        "DATA_DECLARED_LARGER_THAN_FILE": (safetensors({"w": entry("U8", [1 << 40], 0, 1 << 40)}, b"1234"),
                                           "pass the end of the data (4 bytes)"),
        "DATA_CUT": (safetensors(one(ok), b"123"), "pass the end of the data (3 bytes)"),
        "DATA_TOO_LONG": (safetensors(one(ok), b"12345"), "end at 4 of the data, but 5 bytes"),
        "DATA_HOLE_AT_START": (safetensors({"w": entry("U8", [3], 1, 4)}, b"1234"), "there is a hole"),
        "DATA_HOLE": (safetensors({"a": entry("U8", [1], 0, 1), "b": entry("U8", [2], 2, 4)}, b"1234"),
                      "tensor 'b' begins at 2 of the data, expected 1, where 'a' ends: there is a hole"),
        "DATA_OVERLAP": (safetensors({"a": entry("U8", [3], 0, 3), "b": entry("U8", [2], 2, 4)}, b"1234"),
                         "there is an overlap"),
        "DATA_EMPTY_INSIDE": (safetensors({"a": entry("U8", [4], 0, 4), "b": entry("U8", [0], 2, 2)}, b"1234"),
                              "there is an overlap"),
    }
    for name, (content, message) in cases.items():
        bad(f"safetensors/{name}.safetensors", content, message)


def make_bad_safetensors_folders():
    shard = safetensors({"w": entry("U8", [1], 0, 1)}, b"1")
    index_name = "model.safetensors.index.json"

    def indexed(weight_map, **files):
        text = weight_map if isinstance(weight_map, str) else json.dumps({"weight_map": weight_map})
        return {index_name: text.encode(), "a.safetensors": shard, **files}
    cases = {
        "FOLDER_PICKLES": ({"pytorch_model.bin": b"PK"}, "holds only PyTorch pickles"),
        "FOLDER_ADAPTER": ({"adapter_model.safetensors": shard}, "holds an adapter"),
        "FOLDER_GGUF": ({"m.gguf": gguf([ARCH])}, "to read 'm.gguf', give its path"),
        "FOLDER_NOTHING": ({"config.json": b"{}"}, "has no .safetensors file"),
        "FOLDER_SEVERAL": ({"a.safetensors": shard, "b.safetensors": shard}, "give the path of the one to read"),
        "FOLDER_SHARD_MISSING": ({"model-00001-of-00002.safetensors": shard},
                                 "lacks 'model-00002-of-00002.safetensors'"),
        "FOLDER_FIRST_SHARD_MISSING": ({"model-00002-of-00002.safetensors": shard},
                                       "lacks 'model-00001-of-00002.safetensors'"),
        "INDEX_LEAVES_FOLDER": (indexed({"w": "../a.safetensors"}), "found '../a.safetensors', expected the name"),
        "INDEX_ABSOLUTE": (indexed({"w": "/etc/passwd"}), "found '/etc/passwd', expected the name"),
        "INDEX_OTHER_ENDING": (indexed({"w": "a.bin"}), "found 'a.bin', expected the name"),
        "INDEX_HIDDEN": (indexed({"w": ".a.safetensors"}), "found '.a.safetensors'"),
        "INDEX_FILE_MISSING": (indexed({"w": "c.safetensors"}), "names 'c.safetensors', which is not in the folder"),
        "INDEX_TENSOR_MISSING": (indexed({"v": "a.safetensors"}), "that file does not have it"),
        "INDEX_TENSOR_ELSEWHERE": (indexed({"w": "b.safetensors", "v": "a.safetensors"}, **{
            "b.safetensors": safetensors({"v": entry("U8", [1], 0, 1)}, b"1")}), "that file does not have it"),
        "INDEX_TENSOR_IN_TWO": (indexed({"w": "a.safetensors", "v": "b.safetensors"}, **{
            "b.safetensors": safetensors({"v": entry("U8", [1], 0, 1), "w": entry("U8", [1], 1, 2)}, b"12")}),
            "the tensor 'w' stands in"),
        "INDEX_NUMBER": (indexed({"w": 1}), "found a number, expected the name of a .safetensors file"),
        "INDEX_TWICE": (indexed('{"weight_map":{"w":"a.safetensors","w":"a.safetensors"}}'),
                        "the tensor 'w' stands twice"),
        "INDEX_NOT_JSON": (indexed("{"), "not valid JSON"),
        "INDEX_ARRAY": (indexed("[]"), "found an array, expected an object with 'weight_map'"),
        "INDEX_MAP_ARRAY": (indexed('{"weight_map":[]}'), "found an array"),
        "INDEX_NO_MAP": (indexed("{}"), "it has no 'weight_map'"),
        "INDEX_DEEP": (indexed('{"metadata":' + "[" * 100 + "]" * 100 + "}"), "nested deeper than 8 levels"),
        "INDEX_SHARD_CUT": (indexed({"w": "a.safetensors", "v": "b.safetensors"}, **{"b.safetensors": shard[:-1]}),
                            "pass the end of the data"),
    }
    for name, (files, message) in cases.items():
        bad(f"safetensors/{name}", files, message)


def imatrix_dat(entries, tail=b"", n=None):
    out = struct.pack("<i", len(entries) if n is None else n)
    for name, calls, values in entries:
        out += struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", calls, len(values))
        out += struct.pack(f"<{len(values)}f", *values)
    return out + tail


def imatrix_gguf(tensors, general_type="imatrix", extra=()):
    """tensors: (name, dims, values)"""
    kvs = [kv("general.type", STR, general_type), kv_array("imatrix.datasets", STR, ["wiki.txt"]),
           kv("imatrix.chunk_count", U32, 9), kv("imatrix.chunk_size", U32, 512), *extra]
    records, data = [], b""
    for name, dims, values in tensors:
        records.append(tensor(name, dims, 0, len(data)))
        raw = struct.pack(f"<{len(values)}f", *values)
        data += raw + b"\0" * (-len(raw) % 32)
    return gguf(kvs, records, data)


def make_imatrix():
    sums, counts = "blk.0.ffn_up_exps.weight.in_sum2", "blk.0.ffn_up_exps.weight.counts"
    good("imatrix/experts.gguf", imatrix_gguf([
        (counts, [1, 2], [4, 0]), (sums, [3, 2], [4, 8, 2, 9, 9, 9])]))
    good("imatrix/legacy.dat", imatrix_dat([("blk.0.attn_q.weight", 2, [2, 4, 0.5]), ("b", 0, [3])],
                                           struct.pack("<ii", 7, 3) + b"txt"))
    good("imatrix/legacy_without_tail.dat", imatrix_dat([("a", 1, [1])]))
    one = ("a", 1, [1.0])
    inf, nan = float("inf"), float("nan")
    cases = {
        "LEGACY_EMPTY": (b"", "the start of an importance matrix at offset 0 needs 4 bytes"),
        "LEGACY_NO_ENTRIES": (imatrix_dat([]), "it declares 0 entries"),
        "LEGACY_COUNT_HUGE": (imatrix_dat([one], n=0x7FFFFFFF), "it declares 2147483647 entries"),
        "LEGACY_COUNT_NEGATIVE": (imatrix_dat([one], n=-1), "the number of entries is -1"),
        "LEGACY_NAME_LONG": (imatrix_dat([("n" * 64, 1, [1.0])]), "a name of 64 bytes, expected 1 to 63"),
        "LEGACY_NAME_NEGATIVE": (struct.pack("<ii", 1, -5) + b"\0" * 32, "the length of a name is -5"),
        "LEGACY_NAME_EMPTY": (imatrix_dat([("", 1, [1.0])]) + b"\0", "a name of 0 bytes"),
        "LEGACY_NAME_PAST_END": (struct.pack("<ii", 1, 60) + b"n" * 20, "a name at offset 8 needs 60 bytes"),
        "LEGACY_CALLS_NEGATIVE": (imatrix_dat([("a", -1, [1.0])]), "'a': the number of calls is -1"),
        "LEGACY_NO_VALUES": (imatrix_dat([("a", 1, [])]) + b"\0" * 4, "'a' has no values"),
        "LEGACY_VALUES_PAST_END": (struct.pack("<ii", 1, 1) + b"a" + struct.pack("<iif", 1, 1 << 29, 1),
                                   "'a': 536870912 values at offset"),
        "LEGACY_INFINITY": (imatrix_dat([("a", 1, [1.0, inf])]), "'a' is inf at index 1"),
        "LEGACY_NEGATIVE": (imatrix_dat([("a", 1, [-1.0])]), "'a' is -1 at index 0"),
        "LEGACY_TWICE": (imatrix_dat([one, one]), "'a' stands twice"),
        "LEGACY_TAIL_CUT": (imatrix_dat([one], struct.pack("<i", 7)), "the length of the dataset's name at offset"),
        "LEGACY_DATASET_PAST_END": (imatrix_dat([one], struct.pack("<ii", 7, 99)), "the dataset's name at offset"),
        "LEGACY_DATASET_HUGE": (imatrix_dat([one], struct.pack("<ii", 7, 1 << 30)), "a dataset name of 1073741824"),
    }
    for name, (content, message) in cases.items():
        bad(f"imatrix/{name}.dat", content, message)
    a, c = "a.in_sum2", "a.counts"
    cases = {
        "GGUF_MODEL": (imatrix_gguf([], "model"), "general.type is 'model', expected 'imatrix'"),
        "GGUF_EMPTY": (imatrix_gguf([]), "no entries, expected tensors"),
        "GGUF_NO_COUNTS": (imatrix_gguf([(a, [2, 1], [1, 2])]), "tensor 'a.in_sum2' has no partner 'a.counts'"),
        "GGUF_COUNTS_SHAPE": (imatrix_gguf([(a, [2, 2], [1, 2, 3, 4]), (c, [1, 1], [1])]),
                              "has 1 counts, expected one for each of 2 matrices"),
        "GGUF_NAN": (imatrix_gguf([(a, [2, 1], [1, nan]), (c, [1, 1], [1])]), "tensor 'a.in_sum2' is nan at index 1"),
        "GGUF_NEGATIVE": (imatrix_gguf([(a, [2, 1], [1, -2]), (c, [1, 1], [1])]), "is -2 at index 1"),
        "GGUF_COUNT_NEGATIVE": (imatrix_gguf([(a, [1, 1], [1]), (c, [1, 1], [-1])]), "tensor 'a.counts' is -1"),
        "GGUF_QUOTIENT_OVERFLOW": (imatrix_gguf([(a, [1, 1], [3e38]), (c, [1, 1], [1e-30])]),
                                   "'a': sum over count is inf"),
        "GGUF_CUT": (imatrix_gguf([(a, [2, 1], [1, 2]), (c, [1, 1], [1])])[:-29], "pass the end of the file"),
    }
    for name, (content, message) in cases.items():
        bad(f"imatrix/{name}.gguf", content, message)
    f16 = gguf([], [tensor(a, [2, 1], 1, 0), tensor(c, [1, 1], 0, 32)], b"\0" * 36)
    bad("imatrix/GGUF_F16.gguf", f16, "tensor 'a.in_sum2' is f16, expected f32")


def main():
    for kind in ("good", "bad"):
        for format_name in ("gguf", "safetensors", "imatrix"):
            shutil.rmtree(ROOT / kind / format_name, ignore_errors=True)
    make_good_gguf()
    make_bad_gguf_headers()
    make_bad_gguf_keys()
    make_bad_gguf_tensors()
    make_bad_gguf_splits()
    make_good_safetensors()
    make_bad_safetensors_headers()
    make_bad_safetensors_tensors()
    make_bad_safetensors_folders()
    make_imatrix()
    lines = [f"{path}\t{message}\n" for path, message in sorted(EXPECTED)]
    (ROOT / "bad" / "EXPECTED.tsv").write_text("".join(lines))
    print(f"{len(EXPECTED)} bad files and folders in {ROOT / 'bad'}")


if __name__ == "__main__":
    main()
