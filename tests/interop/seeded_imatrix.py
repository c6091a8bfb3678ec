# SPDX-License-Identifier: Apache-2.0
"""Importance matrix files from a seed, in both forms."""

import struct

import gguf
import numpy as np

CHUNKS = 12
DATASET = "seeded.txt"


def seeded_entries(model, left_out):
    """(name, sums, counts) of each matrix inside the layers; of several experts the second was
    never reached."""
    random = np.random.default_rng(5)
    for tensor in sorted(gguf.GGUFReader(model).tensors, key=lambda tensor: tensor.name):
        shape = [int(size) for size in tensor.shape]
        if not tensor.name.startswith("blk.") or len(shape) < 2 or tensor.name in left_out:
            continue
        matrices = shape[2] if len(shape) > 2 else 1
        counts = random.integers(100, 5000, (matrices, 1)).astype(np.float32)
        if matrices > 1:
            counts[1] = 0
        sums = (random.gamma(0.7, 1.0, (matrices, shape[0])) * counts).astype(np.float32)
        yield tensor.name, sums, counts


def added_keys(path, entries):
    """The keys that llama-quantize, the program, adds to a file made with the matrix."""
    return [
        ["quantize.imatrix.file", "str", str(path)],
        ["quantize.imatrix.dataset", "str", DATASET],
        ["quantize.imatrix.entries_count", "int", entries],
        ["quantize.imatrix.chunks_count", "int", CHUNKS],
    ]


def write_imatrix(path, model, left_out=()):
    """Writes a matrix in the GGUF form for a GGUF model; answers added_keys."""
    writer = gguf.GGUFWriter(path, "")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", [DATASET])
    writer.add_uint32("imatrix.chunk_count", CHUNKS)
    writer.add_uint32("imatrix.chunk_size", 512)
    entries = 0
    for name, sums, counts in seeded_entries(model, left_out):
        writer.add_tensor(name + ".in_sum2", sums)
        writer.add_tensor(name + ".counts", counts)
        entries += 1
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return added_keys(path, entries)


def write_legacy_imatrix(path, model):
    """Writes a matrix in the older .dat form; answers added_keys.

    i32 entries; each: i32 bytes of the name, name, i32 calls, i32 values, f32 values that are means
    times calls; then i32 chunks, i32 bytes of the data set's name, that name.
    """
    blocks = []
    for name, sums, counts in seeded_entries(model, ()):
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.float32(1))
        values = (means * np.float32(CHUNKS)).astype("<f4")
        head = struct.pack(f"<i{len(name)}sii", len(name), name.encode(), CHUNKS, values.size)
        blocks.append(head + values.tobytes())
    tail = struct.pack(f"<ii{len(DATASET)}s", CHUNKS, len(DATASET), DATASET.encode())
    path.write_bytes(struct.pack("<i", len(blocks)) + b"".join(blocks) + tail)
    return added_keys(path, len(blocks))
