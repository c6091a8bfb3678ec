# SPDX-License-Identifier: Apache-2.0
"""Compares two GGUF files, read by the independent Python package."""

import numpy as np
from gguf import GGUFReader, GGUFValueType


def read(path):
    reader = GGUFReader(path)
    metadata = {
        name: ([GGUFValueType(kind).name for kind in field.types[:2]], field.contents())
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    return metadata, tensors


def first_difference(ours, theirs):
    ours, theirs = (
        np.ascontiguousarray(tensor.data).view(np.uint8).ravel() for tensor in (ours, theirs)
    )
    if ours.size != theirs.size:
        return f"{ours.size} bytes, expected {theirs.size}"
    differing = np.flatnonzero(ours != theirs)
    return (
        f"{differing.size} of {ours.size} bytes, first at {differing[0]}"
        if differing.size
        else None
    )


def differences(our_path, their_path, skip_keys=()):
    """One line for each thing in which the two files are not the same.

    Metadata by type and value, tensors by type and bytes.
    """
    (our_metadata, our_tensors), (their_metadata, their_tensors) = read(our_path), read(their_path)
    lines = []
    for key in sorted((our_metadata.keys() | their_metadata.keys()) - set(skip_keys)):
        ours, theirs = our_metadata.get(key, "absent"), their_metadata.get(key, "absent")
        if ours != theirs:
            lines.append(f"key {key}: {str(ours)[:200]}, expected {str(theirs)[:200]}")
    for name in sorted(our_tensors.keys() | their_tensors.keys()):
        ours, theirs = our_tensors.get(name), their_tensors.get(name)
        if ours is None or theirs is None:
            lines.append(
                f"tensor {name}: {'absent' if ours is None else 'present'}, expected otherwise"
            )
        elif (ours.tensor_type, list(ours.shape)) != (theirs.tensor_type, list(theirs.shape)):
            lines.append(
                f"tensor {name}: {ours.tensor_type.name} {list(ours.shape)}, expected {theirs.tensor_type.name} "
                f"{list(theirs.shape)}"
            )
        elif difference := first_difference(ours, theirs):
            lines.append(f"tensor {name} ({ours.tensor_type.name}): {difference}")
    return lines


def assert_same(our_path, their_path, skip_keys=()):
    lines = differences(our_path, their_path, skip_keys)
    assert not lines, f"{our_path} is not {their_path}:\n" + "\n".join(lines[:40])
