# SPDX-License-Identifier: Apache-2.0
"""llama-pajamas-run as a user meets it: texts, pipes, a terminal, and what goes wrong."""

import json
import os
import pty
import select
import signal
import struct
import subprocess
import time
from pathlib import Path

import harness
from harness import (BIN_DIR, INVALID_ARGUMENT, INVALID_DATA, NO_SPACE, NOT_FOUND, REPOSITORY,
                     UNSUPPORTED, EndToEndTest, write_model)

RUN = BIN_DIR / "llama-pajamas-run"
EXAMPLE = REPOSITORY / "examples/tiny-storyteller"
GOLDEN = json.loads((REPOSITORY / "tests/golden/example/greedy.json").read_text())
WAIT_S = 60  # for anything a terminal should show; passes in a blink


class RunTest(EndToEndTest):
    def run_program(self, *arguments: str, stdin: str = "",
                    **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(RUN), *arguments], input=stdin, capture_output=True, text=True,
                              timeout=120, env=self.environment(**variables), check=False)

    def generate(self, *arguments: str, stdin: str = "") -> dict:
        result = self.run_program("generate", str(EXAMPLE), "--json", "--temperature", "0",
                                  *arguments, stdin=stdin)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_generation_is_that_of_llama_cpp_from_a_flag_a_file_and_a_pipe(self) -> None:
        prompt, answer = GOLDEN["prompts"][0], GOLDEN["answers"]["F32"][0]
        count = str(len(answer["ids"]))
        file = self.folder / "prompt.txt"
        file.write_text(prompt)
        for arguments, stdin in ((["--prompt", prompt], ""), (["--file", str(file)], ""),
                                 ([], prompt)):
            made = self.generate("--max-tokens", count, *arguments, stdin=stdin)
            self.assertEqual(made["text"], answer["text"])
            self.assertEqual(made["finish_reason"], "max_tokens")

    def test_plain_output_is_prompt_and_text_and_nothing_else(self) -> None:
        result = self.run_program("generate", str(EXAMPLE), "-p", "Once upon a time", "-n", "5",
                                  "--temperature", "0")
        self.assertEqual(result.stdout, "Once upon a time there was a small llama\n", result.stderr)
        self.assertIn("5 tokens", result.stderr)

    def test_a_schema_makes_json(self) -> None:
        schema = '{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}'
        made = self.generate("--prompt", "The llama", "--json-schema", schema)
        self.assertIn(json.loads(made["text"])["ok"], (True, False))

    def test_an_artifact_folder_gives_its_best_file_or_the_one_that_is_named(self) -> None:
        output = self.folder / "out"
        self.convert_well(EXAMPLE, output, "Q4_K_M,Q8_0")
        for options, expected in (([], "m-q8_0"), (["--gguf-type", "q4_k_m"], "m-q4_k_m")):
            result = self.run_program("info", str(output), "--json", *options)
            self.assertEqual(json.loads(result.stdout)["name"], expected)
        result = self.run_program("info", str(output), "--gguf-type", "Q2_K")
        self.assert_refused(result, NOT_FOUND, "Q2_K", "Q4_K_M", "Q8_0")

    def test_an_mlx_folder_tells_the_story_of_its_weights_in_f32(self) -> None:
        for precision in ("4bit", "mxfp8"):
            output, again = self.folder / precision, self.folder / f"{precision}-again"
            self.convert_well(EXAMPLE, output, f"Q8_0:{precision}")
            self.convert_well(output / "mlx", again, "F32", "--allow-requantize")
            texts = set()
            for model, table in ((again / "gguf/m-f32.gguf", "generic"),
                                 (output / "mlx", "generic"), (output / "mlx", "")):
                result = self.run_program("generate", str(model), "-p", "Once upon a time", "-n",
                                          "24", "--temperature", "0", "-q", PAJAMAS_CPU=table)
                self.assertEqual(result.returncode, 0, result.stderr)
                texts.add(result.stdout)
            self.assertEqual(len(texts), 1, texts)

    def test_without_its_library_a_backend_says_how_to_make_it(self) -> None:
        result = self.run_program("generate", str(EXAMPLE), "-p", "x", "--backend", "mlx",
                                  PAJAMAS_MLX_BACKEND=str(self.folder / "none.so"))
        self.assert_refused(result, UNSUPPORTED, "make mlx-backend", "--backend cpu")

    def test_every_kernel_table_tells_the_same_story(self) -> None:
        texts = set()
        for table in ("generic", ""):
            result = self.run_program("generate", str(EXAMPLE), "-p", "Once upon a time", "-n", "24",
                                      "--temperature", "0", "-q", PAJAMAS_CPU=table)
            self.assertEqual(result.returncode, 0, result.stderr)
            texts.add(result.stdout)
        self.assertEqual(len(texts), 1, texts)

    def test_what_is_wrong_is_said_with_what_to_do(self) -> None:
        (self.folder / "text.txt").write_text("not a model")
        (self.folder / "bad.gguf").write_bytes(b"GGUF" + struct.pack("<I", 3) + b"\xff" * 40)
        model = str(EXAMPLE)
        for arguments, code, words in (
            (["generate", str(self.folder / "none.gguf"), "-p", "x"], NOT_FOUND, ["none.gguf"]),
            (["generate", str(self.folder / "text.txt"), "-p", "x"], UNSUPPORTED, ["text.txt"]),
            (["generate", str(self.folder / "bad.gguf"), "-p", "x"], INVALID_DATA, ["bad.gguf"]),
            (["generate", model, "-p", "x", "--backend", "cuda"], UNSUPPORTED, ["cuda", "llama.cpp"]),
            (["generate", model, "-p", "x", "--kv-type", "q9"], INVALID_ARGUMENT, ["q9", "q8_0"]),
            (["generate", model, "-p", "x", "--max-memory", "1M"], NO_SPACE, ["MB"]),
            (["generate", model, "-p", "x", "--top-p", "7"], INVALID_ARGUMENT, ["top_p", "7"]),
            (["generate", model, "-p", "x", "--logit-bias", "a"], INVALID_ARGUMENT, ["ID=BIAS"]),
            (["generate", model, "-p", "x y " * 400], INVALID_ARGUMENT, ["--context"]),
        ):
            with self.subTest(arguments=arguments):
                self.assert_refused(self.run_program(*arguments), code, *words)

    def test_a_model_without_a_chat_template_says_what_to_use(self) -> None:
        model = write_model(self.folder / "model")
        result = self.run_program("chat", str(model), stdin="hello\n")
        self.assert_refused(result, UNSUPPORTED, "no chat template", "generate")

    def test_embeddings_come_one_a_line_and_have_length_one(self) -> None:
        result = self.run_program("embed", str(EXAMPLE), stdin="one\ntwo words\n")
        vectors = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(len(vectors), 2, result.stderr)
        for vector in vectors:
            self.assertAlmostEqual(sum(value * value for value in vector), 1.0, places=4)

    def test_benchmark_reports_speed_and_limits(self) -> None:
        result = self.run_program("benchmark", str(EXAMPLE), "--prompt-tokens", "16",
                                  "--generated-tokens", "4", "--json", "-q")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads(result.stdout)
        for key in ("prompt_tokens_per_second", "generated_tokens_per_second",
                    "read_gb_per_second"):
            self.assertGreater(report[key], 0, key)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *command: str):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv(command[0], command)
        self.seen = ""

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def wait_for(self, text: str) -> str:
        """What was shown up to and with `text`; later calls see what follows."""
        deadline = time.monotonic() + WAIT_S
        while text not in self.seen:
            if time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            ready, _, _ = select.select([self.fd], [], [], 0.5)
            if not ready:
                continue
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"ended before {text!r}: {self.seen!r}")
            self.seen += data.decode(errors="replace")
        end = self.seen.index(text) + len(text)
        shown, self.seen = self.seen[:end], self.seen[end:]
        return shown

    def exit_code(self) -> int:
        while True:  # what is left to show must be read, or the program waits
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class ChatTest(EndToEndTest):
    def chat(self, *arguments: str) -> Terminal:
        terminal = Terminal(str(RUN), "chat", str(EXAMPLE), "--temperature", "0", *arguments)
        terminal.wait_for("> ")
        return terminal

    def test_a_conversation_is_held_saved_undone_and_left(self) -> None:
        saved = self.folder / "talk.json"
        terminal = self.chat("-n", "12", "--system", "You tell stories.")
        terminal.send("Tell me a story\n")
        terminal.wait_for("tokens/s")
        terminal.send(f"/save {saved}\n")
        terminal.wait_for("Saved 3 messages")
        messages = json.loads(saved.read_text())
        self.assertEqual([m["role"] for m in messages], ["system", "user", "assistant"])
        self.assertEqual(messages[1]["content"], "Tell me a story")
        self.assertTrue(messages[2]["content"])
        terminal.send("/undo\n")
        terminal.wait_for("1 messages are left")
        terminal.send("/reset\n")
        terminal.wait_for("forgotten")
        terminal.send("/nonsense\n")
        terminal.wait_for("/help lists them")
        terminal.send("/exit\n")
        self.assertEqual(terminal.exit_code(), 0)

    def test_ctrl_c_stops_the_answer_and_not_the_program(self) -> None:
        terminal = self.chat("--ignore-eos", "--context", "400", "--context-shift")
        terminal.send("Tell me a story\n")
        terminal.wait_for("llama")
        os.kill(terminal.pid, signal.SIGINT)
        terminal.wait_for("> ")
        terminal.send("/undo\n")  # what was said so far counts as the answer
        terminal.wait_for("0 messages are left")
        terminal.send("\x04")
        self.assertEqual(terminal.exit_code(), 0)

    def test_ctrl_c_at_the_prompt_says_how_to_leave(self) -> None:
        terminal = self.chat()
        os.kill(terminal.pid, signal.SIGINT)
        terminal.wait_for("Ctrl-D leaves")
        terminal.send("\x04")
        self.assertEqual(terminal.exit_code(), 0)

    def test_pasted_and_continued_lines_are_one_message(self) -> None:
        saved = self.folder / "talk.json"
        for typed, expected in (("first\nsecond\nthird\n", "first\nsecond\nthird"),
                                ('"""\none\n\ntwo\n"""\n', "one\n\ntwo")):
            terminal = self.chat("-n", "2")
            terminal.send(typed)
            terminal.wait_for("tokens/s")
            terminal.send(f"/save {saved}\n")
            terminal.wait_for("Saved 2 messages")
            self.assertEqual(json.loads(saved.read_text())[0]["content"], expected)
            terminal.send("/exit\n")
            self.assertEqual(terminal.exit_code(), 0)


if __name__ == "__main__":
    harness.main()
