# SPDX-License-Identifier: Apache-2.0
"""The same bytes for every thread count and every instruction set."""

from pathlib import Path

import harness
from harness import INVALID_ARGUMENT, EndToEndTest, Shape, write_model

TYPES = "Q2_K,Q3_K_M,Q4_K_M,Q5_K_M,Q6_K,Q4_0,Q8_0,IQ4_NL,IQ4_XS:mixed_3_6"
CPU_FLAGS = {"avx2": "avx2", "avx512": "avx512vl"}


def runnable_tables() -> list[str]:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return ["generic"] + [name for name, flag in CPU_FLAGS.items() if flag in flags]


class DeterminismTest(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = write_model(self.folder / "model", Shape(layers=3, vocab=600))
        self.reference = self.convert_well(self.model, self.folder / "reference", TYPES,
                                           "--threads", "2")

    def test_thread_counts_do_not_change_a_byte(self) -> None:
        for threads in ("1", "7"):
            files = self.convert_well(self.model, self.folder / f"t{threads}", TYPES,
                                      "--threads", threads)
            self.assertEqual(files, self.reference, f"{threads} threads")

    def test_instruction_sets_do_not_change_a_byte(self) -> None:
        for table in runnable_tables():
            files = self.convert_well(self.model, self.folder / table, TYPES, PAJAMAS_CPU=table)
            self.assertEqual(files, self.reference, table)

    def test_little_memory_does_not_change_a_byte(self) -> None:
        files = self.convert_well(self.model, self.folder / "small", TYPES, "--threads", "1",
                                  "--max-memory", "80M")
        self.assertEqual(files, self.reference)

    def test_an_unknown_instruction_set_is_an_argument_error(self) -> None:
        result = self.convert(self.model, self.folder / "x", "Q8_0", PAJAMAS_CPU="sse9")
        self.assert_refused(result, INVALID_ARGUMENT, "sse9")


if __name__ == "__main__":
    harness.main()
