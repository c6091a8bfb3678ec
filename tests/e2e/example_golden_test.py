# SPDX-License-Identifier: Apache-2.0
"""The example model's files hold the tensors that llama.cpp's quantizer made from the same weights.

tests/golden/make_example_golden.py captured them; here nothing but the Python library is needed.
"""

import hashlib
import json
import struct
from pathlib import Path

import harness
from harness import REPOSITORY, EndToEndTest

EXAMPLE = REPOSITORY / "examples/tiny-storyteller"
GOLDEN = REPOSITORY / "tests/golden/example"

# type number: name, elements and bytes of a block
TENSOR_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    20: ("IQ4_NL", 32, 18),
    23: ("IQ4_XS", 256, 136),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9
ALIGNMENT = 32


class GgufReader:
    """Reads numbers and strings one after another; the files are our own, so nothing is doubted."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        self.position = 4

    def number(self, form: str) -> int:
        value = struct.unpack_from("<" + form, self.data, self.position)[0]
        self.position += struct.calcsize(form)
        return value

    def string(self) -> str:
        size = self.number("Q")
        self.position += size
        return self.data[self.position - size : self.position].decode()

    def skip_value(self, kind: int) -> None:
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            element, count = self.number("I"), self.number("Q")
            for _ in range(count):
                self.skip_value(element)
        else:
            self.position += SCALAR_BYTES[kind]

    def tensor_digests(self) -> dict[str, list[str]]:
        """name -> type and the first half of the data's SHA-256."""
        self.number("I")
        tensors, keys = self.number("Q"), self.number("Q")
        for _ in range(keys):
            self.string()
            self.skip_value(self.number("I"))
        infos = []
        for _ in range(tensors):
            name = self.string()
            elems = 1
            for _ in range(self.number("I")):
                elems *= self.number("Q")
            infos.append((name, elems, self.number("I"), self.number("Q")))
        start = -(-self.position // ALIGNMENT) * ALIGNMENT
        digests = {}
        for name, elems, kind, offset in infos:
            type_name, block_elems, block_bytes = TENSOR_TYPES[kind]
            begin = start + offset
            data = self.data[begin : begin + elems // block_elems * block_bytes]
            digests[name] = [type_name, hashlib.sha256(data).hexdigest()[:16]]
        return digests


class ExampleGoldenTest(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.golden = json.loads((GOLDEN / "tensors.json").read_text(encoding="utf-8"))

    def compare(self, expected: dict, *options: str) -> None:
        output = self.folder / "out"
        self.convert_well(EXAMPLE, output, ",".join(expected), *options)
        for kind, tensors in expected.items():
            with self.subTest(type=kind):
                found = GgufReader(output / "gguf" / f"m-{kind.lower()}.gguf").tensor_digests()
                self.assertEqual(found, tensors)

    def test_the_golden_values_are_of_this_model(self) -> None:
        digest = hashlib.sha256((EXAMPLE / "model.safetensors").read_bytes()).hexdigest()
        self.assertEqual(digest, self.golden["model_sha256"])

    def test_every_type_holds_the_tensors_of_llama_cpp(self) -> None:
        self.compare(self.golden["plain"])

    def test_every_type_with_imatrix_holds_the_tensors_of_llama_cpp(self) -> None:
        self.compare(self.golden["imatrix"], "--imatrix", str(GOLDEN / "imatrix.gguf"))


if __name__ == "__main__":
    harness.main()
