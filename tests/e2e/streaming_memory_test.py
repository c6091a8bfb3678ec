# SPDX-License-Identifier: Apache-2.0
"""A model is run in less memory than its weights take, when they are read layer by layer. The weights
are a hole in the file that reads as zeros."""

import os
import subprocess
import unittest

import harness
from harness import BIN_DIR, NO_SPACE, EndToEndTest, Shape, write_model

DRIVER = BIN_DIR / "logits_driver"
MEGABYTE = 1_000_000
# 1.1 GB of BF16: 34 MB outside the layers, 9 layers of 122 MB.
SHAPE = Shape(hidden=2048, ffn=8192, layers=9, heads=32, kv_heads=8, vocab=8192)


@unittest.skipUnless(DRIVER.exists(), "logits_driver is not built")
class StreamingMemoryTest(EndToEndTest):
    def peak_rss_bytes(self, *options: str) -> tuple[int, int]:
        """The exit code, and the largest resident set."""
        model = self.folder / "model"
        if not model.exists():
            write_model(model, SHAPE, seed=None)
        tokens = self.folder / "tokens"
        tokens.write_text("1 2 3 4")  # a file: a program that refuses the model closes its input
        process = subprocess.Popen(
            [str(DRIVER), str(model), "--threads", "1", "--context", "128", "--micro-batch", "16",
             *options],
            stdin=tokens.open(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_maxrss * 1024

    def test_streamed_layers_take_the_memory_of_two(self) -> None:
        code, peak = self.peak_rss_bytes("--stream", "on")
        self.assertEqual(code, 0)
        self.assertLess(peak, 400 * MEGABYTE)

    def test_the_limit_decides_whether_layers_are_streamed_and_how_many_stay(self) -> None:
        code, peak = self.peak_rss_bytes("--stream", "auto", "--memory", str(250 * MEGABYTE))
        self.assertEqual(code, 0)
        self.assertLess(peak, 250 * MEGABYTE)
        self.assertEqual(self.peak_rss_bytes("--stream", "auto", "--memory", "100000000")[0],
                         NO_SPACE)
        self.assertEqual(self.peak_rss_bytes("--memory", str(250 * MEGABYTE))[0], NO_SPACE)


if __name__ == "__main__":
    harness.main()
