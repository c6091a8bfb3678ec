# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the input is said with its place, and the exit code tells the kind."""

import json
import os

import harness
from harness import (INVALID_ARGUMENT, INVALID_DATA, NOT_FOUND, UNSUPPORTED, EndToEndTest,
                     final_files, tensor_offset, write_model)


class ErrorsTest(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = write_model(self.folder / "model")
        self.weights = self.model / "model.safetensors"
        self.output = self.folder / "out"

    def refuse(self, code: int, *words: str, types: str = "Q4_K_M") -> None:
        """The conversion fails in that way and leaves nothing under a final name."""
        self.assert_refused(self.convert(self.model, self.output, types), code, *words)
        if self.output.exists():
            self.assertEqual(final_files(self.output), {})

    def edit_config(self, **changes: object) -> None:
        path = self.model / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    def test_a_fifo_instead_of_weights_does_not_hang(self) -> None:
        self.weights.unlink()
        os.mkfifo(self.weights)
        self.refuse(UNSUPPORTED, "model.safetensors", "FIFO")

    def test_a_fifo_instead_of_a_model_does_not_hang(self) -> None:
        os.mkfifo(self.folder / "pipe.gguf")
        self.model = self.folder / "pipe.gguf"
        self.refuse(UNSUPPORTED, "pipe.gguf", "FIFO")

    def test_pickles_are_refused_and_not_opened(self) -> None:
        self.weights.unlink()
        (self.model / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")
        self.refuse(UNSUPPORTED, "pickles", "safetensors version")

    def test_an_unknown_architecture_names_the_nearest(self) -> None:
        self.edit_config(architectures=["LLamaForCausalLm2"], model_type="llama9")
        self.refuse(UNSUPPORTED, "LLamaForCausalLm2", "LlamaForCausalLM")

    def test_a_truncated_file_is_told_before_anything_is_written(self) -> None:
        size = self.weights.stat().st_size
        os.truncate(self.weights, size - 1000)
        self.refuse(INVALID_DATA, "model.safetensors", "cut short")
        self.assertFalse((self.output / ".pajamas").exists())

    def test_nan_in_a_weight_names_tensor_and_index(self) -> None:
        name = "model.layers.1.mlp.up_proj.weight"
        row, column, columns = 7, 3, 256
        element = row * columns + column
        with self.weights.open("r+b") as file:
            file.seek(tensor_offset(self.weights, name) + 2 * element)
            file.write(b"\xc0\x7f")
        self.refuse(INVALID_DATA, name, "NaN", str(element))

    def test_infinity_in_a_weight_is_refused_too(self) -> None:
        name = "model.norm.weight"
        with self.weights.open("r+b") as file:
            file.seek(tensor_offset(self.weights, name))
            file.write(b"\x80\x7f")
        self.refuse(INVALID_DATA, name, "infinity")

    def test_a_missing_tensor_is_named(self) -> None:
        self.edit_config(num_hidden_layers=3)
        self.refuse(INVALID_DATA, "model.layers.2.")

    def test_a_shape_that_contradicts_the_config_is_named(self) -> None:
        self.edit_config(intermediate_size=768)
        self.refuse(INVALID_DATA, "mlp.", "512", "768")

    def test_broken_json_is_named_with_its_place(self) -> None:
        (self.model / "config.json").write_text('{"architectures": [')
        self.refuse(INVALID_DATA, "config.json")

    def test_an_unknown_type_lists_the_known_ones(self) -> None:
        self.refuse(INVALID_ARGUMENT, "Q9_Z", "Q4_K_M", types="Q9_Z")

    def test_a_model_that_is_not_there_is_not_found(self) -> None:
        self.model = self.folder / "gone"
        self.refuse(NOT_FOUND, "gone")

    def test_a_repository_that_is_not_cached_says_how_to_fetch_it(self) -> None:
        result = self.run_quant("convert", "org/name", "--output", str(self.output),
                                "--gguf-types", "Q8_0", HF_HUB_CACHE=str(self.folder / "cache"))
        self.assert_refused(result, NOT_FOUND, "models--org--name", "hf download org/name")

    def test_a_quantized_source_needs_consent(self) -> None:
        self.convert_well(self.model, self.folder / "first", "Q8_0")
        self.model = self.folder / "first/gguf/m-q8_0.gguf"
        self.refuse(UNSUPPORTED, "--allow-requantize")
        self.convert_well(self.model, self.output, "Q4_0", "--allow-requantize")

    def test_an_unknown_option_is_an_argument_error(self) -> None:
        result = self.run_quant("convert", str(self.model), "--no-such-option")
        self.assert_refused(result, INVALID_ARGUMENT, "--no-such-option")

    def test_another_model_does_not_go_into_the_same_folder(self) -> None:
        self.convert_well(self.model, self.output, "Q4_0")
        before = final_files(self.output)
        other = write_model(self.folder / "other", seed=2)
        result = self.convert(other, self.output, "Q4_0")
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(final_files(self.output), before)


class CachedModelTest(EndToEndTest):
    def test_a_repository_in_the_cache_converts_and_its_commit_is_recorded(self) -> None:
        commit = "0123456789abcdef0123456789abcdef01234567"
        repository = self.folder / "cache/models--org--tiny"
        write_model(repository / "snapshots" / commit)
        (repository / "refs").mkdir()
        (repository / "refs/main").write_text(commit)
        result = self.run_quant("convert", "org/tiny", "--output", str(self.folder / "out"),
                                "--gguf-types", "Q8_0", HF_HUB_CACHE=str(self.folder / "cache"))
        self.assertEqual(result.returncode, 0, result.stderr)
        manifest = json.loads((self.folder / "out/manifest.json").read_text())
        self.assertEqual(manifest["model_id"], "org/tiny")
        self.assertEqual(manifest["source"]["revision"], commit)
        self.assertTrue((self.folder / "out/gguf/tiny-q8_0.gguf").is_file())


if __name__ == "__main__":
    harness.main()
