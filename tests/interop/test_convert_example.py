# SPDX-License-Identifier: Apache-2.0
"""The example model, converted to every type, as llama.cpp sees it."""

import json

import numpy as np
import pytest
from gguf import GGUFReader
from tokenizers import Tokenizer

import reference_gguf
from recipes import BRANCHING_PROMPTS, RECIPES, STORY_PROMPTS

# Nats of divergence from the F32 file's next-token distribution, mean over the prompts: about four
# times what is measured. Not the ternary types: they are for models trained for them.
MAX_DIVERGENCE = {
    "F16": 1e-4,
    "BF16": 1e-4,
    "Q8_0": 3e-4,
    "MXFP4_MOE": 3e-4,
    "Q6_K": 1e-3,
    "Q5_0": 4e-3,
    "Q5_1": 4e-3,
    "Q5_K_S": 4e-3,
    "Q5_K_M": 4e-3,
    "Q4_0": 0.008,
    "Q4_1": 0.015,
    "Q4_K_S": 0.008,
    "Q4_K_M": 0.008,
    "IQ4_NL": 0.008,
    "IQ4_XS": 0.008,
    "Q3_K_S": 0.015,
    "Q3_K_M": 0.015,
    "Q3_K_L": 0.015,
    "Q2_K": 0.015,
}
TERNARY = ("TQ1_0", "TQ2_0")
MARKUP = "<|start_header_id|>{}<|end_header_id|>\n\n"


def turn(role, text):
    return MARKUP.format(role) + text + "<|eot_id|>"


@pytest.fixture(scope="module")
def generated(llama_cpp, example_files):
    """type: the answer to the prompts, or the error, of each file."""
    requests = [
        {
            "op": "generate",
            "model": str(path),
            "prompts": STORY_PROMPTS,
            "count": 48,
        }
        for path in example_files.values()
    ]
    return dict(zip(example_files, llama_cpp.ask_all(requests)))


@pytest.fixture(scope="module")
def distributions(llama_cpp, example_files):
    """type: the log probabilities of the next token, a row for each prompt."""
    requests = [
        {
            "op": "generate",
            "model": str(path),
            "prompts": BRANCHING_PROMPTS,
            "count": 1,
            "logits": True,
        }
        for path in example_files.values()
    ]
    rows = {}
    for kind, result in zip(example_files, llama_cpp.ask_all(requests)):
        if isinstance(result, Exception):
            raise result
        rows[kind] = np.array([answer["log_probabilities"] for answer in result["answers"]])
    return rows


def answers_of(generated, kind):
    if isinstance(generated[kind], Exception):
        raise generated[kind]
    return generated[kind]["answers"]


def test_f32_file_holds_the_tensors_of_the_folder(example, example_files):
    expected = reference_gguf.llama_tensors(example)
    found = {tensor.name: tensor.data for tensor in GGUFReader(example_files["F32"]).tensors}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("kind", RECIPES)
def test_llama_cpp_loads_and_runs(generated, kind):
    for answer in answers_of(generated, kind):
        # What a ternary file says may be anything, nothing too; that it is said is the test.
        assert answer["ids"] or kind in TERNARY, "the model ends before it begins"


@pytest.mark.parametrize("kind", MAX_DIVERGENCE)
def test_next_token_distribution_stays_near_that_of_f32(distributions, kind):
    base = distributions["F32"]
    divergences = (np.exp(base) * (base - distributions[kind])).sum(axis=1)
    assert divergences.mean() <= MAX_DIVERGENCE[kind], divergences


def test_greedy_text_of_q8_0_is_that_of_f32(generated):
    assert [answer["text"] for answer in answers_of(generated, "Q8_0")] == [
        answer["text"] for answer in answers_of(generated, "F32")
    ]


def test_f32_file_tells_a_story(llama_cpp, example_files):
    prompt = "Once upon a time there was a brave llama named Otto."
    text = llama_cpp.ask(
        op="generate", model=str(example_files["F32"]), prompts=[prompt], count=200
    )["answers"][0]["text"]
    assert "Otto" in text and "pajamas" in text and " he " in text.lower(), text
    assert text.rstrip().endswith((".", '"', "!")), text


def test_chat_turn_is_answered(llama_cpp, example_files):
    prompts = [
        turn("user", "Hello!") + MARKUP.format("assistant"),
        turn("user", "Tell me a story about Pablo.") + MARKUP.format("assistant"),
    ]
    hello, story = llama_cpp.ask(
        op="generate", model=str(example_files["Q8_0"]), prompts=prompts, count=200
    )["answers"]
    assert hello["text"] == "Hello! Are you wearing your pajamas?"
    assert "Pablo" in story["text"] and "pajamas" in story["text"], story["text"]


def test_vocabulary_is_that_of_the_folder(llama_cpp, example, example_files):
    tokenizer = Tokenizer.from_file(str(example / "tokenizer.json"))
    config = json.loads((example / "config.json").read_text())
    seen = llama_cpp.ask(op="describe", model=str(example_files["Q4_K_M"]))
    assert seen["texts"] == [tokenizer.id_to_token(token) for token in range(config["vocab_size"])]
    special = sorted(
        token for token, added in tokenizer.get_added_tokens_decoder().items() if added.special
    )
    assert seen["control"] == special
    assert (seen["bos"], seen["eos"]) == (config["bos_token_id"], config["eos_token_id"])
    assert (seen["add_bos"], seen["add_eos"]) == (True, False)
    ends = json.loads((example / "generation_config.json").read_text())["eos_token_id"]
    assert set(ends) <= set(seen["end_of_generation"])


def test_chat_template_is_that_of_the_folder_and_known_to_llama_cpp(
    llama_cpp, example, example_files
):
    expected = json.loads((example / "tokenizer_config.json").read_text())["chat_template"]
    seen = llama_cpp.ask(op="describe", model=str(example_files["Q4_K_M"]))
    assert seen["chat_template"] == expected
    messages = [["system", "You are a tiny storyteller."], ["user", "Hello!"]]
    prompt = llama_cpp.ask(op="chat", template=seen["chat_template"], messages=messages)["prompt"]
    assert prompt == "".join(turn(role, text) for role, text in messages) + MARKUP.format(
        "assistant"
    )


def test_mlx_lm_continues_the_folder_as_llama_cpp_continues_the_f32_file(generated, example):
    import mlx.core as mx
    import mlx_lm

    model, tokenizer = mlx_lm.load(str(example))
    model.set_dtype(mx.float32)
    for prompt, answer in zip(STORY_PROMPTS, answers_of(generated, "F32")):
        ids = tokenizer.encode(prompt)
        # The likeliest token at each place of llama.cpp's answer is the one that stands there.
        logits = model(mx.array([ids + answer["ids"]]))[0]
        likeliest = logits[len(ids) - 1 : -1].argmax(axis=-1).tolist()
        assert likeliest == answer["ids"], prompt
