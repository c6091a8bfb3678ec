# SPDX-License-Identifier: Apache-2.0
"""Captures what llama.cpp makes of the example model: the tensors of every file type, and greedy
text.

    build/interop/venv/bin/python tests/golden/make_example_golden.py LIBRARY_FOLDER

LIBRARY_FOLDER holds the prebuilt libraries that `make interop` installs. The source is an F32 file
put together here from the model folder, by Python code and not by the product. Writes
tests/golden/example/: tensors.json (type and hash of each tensor of each file type, without and
with an imatrix), imatrix.gguf (seeded, for the latter), greedy.json (ids and texts).
"""

import hashlib
import json
import pathlib
import sys
import tempfile

import gguf
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLE = ROOT / "examples/tiny-storyteller"
sys.path.insert(0, str(ROOT / "tests/interop"))

from peer import Peer  # noqa: E402
from recipes import NEEDS_IMATRIX, RECIPES, STORY_PROMPTS  # noqa: E402
from reference_gguf import llama_tensors  # noqa: E402
from seeded_imatrix import write_imatrix  # noqa: E402


def write_f32(path):
    """A complete F32 file of the example model."""
    config = json.loads((EXAMPLE / "config.json").read_text())
    tokenizer = json.loads((EXAMPLE / "tokenizer.json").read_text())
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    vocabulary = {**tokenizer["model"]["vocab"], **added}
    texts = sorted(vocabulary, key=vocabulary.get)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(texts)
    writer.add_token_types([3 if text in added else 1 for text in texts])
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    for name, values in llama_tensors(EXAMPLE).items():
        writer.add_tensor(name, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def digests(path):
    return {
        tensor.name: [
            tensor.tensor_type.name,
            hashlib.sha256(tensor.data.tobytes()).hexdigest()[:16],
        ]
        for tensor in gguf.GGUFReader(path).tensors
    }


def quantized(peer, source, folder, kinds, **parameters):
    result = {}
    for kind in kinds:
        output = folder / f"{kind}.gguf"
        peer.ask(op="quantize", input=str(source), output=str(output), type=kind, **parameters)
        result[kind] = digests(output)
    return result


def write_json(name, content):
    # One tensor a line: a change in a later capture reads well in a diff.
    text = json.dumps(content, indent=1, ensure_ascii=False)
    for opening, closing in (("[\n    ", '"\n   ]'),):
        text = text.replace(opening, "[").replace(closing, '"]').replace('",\n    "', '", "')
    (HERE / "example" / name).write_text(text + "\n")


def main():
    peer = Peer(sys.argv[1])
    (HERE / "example").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        source = folder / "source.gguf"
        write_f32(source)
        imatrix = HERE / "example/imatrix.gguf"
        write_imatrix(imatrix, source)
        model_hash = hashlib.sha256((EXAMPLE / "model.safetensors").read_bytes()).hexdigest()
        write_json(
            "tensors.json",
            {
                "model_sha256": model_hash,
                "plain": quantized(peer, source, folder, RECIPES),
                "imatrix": quantized(
                    peer, source, folder, [*RECIPES, NEEDS_IMATRIX], imatrix=str(imatrix)
                ),
            },
        )
        q8_0 = folder / "Q8_0.gguf"
        answers = {
            name: peer.ask(op="generate", model=str(path), prompts=STORY_PROMPTS, count=64)[
                "answers"
            ]
            for name, path in (("F32", source), ("Q8_0", q8_0))
        }
        prompts = peer.ask(op="tokenize", model=str(source), texts=STORY_PROMPTS, add_special=True)[
            "ids"
        ]
        (HERE / "example/greedy.json").write_text(
            json.dumps(
                {"prompts": STORY_PROMPTS, "prompt_ids": prompts, "answers": answers}, indent=1
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
