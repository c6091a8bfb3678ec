# SPDX-License-Identifier: Apache-2.0
"""llama.cpp splits text into the same tokens as the tokenizer that the model came with."""

import pytest
from tokenizers import Tokenizer

TEXTS = {
    "a story": "Once upon a time there was a sleepy llama named Lulu. She'd said: \"It's LATE!\"",
    "numbers": "In 2026 he paid 1234567.89 for 12 lamps, 3x7=21, and 0.5% more; call 555-0199.",
    "code": "def f(x):\n    return {\"a\": [x, x**2], 'b': None}  # comment\n\n\nif __name__ == '__main__':\n\tprint(f(3))\r\n",
    "spaces": "  leading, \t tabs\t\tand   runs   of spaces \n \n\n  before lines   ",
    "accents": "Fran\u00e7ois a d\u00e9j\u00e0 mang\u00e9 na\u00efve cr\u00e8me br\u00fbl\u00e9e; \u00dcbergr\u00f6\u00dfe, \u0141\u00f3d\u017a, e\u0301 combining.",
    "other scripts": "\u041c\u043e\u0441\u043a\u0432\u0430, \u0391\u03b8\u03ae\u03bd\u03b1, \u05e9\u05dc\u05d5\u05dd, \u0645\u0631\u062d\u0628\u0627, "
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4 \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "emoji": "\U0001f999 in \U0001f6cf\ufe0f with \U0001f468\u200d\U0001f469\u200d\U0001f467 and \U0001f1f5\U0001f1ea!! :-)",
    "symbols": "\u00a9\u2122 \u2192 \u221e \u00bd \u2460 \u00b2 \u2014 \u2026 \u00ab\u00bb \ud7ff \ufffd $100 & <tag attr='v'/>",
    "contractions": "I'll we'VE they're don't 'tis O'Neil's it'S 'LL",
    "one letter": "a",
}


@pytest.fixture(scope="module")
def model(example_files):
    return str(example_files["Q4_K_M"])


@pytest.mark.parametrize("name", TEXTS)
def test_text_becomes_the_same_ids(llama_cpp, example, model, name):
    expected = (
        Tokenizer.from_file(str(example / "tokenizer.json"))
        .encode(TEXTS[name], add_special_tokens=False)
        .ids
    )
    assert llama_cpp.ask(op="tokenize", model=model, texts=[TEXTS[name]])["ids"] == [expected]


def test_beginning_and_special_tokens_become_the_same_ids(llama_cpp, example, model):
    text = "<|start_header_id|>user<|end_header_id|>\n\nHello, Lulu!<|eot_id|> and <|end_of_text|>"
    expected = Tokenizer.from_file(str(example / "tokenizer.json")).encode(text).ids
    assert llama_cpp.ask(op="tokenize", model=model, texts=[text], add_special=True)["ids"] == [
        expected
    ]
