# SPDX-License-Identifier: Apache-2.0
"""A disk that is too small is told before the first write, and a disk that fills up on the way
leaves nothing but the journal. Needs the right to mount a tmpfs; skipped without."""

import os
import re
import signal
import subprocess
import time

import harness
from harness import MEDIUM, NO_SPACE, EndToEndTest, final_files, write_model

DISK_BYTES = 16 << 20
TYPES = "Q8_0:8bit"


class DiskFullTest(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self.disk)],
            capture_output=True, text=True, check=False,
        )
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a small disk: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False)
        self.model = write_model(self.folder / "model", MEDIUM)
        self.output = self.disk / "out"

    def unfinished_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.output.rglob("*") if path.is_file())

    def test_too_small_a_disk_is_told_with_needed_and_free_bytes(self) -> None:
        result = self.convert(self.model, self.output, TYPES)
        self.assert_refused(result, NO_SPACE, "free")
        needed, free = (int(n) for n in re.findall(r"\((\d+) bytes\)", result.stderr)[:2])
        self.assertGreater(needed, 30 << 20)
        self.assertLessEqual(free, DISK_BYTES)
        self.assertEqual(final_files(self.output), {})
        self.assertLess(self.unfinished_bytes(), 64 << 10)

    def test_the_same_command_works_once_there_is_space(self) -> None:
        self.assertEqual(self.convert(self.model, self.output, TYPES).returncode, NO_SPACE)
        subprocess.run(["mount", "-o", "remount,size=256m", str(self.disk)], check=True)
        expected = self.convert_well(self.model, self.folder / "reference", TYPES)
        self.assertEqual(self.convert_well(self.model, self.output, TYPES), expected)

    def test_a_disk_that_fills_up_after_a_kill_leaves_only_the_journal(self) -> None:
        subprocess.run(["mount", "-o", "remount,size=64m", str(self.disk)], check=True)
        process = subprocess.Popen(self.convert_command(self.model, self.output, "Q8_0"),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not list(self.output.rglob("*.gguf")):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        # Another program takes what was left.
        filler = self.disk / "filler"
        for path in self.output.rglob("*.gguf"):
            path.unlink()
        free = os.statvfs(self.disk)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - (8 << 20))
        self.assert_refused(self.convert(self.model, self.output, "Q8_0"), NO_SPACE, "free")
        self.assertEqual(final_files(self.output), {})
        self.assertLess(self.unfinished_bytes(), 64 << 10)


if __name__ == "__main__":
    harness.main()
