# SPDX-License-Identifier: Apache-2.0
"""Models that others trained, when they lie beside the checkout.

Converted to every type, loaded and compared.
"""

import json

import numpy as np
import pytest
from gguf import GGUFReader
from tokenizers import Tokenizer

import reference_gguf
from recipes import RECIPES
from test_tokenizers import TEXTS

MODELS = {
    "books-7m": ["It was a bright morning, and the", '"I do not know," said she,', "The ship"],
    "TinyStories-656K": [
        "Once upon a time, there was a",
        "Tom and his dog went to the",
        "The little girl was sad because",
    ],
}


@pytest.fixture(scope="module", params=MODELS)
def model(request, product, optional_models, tmp_path_factory):
    folder = optional_models / request.param
    if not folder.is_dir():
        pytest.skip(f"{request.param} is not beside the checkout")
    return request.param, folder, product.convert(folder, tmp_path_factory.mktemp("peer"), RECIPES)


@pytest.fixture(scope="module")
def generated(model, llama_cpp):
    name, _, files = model
    requests = [
        {"op": "generate", "model": str(path), "prompts": MODELS[name], "count": 40, "n_ctx": 256}
        for path in files.values()
    ]
    return dict(zip(files, llama_cpp.ask_all(requests)))


class SentencePiece:
    """A vocabulary that knows every text: what has no token is spelled in bytes."""

    def __init__(self, folder):
        import sentencepiece

        self.model = sentencepiece.SentencePieceProcessor(
            model_file=str(folder / "tokenizer.model")
        )

    def can_encode(self, text):
        return True

    def encode(self, text):
        return self.model.encode(text)


class TokenizerJson:
    def __init__(self, folder):
        path = folder / "tokenizer.json"
        self.tokenizer = Tokenizer.from_file(str(path))
        self.vocabulary = json.loads(path.read_text())["model"]["vocab"]

    def can_encode(self, text):
        """Without byte tokens llama.cpp has no answer to a character that is no token."""
        spelled = text.replace(" ", "\u2581")
        return "<0x00>" in self.vocabulary or all(letter in self.vocabulary for letter in spelled)

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids


def test_f32_file_holds_the_tensors_of_the_folder(model):
    _, folder, files = model
    found = {tensor.name: tensor.data for tensor in GGUFReader(files["F32"]).tensors}
    for name, values in reference_gguf.llama_tensors(folder).items():
        if name == "output.weight" and name not in found:
            name = "token_embd.weight"  # tied, and stored under the other name
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("kind", RECIPES)
def test_llama_cpp_loads_and_runs(generated, kind):
    if isinstance(generated[kind], Exception):
        raise generated[kind]
    for answer in generated[kind]["answers"]:
        # What a ternary file says may be anything, nothing too; that it is said is the test.
        assert answer["ids"] or kind.startswith("TQ"), "the model ends before it begins"


def test_greedy_text_of_q8_0_is_that_of_f32(generated):
    texts = [[answer["text"] for answer in generated[kind]["answers"]] for kind in ("Q8_0", "F32")]
    assert texts[0] == texts[1]


def test_text_becomes_the_same_ids(model, llama_cpp):
    name, folder, files = model
    tokenizer = (TokenizerJson if (folder / "tokenizer.json").exists() else SentencePiece)(folder)
    texts = [text for text in [*TEXTS.values(), *MODELS[name]] if tokenizer.can_encode(text)]
    ids = llama_cpp.ask(op="tokenize", model=str(files["Q8_0"]), texts=texts)["ids"]
    for text, found in zip(texts, ids):
        assert found == tokenizer.encode(text), text
