# SPDX-License-Identifier: Apache-2.0
"""An MLX folder beside the GGUF files: what is in it, and what an old one is replaced by."""

import json
import struct
import subprocess
from pathlib import Path

import harness
from harness import (CONFLICT, INVALID_ARGUMENT, UNSUPPORTED, EndToEndTest, Shape, final_files,
                     write_model)


def header_of(path: Path) -> dict:
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        return json.loads(file.read(length))


class MlxTest(EndToEndTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = write_model(self.folder / "model", Shape())
        self.output = self.folder / "out"
        self.mlx = self.output / "mlx"

    def config(self) -> dict:
        return json.loads((self.mlx / "config.json").read_text())

    def test_both_formats_come_from_one_run_and_verify(self) -> None:
        (self.model / "chat_template.jinja").write_text("{{ messages }}")
        files = self.convert_well(self.model, self.output, "Q4_K_M:4bit")
        self.assertIn("gguf/m-q4_k_m.gguf", files)
        self.assertEqual(
            {place.removeprefix("mlx/") for place in files if place.startswith("mlx/")},
            {"model.safetensors", "model.safetensors.index.json", "config.json", "README.md",
             "metadata.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"})
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            self.assertEqual((self.mlx / name).read_bytes(), (self.model / name).read_bytes())
        manifest = json.loads((self.output / "manifest.json").read_text())
        entry = manifest["formats"][1]
        self.assertEqual((entry["type"], entry["path"], entry["method"]), ("mlx", "mlx", "4bit"))
        self.assertEqual({file["path"] for file in entry["files"]},
                         {place for place in files if place.startswith("mlx/")})
        result = self.run_quant("verify", str(self.output))
        self.assertEqual(result.returncode, 0, result.stderr)
        weights = self.mlx / "model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        self.assertNotEqual(self.run_quant("verify", str(self.output)).returncode, 0)

    def test_estimate_knows_every_size(self) -> None:
        self.convert_well(self.model, self.output, "Q8_0:mixed_2_6")
        result = self.run_quant("estimate", str(self.model), "--formats", "gguf,mlx",
                                "--precision", "q8_0:mixed_2_6", "--name", "m", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        planned = {file["path"]: file["size_bytes"]
                   for output in json.loads(result.stdout)["outputs"] for file in output["files"]}
        found = {place: (self.output / place).stat().st_size for place in planned}
        self.assertEqual(planned, found)

    def test_a_new_precision_replaces_the_folder_and_no_shard_stays(self) -> None:
        self.convert_well(self.model, self.output, "Q8_0:8bit", "--mlx-shard-size", "200K")
        shards = sorted(path.name for path in self.mlx.glob("*.safetensors"))
        self.assertGreater(len(shards), 2)
        self.assertEqual(shards[0], f"model-00001-of-{len(shards):05}.safetensors")
        index = json.loads((self.mlx / "model.safetensors.index.json").read_text())
        held = {name: shard for shard in shards for name in header_of(self.mlx / shard)
                if name != "__metadata__"}
        self.assertEqual(index["weight_map"], held)
        self.convert_well(self.model, self.output, "Q8_0:4bit")
        self.assertEqual([path.name for path in self.mlx.glob("*.safetensors")],
                         ["model.safetensors"])
        self.assertEqual(self.config()["quantization"],
                         {"group_size": 64, "bits": 4, "mode": "affine"})
        manifest = json.loads((self.output / "manifest.json").read_text())
        self.assertEqual([entry["method"] for entry in manifest["formats"]], ["Q8_0", "4bit"])

    def test_a_folder_of_someone_else_is_not_replaced(self) -> None:
        self.mlx.mkdir(parents=True)
        (self.mlx / "mine.txt").write_text("mine")
        result = self.convert(self.model, self.output, "Q8_0:4bit")
        self.assert_refused(result, CONFLICT, "not a folder this program made")
        self.assertEqual(set(final_files(self.output)), {"mlx/mine.txt"})

    def test_config_has_what_mlx_lm_looks_for(self) -> None:
        path = self.model / "config.json"
        config = json.loads(path.read_text())
        del config["rope_theta"], config["tie_word_embeddings"]
        config["rope_parameters"] = {"rope_type": "linear", "factor": 2.0, "rope_theta": 5e5}
        path.write_text(json.dumps(config))
        (self.model / "generation_config.json").write_text('{"eos_token_id": [256, 257]}')
        self.convert_well(self.model, self.output, "Q8_0:mixed_3_6")
        written = self.config()
        self.assertEqual(written["rope_theta"], 5e5)
        self.assertEqual(written["rope_scaling"]["type"], "linear")
        self.assertTrue(written["tie_word_embeddings"])
        self.assertEqual(written["eos_token_id"], [256, 257])
        self.assertEqual(written["quantization"], written["quantization_config"])
        self.assertEqual(written["quantization"]["model.layers.1.mlp.down_proj"]["bits"], 6)
        self.assertEqual(list(written), sorted(written))

    def test_the_card_keeps_the_sources_front_matter(self) -> None:
        (self.model / "README.md").write_text(
            "---\nlicense: mit\nlibrary_name: transformers\ntags:\n- stories\n"
            "language:\n- en\n---\n# The model\n")
        self.convert_well(self.model, self.output, "Q8_0:4bit")
        card = (self.mlx / "README.md").read_text()
        self.assertTrue(card.startswith(
            "---\nlicense: mit\nlanguage:\n- en\nlibrary_name: mlx\n"
            "pipeline_tag: text-generation\ntags:\n- stories\n- mlx\n---\n"), card)
        self.assertNotIn("# The model", card)

    def test_a_community_folder_can_be_looked_at_and_converted_again(self) -> None:
        self.convert_well(self.model, self.output, "F32:8bit", "--mlx-dtype", "f32")
        config = self.config()
        del config["quantization"]["mode"], config["quantization_config"]
        (self.mlx / "config.json").write_text(json.dumps(config))
        info = self.run_quant("info", str(self.mlx), "--json")
        self.assertEqual(info.returncode, 0, info.stderr)
        facts = json.loads(info.stdout)
        self.assertEqual(facts["format"], "mlx")
        self.assertEqual(facts["types"]["affine8_g64"]["tensors"], 15)
        again = self.folder / "again"
        self.assert_refused(self.convert(self.mlx, again, "Q8_0"), UNSUPPORTED,
                            "--allow-requantize")
        self.convert_well(self.mlx, again, "Q8_0", "--allow-requantize")
        source = json.loads((again / "manifest.json").read_text())["source"]
        self.assertEqual(source["files"][0]["sha256"],
                         harness.sha256(self.mlx / "model.safetensors"))

    def test_contradictions_are_told_before_any_work(self) -> None:
        for options, words in (
            (("--precision", "q8_0:7bit"), "mixed_2_6"),
            (("--precision", "q8_0"), "2 formats"),
            (("--precision", "q8_0:4bit", "--mlx-bits", "5"), "contradicts"),
            (("--precision", "q8_0:mxfp4", "--mlx-group-size", "64"), "mxfp4"),
            (("--precision", "q8_0:4bit", "--mlx-dtype", "f64"), "f64"),
            (("--precision", "q8_0:4bit", "--mlx-rounding", "cuda"), "metal"),
        ):
            with self.subTest(options):
                result = self.run_quant("convert", str(self.model), "--output", str(self.output),
                                        "--formats", "gguf,mlx", *options)
                self.assert_refused(result, INVALID_ARGUMENT, words)
        self.assertFalse(self.output.exists())

    def test_a_gguf_file_has_too_little_for_an_mlx_folder(self) -> None:
        self.convert_well(self.model, self.output, "F32")
        result = self.run_quant("convert", str(self.output / "gguf/m-f32.gguf"), "--output",
                                str(self.folder / "x"), "--formats", "mlx")
        self.assert_refused(result, UNSUPPORTED, "Hugging Face folder")

    def test_mlx_alone_needs_no_gguf_type(self) -> None:
        command = [str(harness.QUANT), "convert", str(self.model), "--output", str(self.output),
                   "--formats", "mlx", "--mlx-mode", "nvfp4", "--quality", "best"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.output / "gguf").exists())
        metadata = json.loads((self.mlx / "metadata.json").read_text())
        self.assertEqual((metadata["quantization_method"], metadata["quality"]), ("nvfp4", "best"))


if __name__ == "__main__":
    harness.main()
