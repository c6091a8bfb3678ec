# SPDX-License-Identifier: Apache-2.0
"""A conversion as a user sees it: files, manifest, estimate, info, verify."""

import json

import harness
from harness import INVALID_DATA, EndToEndTest, sha256, write_model


class ConvertTest(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = write_model(self.folder / "model")
        self.output = self.folder / "out"

    def test_every_type_becomes_a_file_and_the_manifest_names_them_all(self) -> None:
        files = self.convert_well(self.model, self.output, "Q4_K_M,Q8_0,F16")
        self.assertEqual(set(files), {f"gguf/m-{t}.gguf" for t in ("q4_k_m", "q8_0", "f16")})
        manifest = json.loads((self.output / "manifest.json").read_text())
        for entry in manifest["formats"]:
            self.assertEqual(entry["sha256"], files[entry["path"]])
            self.assertEqual(entry["size_bytes"], (self.output / entry["path"]).stat().st_size)
        self.assertEqual(len(manifest["formats"]), 3)
        source = manifest["source"]["files"]
        self.assertEqual([file["sha256"] for file in source if file["name"].endswith("safetensors")],
                         [sha256(self.model / "model.safetensors")])
        for place in ("gguf/metadata.json", "quantization_report.log"):
            self.assertTrue((self.output / place).is_file(), place)
        self.assertFalse((self.output / ".pajamas").exists())

    def test_each_file_begins_with_the_magic_and_version_of_gguf(self) -> None:
        self.convert_well(self.model, self.output, "Q4_0")
        with (self.output / "gguf/m-q4_0.gguf").open("rb") as file:
            self.assertEqual(file.read(8), b"GGUF\x03\0\0\0")

    def test_one_pass_gives_the_bytes_of_separate_runs(self) -> None:
        together = self.convert_well(self.model, self.output, "Q4_K_M,Q6_K,Q8_0")
        for type_name in ("Q4_K_M", "Q6_K", "Q8_0"):
            alone = self.convert_well(self.model, self.folder / type_name, type_name)
            self.assertEqual(alone.items() & together.items(), alone.items())

    def test_the_short_form_means_the_same(self) -> None:
        expected = self.convert_well(self.model, self.output, "Q4_K_M")
        result = self.run_quant("convert", str(self.model), "--output", str(self.folder / "short"),
                                "--name", "m", "--precision", "q4_k_m")
        self.assertEqual(result.returncode, 0, result.stderr)
        found = sha256(self.folder / "short/gguf/m-q4_k_m.gguf")
        self.assertEqual(found, expected["gguf/m-q4_k_m.gguf"])

    def test_a_second_run_adds_to_the_folder(self) -> None:
        first = self.convert_well(self.model, self.output, "Q4_0")
        both = self.convert_well(self.model, self.output, "Q8_0")
        self.assertEqual(len(both), 2)
        self.assertLess(first.items(), both.items())
        manifest = json.loads((self.output / "manifest.json").read_text())
        self.assertEqual({entry["path"] for entry in manifest["formats"]}, set(both))

    def test_a_gguf_is_a_source_too(self) -> None:
        self.convert_well(self.model, self.output, "BF16,Q4_K_M")
        again = self.folder / "again"
        self.convert_well(self.output / "gguf/m-bf16.gguf", again, "Q4_K_M")
        direct, through = (
            (folder / "gguf/m-q4_k_m.gguf").read_bytes() for folder in (self.output, again)
        )
        # The keys may differ, the weights may not: nearly all of the file is weights.
        weights = len(direct) * 9 // 10
        self.assertEqual(direct[-weights:], through[-weights:])

    def test_the_estimate_is_exact_and_writes_nothing(self) -> None:
        types = "Q4_K_M,Q2_K,IQ4_XS,F32"
        dry_run = ("convert", "--dry-run", "--output", str(self.output))
        for command in (("estimate",), dry_run):
            with self.subTest(command):
                result = self.run_quant(*command, str(self.model), "--name", "m", "--formats",
                                        "gguf", "--gguf-types", types, "--json")
                self.assertEqual(result.returncode, 0, result.stderr)
                estimate = result.stdout
                self.assertFalse(self.output.exists())
        self.convert_well(self.model, self.output, types)
        for path in self.output.glob("gguf/*.gguf"):
            self.assertIn(str(path.stat().st_size), estimate)

    def test_verify_passes_what_was_written_and_names_what_changed(self) -> None:
        self.convert_well(self.model, self.output, "Q4_0,Q8_0")
        good = self.run_quant("verify", str(self.output))
        self.assertEqual(good.returncode, 0, good.stderr)
        damaged = self.output / "gguf/m-q8_0.gguf"
        content = bytearray(damaged.read_bytes())
        content[-1] ^= 1
        damaged.write_bytes(content)
        self.assert_refused(self.run_quant("verify", str(self.output)), INVALID_DATA,
                            "m-q8_0.gguf")

    def test_info_reads_folders_and_files(self) -> None:
        self.convert_well(self.model, self.output, "Q4_K_M")
        for path in (self.model, self.output / "gguf/m-q4_k_m.gguf"):
            result = self.run_quant("info", str(path), "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("llama", json.dumps(json.loads(result.stdout)))

    def test_list_methods_names_types_and_architectures(self) -> None:
        result = self.run_quant("list-methods", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        text = json.dumps(json.loads(result.stdout)).lower()
        for word in ("q4_k_m", "mxfp4_moe", "qwen3", "gemma3"):
            self.assertIn(word, text)


if __name__ == "__main__":
    harness.main()
