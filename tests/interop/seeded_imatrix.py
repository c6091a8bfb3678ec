# SPDX-License-Identifier: Apache-2.0
"""Importance matrix files from a seed, in the GGUF form."""

import gguf
import numpy as np

CHUNKS = 12
DATASET = "seeded.txt"


def write_imatrix(path, model, left_out=()):
    """Writes seeded sums for each matrix inside the layers of a GGUF model; of several experts the
    second was never reached.

    Answers the keys that llama-quantize, the program, adds to a file made with this matrix.
    """
    random = np.random.default_rng(5)
    writer = gguf.GGUFWriter(path, "")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", [DATASET])
    writer.add_uint32("imatrix.chunk_count", CHUNKS)
    writer.add_uint32("imatrix.chunk_size", 512)
    entries = 0
    for tensor in sorted(gguf.GGUFReader(model).tensors, key=lambda tensor: tensor.name):
        shape = [int(size) for size in tensor.shape]
        if not tensor.name.startswith("blk.") or len(shape) < 2 or tensor.name in left_out:
            continue
        matrices = shape[2] if len(shape) > 2 else 1
        counts = random.integers(100, 5000, (matrices, 1)).astype(np.float32)
        if matrices > 1:
            counts[1] = 0
        sums = (random.gamma(0.7, 1.0, (matrices, shape[0])) * counts).astype(np.float32)
        writer.add_tensor(tensor.name + ".in_sum2", sums)
        writer.add_tensor(tensor.name + ".counts", counts)
        entries += 1
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return [
        ["quantize.imatrix.file", "str", str(path)],
        ["quantize.imatrix.dataset", "str", DATASET],
        ["quantize.imatrix.entries_count", "int", entries],
        ["quantize.imatrix.chunks_count", "int", CHUNKS],
    ]
