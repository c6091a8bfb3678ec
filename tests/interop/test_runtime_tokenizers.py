# SPDX-License-Identifier: Apache-2.0
"""The runtime's tokenizers give the ids of the libraries that made the files.

Real tokenizers lie beside the checkout or not at all; then only the example's is compared.
"""

import json
import pathlib
import shutil
import subprocess

import pytest
import sentencepiece
from tokenizers import BertWordPieceTokenizer, Regex, Tokenizer, models, normalizers
from tokenizers import pre_tokenizers as cut

from conftest import BUILD, ROOT
from tokenizer_corpus import BROKEN, TEXTS

DATA = ROOT.parent / "shared/data"
REAL = DATA / "tokenizers"

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + TAIL
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + TAIL

JSON_FOLDERS = [
    ROOT / "examples/tiny-storyteller",
    DATA / "models/TinyStories-656K",
    *(REAL / name for name in (
        "gpt-neox-20b", "mistral", "phi-2", "phi-3-mini", "pythia", "roberta-base", "smollm2",
        "t5-small", "whisper-tiny")),
]
SENTENCEPIECE_FILES = [
    REAL / "llama2/tokenizer.model",
    REAL / "mistral/tokenizer.model.v1",
    REAL / "mistral/mistral_instruct_tokenizer_240216.model.v2",
    REAL / "mistral/mistral_instruct_tokenizer_240323.model.v3",
    REAL / "mistral/mistral_instruct_tokenizer_241114.model.v7",
    DATA / "models/books-7m/tokenizer.model",
]
# How the words of vocab.json and merges.txt are cut: (pattern, normalizer, whole words).
BPE_FOLDERS = {
    "gpt2": (None, None, False),
    "llama3.2-bpe": (LLAMA3, None, True),
    "qwen2.5": (QWEN2, normalizers.NFC(), False),
}


def lossy(text):
    return text if isinstance(text, str) else text.decode(errors="replace")


def long_texts():
    """English, code and many languages, where the data is there."""
    names = ("text/nltk-gutenberg/carroll-alice.txt", "text/calibration/groups_merged.txt",
             "text/wikitext-2-train/wikitext2_train_5k.txt")
    return [(DATA / name).read_text(encoding="utf-8", errors="replace")[:150_000]
            for name in names if (DATA / name).exists()]


ALL_TEXTS = [*TEXTS, *BROKEN, *long_texts()]


def ask(**request):
    texts = [text.encode() if isinstance(text, str) else text for text in request["texts"]]
    line = json.dumps({**request, "texts": [text.hex() for text in texts]})
    done = subprocess.run([BUILD / "bin/tokenize_program"], input=line + "\n", capture_output=True,
                          text=True, timeout=300, check=True)
    answer = json.loads(done.stdout)
    assert "error" not in answer, answer["error"]
    return answer


def compare(expected, answer, texts):
    for text, want, ids in zip(texts, expected, answer["ids"], strict=True):
        assert ids == list(want), f"differs on {lossy(text)[:80]!r}"
    assert answer["streamed"] == answer["decoded"]


def need(path):
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


@pytest.mark.parametrize("parse_special", [True, False])
@pytest.mark.parametrize("folder", JSON_FOLDERS, ids=lambda folder: folder.name)
def test_tokenizer_json_gives_the_ids_of_tokenizers(folder, parse_special):
    peer = Tokenizer.from_file(str(need(folder / "tokenizer.json")))
    peer.encode_special_tokens = not parse_special
    for add_special in (True, False):
        answer = ask(folder=str(folder), texts=ALL_TEXTS, add_special=add_special,
                     parse_special=parse_special)
        expected = [peer.encode(lossy(text), add_special_tokens=add_special).ids
                    for text in ALL_TEXTS]
        compare(expected, answer, ALL_TEXTS)


@pytest.mark.parametrize("folder", [folder for folder in JSON_FOLDERS
                                    if folder.name != "TinyStories-656K"],
                         ids=lambda folder: folder.name)
def test_decoding_gives_the_text_of_tokenizers(folder):
    # Left out: a folder whose special tokens the peer prints with a space that no text had.
    peer = Tokenizer.from_file(str(need(folder / "tokenizer.json")))
    answer = ask(folder=str(folder), texts=ALL_TEXTS)
    for ids, text in zip(answer["ids"], answer["decoded"], strict=True):
        assert peer.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("file", SENTENCEPIECE_FILES, ids=lambda file: file.name)
