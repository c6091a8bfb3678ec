# SPDX-License-Identifier: Apache-2.0
"""A run that is killed or interrupted leaves nothing half-made, and the same command finishes it."""

import json
import random
import signal
import subprocess
import time

import harness
from harness import (CANCELLED, CONFLICT, MEDIUM, EndToEndTest, Shape, final_files,
                     published_files, write_model)

TYPES = "Q4_K_M,Q6_K,Q8_0:4bit"
KILLS = 25


class CrashTest(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = write_model(self.folder / "model", MEDIUM)
        started = time.monotonic()
        self.reference = self.convert_well(self.model, self.folder / "reference", TYPES)
        self.run_seconds = time.monotonic() - started
        self.output = self.folder / "out"
        self.command = self.convert_command(self.model, self.output, TYPES)

    def start(self, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=self.environment(**environment))

    def interrupt_after(self, seconds: float, number: int) -> subprocess.CompletedProcess:
        process = self.start()
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(self.command, process.returncode, output, errors)

    def start_working(self) -> subprocess.Popen:
        """A run from the start that is at work, and slow enough to stay there for a while."""
        subprocess.run(["rm", "-rf", str(self.output)], check=True)
        process = self.start(PAJAMAS_CPU="generic")
        deadline = time.monotonic() + 60
        while not (self.output / ".pajamas/journal").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        return process

    def interrupt_at_work(self, number: int) -> subprocess.CompletedProcess:
        process = self.start_working()
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(self.command, process.returncode, output, errors)

    def assert_only_whole_files(self) -> None:
        """What stands under a final name is what the undisturbed run made."""
        for place, digest in published_files(self.output).items():
            self.assertEqual(digest, self.reference[place], place)
        if (self.output / "manifest.json").exists():
            self.assertEqual(published_files(self.output), self.reference)

    def test_kill_at_any_point_then_the_same_command_gives_the_same_bytes(self) -> None:
        generator = random.Random(5)
        killed = 0
        window = self.run_seconds
        for _ in range(4 * KILLS):
            result = self.interrupt_after(generator.uniform(0, window), signal.SIGKILL)
            self.assertIn(result.returncode, (0, -signal.SIGKILL), result.stderr)
            self.assert_only_whole_files()
            if result.returncode == 0:
                self.assertEqual(published_files(self.output), self.reference)
                self.assertFalse((self.output / ".pajamas").exists())
                subprocess.run(["rm", "-rf", str(self.output)], check=True)
                window *= 0.8  # the machine has become faster than it was
            else:
                killed += 1
            if killed == KILLS:
                break
        self.assertGreater(killed, KILLS // 3)
        self.assertEqual(self.convert_well(self.model, self.output, TYPES), self.reference)
        self.assertFalse((self.output / ".pajamas").exists())

    def test_ctrl_c_says_how_to_resume_and_leaves_no_final_file(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                result = self.interrupt_at_work(number)
                self.assertEqual(result.returncode, CANCELLED, result.stderr)
                self.assertIn("same command", result.stderr)
                self.assertEqual(final_files(self.output), {})
        self.assertEqual(self.convert_well(self.model, self.output, TYPES), self.reference)

    def test_other_settings_after_a_kill_start_anew(self) -> None:
        self.interrupt_at_work(signal.SIGKILL)
        other = self.convert_well(self.model, self.output, "Q8_0")
        self.assertEqual(other, {"gguf/m-q8_0.gguf": self.reference["gguf/m-q8_0.gguf"]})

    def test_a_second_process_on_the_same_folder_is_refused(self) -> None:
        first = self.start_working()
        try:
            first.send_signal(signal.SIGSTOP)
            second = self.convert(self.model, self.output, TYPES)
        finally:
            first.send_signal(signal.SIGCONT)
            first.communicate(timeout=60)
        self.assert_refused(second, CONFLICT, "another process")
        self.assertEqual(published_files(self.output), self.reference)


RESUMED = "Q4_K_M:mixed_3_6"
# Many small tensors, so that a journal fills up step by step.
DEEP = Shape(hidden=512, ffn=1536, layers=8, heads=8, kv_heads=4, vocab=512)


class ResumeTest(EndToEndTest):
    """What the journal says is done is not done again, and nothing else is trusted."""

    def setUp(self) -> None:
        super().setUp()
        self.model = write_model(self.folder / "model", DEEP)
        self.reference = self.convert_well(self.model, self.folder / "reference", RESUMED)
        self.output = self.folder / "out"
        self.journal = self.output / ".pajamas/journal"
        # One slow thread and frequent checkpoints, so that the kill comes between two of them.
        self.options = ("--threads", "1", "--checkpoint-seconds", "0")
        self.kill_after_a_checkpoint()

    def kill_after_a_checkpoint(self) -> None:
        process = subprocess.Popen(
            self.convert_command(self.model, self.output, RESUMED, *self.options),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=self.environment(PAJAMAS_CPU="generic"))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            # The first line is the plan's fingerprint, then comes one for each finished tensor.
            if self.journal.exists() and self.journal.read_bytes().count(b"\n") > 3:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL, "ended before its first checkpoint")

    def resume(self) -> int:
        """Runs the same command to the end; how many tensors it did not do again."""
        result = self.convert(self.model, self.output, RESUMED, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(published_files(self.output), self.reference)
        return json.loads(result.stdout)["resumed_tensors"]

    def test_finished_tensors_are_kept(self) -> None:
        self.assertGreater(self.resume(), 2)

    def test_a_journal_line_that_was_cut_short_is_ignored(self) -> None:
        with self.journal.open("ab") as file:
            file.write(b'{"tensor": 7, "sta')
        self.assertGreater(self.resume(), 2)

    def test_without_the_partial_file_nothing_in_the_journal_counts(self) -> None:
        for path in (self.output / ".pajamas").rglob("*.gguf"):
            path.unlink()
        for path in (self.output / ".pajamas").rglob("*.safetensors"):
            path.unlink()
        self.assertEqual(self.resume(), 0)

    def test_a_source_that_changed_starts_anew(self) -> None:
        weights = self.model / "model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 0x80
        weights.write_bytes(content)
        self.reference = self.convert_well(self.model, self.folder / "changed", RESUMED)
        self.assertEqual(self.resume(), 0)


if __name__ == "__main__":
    harness.main()
