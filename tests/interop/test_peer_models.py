# SPDX-License-Identifier: Apache-2.0
"""Models that others trained, when they lie beside the checkout.

Converted to every type, loaded and compared.
"""

import pytest
from tokenizers import Tokenizer

import reference_gguf
from gguf import GGUFReader
from recipes import RECIPES
from test_tokenizers import TEXTS

import numpy as np

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


def expected_ids(folder, text):
    if (folder / "tokenizer.json").exists():
        return (
            Tokenizer.from_file(str(folder / "tokenizer.json"))
            .encode(text, add_special_tokens=False)
            .ids
        )
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).encode(
        text
    )


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
        assert answer["ids"], "the model ends before it begins"


def test_greedy_text_of_q8_0_is_that_of_f32(generated):
    texts = [[answer["text"] for answer in generated[kind]["answers"]] for kind in ("Q8_0", "F32")]
    assert texts[0] == texts[1]


def test_text_becomes_the_same_ids(model, llama_cpp):
    _, folder, files = model
    texts = list(TEXTS.values())
    ids = llama_cpp.ask(op="tokenize", model=str(files["Q8_0"]), texts=texts)["ids"]
    for text, found in zip(texts, ids):
        assert found == expected_ids(folder, text), text