def test_tokenizer_model_gives_the_ids_of_sentencepiece(file, tmp_path):
    peer = sentencepiece.SentencePieceProcessor(model_file=str(need(file)))
    shutil.copy(file, tmp_path / "tokenizer.model")
    answer = ask(folder=str(tmp_path), texts=ALL_TEXTS, parse_special=False)
    compare([peer.encode(lossy(text)) for text in ALL_TEXTS], answer, ALL_TEXTS)
    assert (answer["bos"], answer["eos"]) == (peer.bos_id(), peer.eos_id())


def open_bpe(name):
    folder = need(REAL / name)
    pattern, normalizer, whole_words = BPE_FOLDERS[name]
    model = models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    model.ignore_merges = whole_words
    peer = Tokenizer(model)
    steps = [cut.ByteLevel(add_prefix_space=False, use_regex=pattern is None)]
    if pattern:
        steps.insert(0, cut.Split(Regex(pattern), "isolated"))
    peer.pre_tokenizer = cut.Sequence(steps)
    if normalizer:
        peer.normalizer = normalizer
    return peer


@pytest.mark.parametrize("name", BPE_FOLDERS)
def test_vocab_and_merges_give_the_ids_of_tokenizers(name):
    answer = ask(folder=str(need(REAL / name)), texts=ALL_TEXTS, parse_special=False)
    peer = open_bpe(name)
    compare([peer.encode(lossy(text)).ids for text in ALL_TEXTS], answer, ALL_TEXTS)


def test_tiktoken_ranks_give_the_ids_of_the_converted_vocabulary():
    answer = ask(folder=str(need(REAL / "llama3")), texts=ALL_TEXTS, parse_special=False)
    peer = open_bpe("llama3.2-bpe")
    compare([peer.encode(lossy(text)).ids for text in ALL_TEXTS], answer, ALL_TEXTS)


def test_a_word_list_gives_the_ids_of_tokenizers():
    folder = need(REAL / "bert-base-uncased")
    peer = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    answer = ask(folder=str(folder), texts=ALL_TEXTS, add_special=True)
    compare([peer.encode(lossy(text)).ids for text in ALL_TEXTS], answer, ALL_TEXTS)


# llama.cpp stops the program on a character that a vocabulary without byte pieces cannot spell.
KNOWN_CHARACTERS = {
    "TinyStories-656K": ["Once upon a time, Tom said \"hi\".", "  two  spaces ", "one\ntwo",
                         "<|start_story|>a<|end_story|>b"],
    "books-7m": ["It was the best of times; it was the worst of times.", "  two  spaces ",
                 "He said--\"No!\" \u2014 (and left).", "Mr. Z, 1859"],
}


@pytest.mark.parametrize("parse_special", [True, False])
@pytest.mark.parametrize("name", ["tiny-storyteller", "TinyStories-656K", "books-7m"])
def test_a_converted_model_gives_the_ids_of_llama_cpp_and_of_its_folder(
        product, llama_cpp, tmp_path, name, parse_special):
    folder = JSON_FOLDERS[0] if name == "tiny-storyteller" else need(DATA / "models" / name)
    file = str(product.convert(folder, tmp_path / "out", ["Q8_0"])["Q8_0"])
    texts = KNOWN_CHARACTERS.get(name, [*TEXTS, *long_texts()])
    for add_special in (True, False):
        options = {"texts": texts, "add_special": add_special, "parse_special": parse_special}
        answer = ask(gguf=file, **options)
        compare(llama_cpp.ask(op="tokenize", model=file, **options)["ids"], answer, texts)
        # In the folder this one matches special tokens in normalized text: what follows them gets
        # no space prefix, which llama.cpp puts there.
        bare = [text for text in texts if name != "TinyStories-656K" or "<|" not in text]
        options["texts"] = bare
        answer = ask(gguf=file, **options)
        compare(ask(folder=str(folder), **options)["ids"], answer, bare)
    described = llama_cpp.ask(op="describe", model=file)
    for key in ("bos", "eos", "end_of_generation"):
        assert answer[key] == described[key], key
