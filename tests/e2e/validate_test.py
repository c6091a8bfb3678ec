# SPDX-License-Identifier: Apache-2.0
"""`validate` and `convert --validate` as a user calls them: results, verdicts, interruptions."""

import fcntl
import json
import signal
import subprocess
import time

import harness
from harness import (CANCELLED, CONFLICT, INVALID_ARGUMENT, INVALID_DATA, NO_SPACE, NOT_FOUND,
                     QUALITY_GATE, QUANT, REPOSITORY, EndToEndTest)

EXAMPLE = REPOSITORY / "examples/tiny-storyteller"
TEXT = ("Once upon a time there was a small llama named Lulu. She lived in a little barn by the "
        "river and wore soft blue pajamas with stars. Her best friend was Finn the fox. ")


class ValidateBase(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.text = self.folder / "text.txt"
        self.text.write_text(TEXT * 60)
        self.output = self.folder / "out"

    def validate(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return self.run_quant("validate", "--original", str(EXAMPLE), "--dataset", str(self.text),
                              "--context", "64", "--threads", "1", *arguments, **variables)

    def result_of(self, result: subprocess.CompletedProcess) -> dict:
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)


class ValidateTest(ValidateBase):
    def test_an_artifact_folder_means_all_its_outputs_and_keeps_the_numbers(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q8_0,Q2_K:4bit")
        result = self.validate("--quantized", str(self.output), "--metrics",
                               "perplexity,perplexity-hf,kl")
        self.assertEqual(result.returncode, 0, result.stderr)
        for word in ("Q8_0", "Q2_K", "4bit", "BF16", "perplexity", "KL mean", "same top"):
            self.assertIn(word, result.stdout)
        document = json.loads((self.output / "validation.json").read_text())
        methods = [model["method"] for model in document["quantized"]]
        self.assertEqual(methods, ["Q8_0", "Q2_K", "4bit"])
        manifest = json.loads((self.output / "manifest.json").read_text())
        for entry, model in zip(manifest["formats"], document["quantized"], strict=True):
            self.assertEqual(entry["validation"]["kl_mean"], model["divergence"]["kl"]["mean"])
            self.assertEqual(entry["validation"]["increase_pct"], model["increase_pct"])
        self.assertEqual(manifest["validation"]["corpus"], "text.txt")
        self.assertFalse((self.output / ".pajamas").exists())
        # Another conversion into the folder keeps what was measured of the others.
        self.convert_well(EXAMPLE, self.output, "Q4_0")
        again = json.loads((self.output / "manifest.json").read_text())
        self.assertEqual([entry.get("validation") is not None for entry in again["formats"]],
                         [True, True, True, False])

    def test_tasks_tensors_and_samples_stand_in_table_documents_and_report(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q2_K")
        questions = self.folder / "task" / "test.jsonl"
        questions.parent.mkdir()
        rows = [{"question": f"Who wore pajamas {i}?", "answerKey": "B",
                 "choices": {"text": ["the river", "Lulu"], "label": ["A", "B"]}} for i in range(5)]
        for split in ("test", "train"):
            questions.with_stem(split).write_text("".join(json.dumps(row) + "\n" for row in rows))
        result = self.validate("--quantized", str(self.output), "--metrics",
                               "kl,tensors,samples,arc_easy", "--task-data",
                               f"arc_easy={questions}", "--few-shot", "1")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("arc_easy acc", result.stdout)
        document = json.loads((self.output / "validation.json").read_text())
        quantized = document["quantized"][0]
        score = quantized["tasks"][0]
        self.assertEqual((score["task"], score["questions"], score["few_shot"]), ("arc_easy", 5, 1))
        errors = {tensor["name"]: tensor["relative_mse"] for tensor in quantized["tensors"]}
        self.assertGreater(errors["blk.0.ffn_up.weight"], 0.001)
        self.assertEqual(errors["output_norm.weight"], 0)
        self.assertEqual(len(quantized["samples"]), 4)
        report = (self.output / "report.html").read_text()
        for words in ("Q2_K", "arc_easy", "ffn_up", "<svg"):
            self.assertIn(words, report)
        entry = json.loads((self.output / "manifest.json").read_text())["formats"][0]
        self.assertEqual(entry["validation"]["tasks"]["arc_easy"]["acc"]["value"], score["value"])

    def test_a_model_that_does_not_fit_is_read_layer_by_layer_with_the_same_numbers(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q2_K")
        arguments = ("--quantized", str(self.output), "--json")
        expected = self.result_of(self.validate(*arguments))
        result = self.validate(*arguments, "--max-memory", "14M")
        found = self.result_of(result)
        self.assertIn("no sample texts", result.stderr)
        self.assertNotIn("samples", found["quantized"][0])
        self.assertIn("tiny-storyteller does not fit in memory; its layers are read", result.stderr)
        for key in ("perplexity", "divergence"):
            self.assertEqual(found["quantized"][0][key], expected["quantized"][0][key])
        self.assertEqual(found["original"]["perplexity"], expected["original"]["perplexity"])
        self.assert_refused(self.validate(*arguments, "--max-memory", "1M"), NO_SPACE,
                            "even layer by layer")

    def test_samples_need_both_models_in_memory(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q2_K")
        streamed = set()
        for megabytes in range(12, 21, 2):
            result = self.validate("--quantized", str(self.output), "--json", "--max-memory",
                                   f"{megabytes}M")
            found = self.result_of(result)
            names = tuple(name for name in ("tiny-storyteller", "m-q2_k")
                          if f"{name} does not fit" in result.stderr)
            streamed.add(names)
            self.assertEqual("samples" in found["quantized"][0], not names)
        # The one between is the usual one: an original too large for the machine.
        self.assertLessEqual({(), ("tiny-storyteller",)}, streamed)

    def test_a_task_without_its_questions_says_how_to_give_them(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q2_K")
        quantized = ("--quantized", str(self.output), "--metrics", "mmlu")
        self.assert_refused(self.validate(*quantized), INVALID_ARGUMENT, "--task-data mmlu=PATH")
        self.assert_refused(self.validate(*quantized, "--task-data", "mmlu=nowhere"), NOT_FOUND,
                            "nowhere")
        self.assert_refused(self.validate("--quantized", str(self.output), "--task-data", "mmlu=x"),
                            INVALID_ARGUMENT, "for none of --metrics")

    def test_rows_of_a_data_set_are_a_text(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q2_K")
        rows = self.folder / "rows.jsonl"
        rows.write_text("".join(json.dumps({"story": TEXT}) + "\n" for _ in range(40)))
        arguments = ("--original", str(EXAMPLE), "--quantized", str(self.output), "--dataset",
                     str(rows), "--context", "64", "--json")
        self.assertIn("'text'", self.run_quant("validate", *arguments).stderr)
        result = self.result_of(self.run_quant("validate", *arguments, "--dataset-field", "story"))
        self.assertEqual(result["corpus"]["name"], "rows.jsonl")

    def test_convert_validates_what_it_wrote(self) -> None:
        result = self.convert(EXAMPLE, self.output, "Q8_0,Q3_K_M", "--validate", "--dataset",
                              str(self.text), "--json", "--max-kl", "0.000001")
        self.assertEqual(result.returncode, QUALITY_GATE, result.stderr)
        validation = json.loads(result.stdout)["validation"]
        self.assertFalse(validation["passed"])
        self.assertEqual(len(validation["quantized"]), 2)
        self.assertIn("m-q3_k_m.gguf: the mean KL divergence is", result.stderr)
        manifest = json.loads((self.output / "manifest.json").read_text())
        self.assertIsNotNone(manifest["formats"][0]["validation"]["perplexity_original"])

    def test_limits_decide_the_exit_code(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q8_0,Q2_K")
        loose = ("--quantized", str(self.output), "--max-kl", "10", "--max-ppl-increase", "1000",
                 "--min-agreement", "0.1")
        self.assertTrue(self.result_of(self.validate(*loose, "--json"))["passed"])
        for limit, value, words in (("--max-kl", "0.0000001", "mean KL divergence"),
                                    ("--max-ppl-increase", "0", "% over the original's"),
                                    ("--min-agreement", "1", "most likely token")):
            result = self.validate("--quantized", str(self.output / "gguf/m-q2_k.gguf"), limit,
                                   value)
            self.assert_refused(result, QUALITY_GATE, "m-q2_k.gguf", words)
            self.assertIn("Q2_K", result.stdout)
        self.assert_refused(self.validate("--quantized", str(self.output), "--metrics",
                                          "perplexity", "--max-kl", "1"),
                            INVALID_ARGUMENT, "metric kl")

    def test_what_cannot_be_measured_is_an_error_that_says_why(self) -> None:
        self.convert_well(EXAMPLE, self.output, "Q8_0")
        file = str(self.output / "gguf/m-q8_0.gguf")
        damaged = self.folder / "damaged.logits"
        damaged.write_bytes(b"PJLOGIT1" + b"\xff" * 100)
        for arguments, code, word in (
                (("--quantized", str(self.folder / "none")), NOT_FOUND, "not there"),
                ((), INVALID_ARGUMENT, "--quantized"),
                (("--quantized", file, "--metrics", "speed"), INVALID_ARGUMENT, "'speed'"),
                (("--quantized", file, "--metrics", "perplexity-hf", "--stride", "65"),
                 INVALID_ARGUMENT, "--stride is 65"),
                (("--quantized", file, "--logits", str(damaged)), INVALID_DATA, "damaged.logits")):
            self.assert_refused(self.validate(*arguments), code, word)
        alone = self.run_quant("validate", "--quantized", file, "--dataset", str(self.text))
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assert_refused(self.run_quant("validate", "--quantized", file, "--metrics", "kl"),
                            INVALID_ARGUMENT, "--original")


class ResumeTest(ValidateBase):
    """What was measured before a kill is not measured again, and the numbers are the same."""

    def setUp(self) -> None:
        super().setUp()
        self.convert_well(EXAMPLE, self.output, "Q8_0,Q2_K")
        self.work = self.output / ".pajamas/validate"
        self.arguments = ["--quantized", str(self.output), "--metrics", "perplexity,kl",
                          "--checkpoint-seconds", "0"]
        # Slow kernels, so that a kill comes between two windows.
        self.slow = {"PAJAMAS_CPU": "generic"}

    def journal_lines(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in self.work.glob("*.jsonl"))

    def interrupt_after(self, lines: int, number: int) -> subprocess.CompletedProcess:
        command = [str(QUANT), "validate", "--original", str(EXAMPLE), "--dataset",
                   str(self.text), "--context", "64", "--threads", "1", *self.arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=self.environment(**self.slow))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if self.work.exists() and self.journal_lines() >= lines:
                break
            time.sleep(0.002)
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    @staticmethod
    def numbers(document: dict) -> list:
        return [(model["perplexity"], model.get("divergence"))
                for model in (document["original"], *document["quantized"])]

    def test_a_killed_validation_goes_on_and_gives_the_same(self) -> None:
        expected = self.numbers(
            self.result_of(self.validate(*self.arguments, "--json", **self.slow)))
        for lines in (5, 40, 80):
            result = self.interrupt_after(lines, signal.SIGKILL)
            self.assertEqual(result.returncode, -signal.SIGKILL, result.stderr)
        before = self.journal_lines()
        self.assertGreaterEqual(before, 80)
        resumed = self.validate(*self.arguments, "--json", **self.slow)
        self.assertEqual(self.numbers(self.result_of(resumed)), expected)
        self.assertFalse((self.output / ".pajamas").exists())

    def test_ctrl_c_says_how_to_go_on(self) -> None:
        result = self.interrupt_after(5, signal.SIGINT)
        self.assertEqual(result.returncode, CANCELLED, result.stderr)
        self.assertIn("run the same command again", result.stderr)
        self.assertIn(str(self.work), result.stderr)
        self.assertFalse((self.output / "validation.json").exists())
        self.assertGreaterEqual(self.journal_lines(), 5)

    def test_a_second_process_on_the_same_folder_is_refused(self) -> None:
        self.work.mkdir(parents=True)
        with (self.work / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assert_refused(self.validate(*self.arguments), CONFLICT, "another process")


if __name__ == "__main__":
    harness.main()
