# SPDX-License-Identifier: Apache-2.0
"""Memory does not grow with the model. The weights are a hole in the file that reads as zeros, so
that a model of a gigabyte costs neither disk nor much time."""

import os
import subprocess

import harness
from harness import EndToEndTest, Shape, write_model

# 0.5 and 1.1 GB of BF16.
SMALLER = Shape(hidden=2048, ffn=8192, layers=4, heads=32, kv_heads=8, vocab=8192)
LARGER = Shape(hidden=2048, ffn=8192, layers=9, heads=32, kv_heads=8, vocab=8192)
MEGABYTE = 1_000_000


class MemoryTest(EndToEndTest):
    def peak_rss_bytes(self, name: str, shape: Shape, *options: str) -> int:
        model = write_model(self.folder / name, shape, seed=None)
        command = self.convert_command(model, self.folder / f"{name}-out", "Q4_K_M:4bit", "--threads",
                                       "2", *options)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024

    def test_a_model_of_twice_the_size_needs_no_more_memory(self) -> None:
        smaller = self.peak_rss_bytes("smaller", SMALLER)
        larger = self.peak_rss_bytes("larger", LARGER)
        self.assertLess(larger, smaller + 32 * MEGABYTE)
        self.assertLess(larger, 600 * MEGABYTE)

    def test_the_limit_the_user_sets_holds(self) -> None:
        limit = 96
        peak = self.peak_rss_bytes("limited", SMALLER, "--max-memory", f"{limit}M")
        self.assertLess(peak, limit * MEGABYTE)


if __name__ == "__main__":
    harness.main()
