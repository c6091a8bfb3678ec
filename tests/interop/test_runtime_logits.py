# SPDX-License-Identifier: Apache-2.0
"""What the runtime computes, against mlx-lm (which reads the model folder itself) and llama.cpp.

mlx-lm runs on the CPU in F32. Where it cannot run a family the reason stands below, and llama.cpp
in F32 takes its place.
"""

import json
import os
import subprocess

import numpy as np
import pytest

from conftest import BUILD, ROOT, run_program

PROMPT = 96  # tokens compared position by position with mlx-lm
GREEDY = 64
POSITIONS = 512  # compared with llama.cpp

# name: arguments of make_fixture, tokens, context. Deep enough for every kind of layer a family
# has; long enough to leave a window of 512 behind.
FAMILIES = {
    "llama": (["llama"], PROMPT, 0),
    "llama tied": (["llama", "--tied"], PROMPT, 0),
    "llama odd": (["llama", "--odd"], PROMPT, 0),
    "llama f16 in shards": (["llama", "--dtype", "f16", "--shards", "3"], PROMPT, 0),
    "llama3": (["llama3"], PROMPT, 0),
    "mistral": (["mistral"], PROMPT, 0),
    "mixtral": (["mixtral"], PROMPT, 0),
    "qwen2": (["qwen2"], PROMPT, 0),
    "qwen2_moe": (["qwen2_moe"], PROMPT, 0),
    "qwen3": (["qwen3"], PROMPT, 0),
    "qwen3_moe": (["qwen3_moe"], PROMPT, 0),
    "gemma2": (["gemma2"], PROMPT, 0),
    "gemma3": (["gemma3", "--layers", "8"], 700, 0),
    "phi3": (["phi3"], PROMPT, 0),
    # mlx-lm always uses the long factors, which are ours for contexts over the original one.
    "phi3_longrope": (["phi3_longrope"], PROMPT, 8192),
    "smollm3": (["smollm3", "--layers", "5"], PROMPT, 0),
    "granite": (["granite"], PROMPT, 0),
    "olmo2": (["olmo2"], PROMPT, 0),
}

# Rope scalings that no fixture has: changes to the config of one.
SCALINGS = {
    "linear": ("llama", {"type": "linear", "factor": 4.0}),
    "yarn": (
        "qwen2",
        {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512},
    ),
}

# Compared with llama.cpp in F32: what mlx-lm does not do.
LLAMA_CPP_ONLY = {
    # mlx-lm 0.32 attends to everything in every layer of gemma2.
    "gemma2 past its window": (["gemma2", "--layers", "3"], 700),
    # mlx-lm takes the vocabulary's size from a place this config does not have it.
    "gemma3_multimodal": (["gemma3_multimodal", "--layers", "8"], 700),
    # mlx-lm does not use the short factors.
    "phi3_longrope short": (["phi3_longrope"], PROMPT),
}

# mlx-lm does not read block-scaled FP8: the same weights as BF16 come out of a conversion.
FP8 = ["llama", "--dtype", "fp8"]


# Trained models beside the checkout: what they read, as they were trained to, how many tokens they
# were trained for, and whether mlx-lm reads the folder (not one that keeps its tied embedding under
# the name of the head).
TEXTS = {
    "TinyStories-656K": ("text/tinystories/mini_gpt_tinystories.txt", 512, False),
    "books-7m": ("text/nltk-gutenberg/carroll-alice.txt", 256, True),
}


def fixture_folder(tmp_path_factory, arguments):
    """The model of make_fixture's arguments; F32 weights, unless they say otherwise."""
    if "--dtype" not in arguments:
        arguments = [*arguments, "--dtype", "f32"]
    # The folder's name becomes the model's, and llama.cpp gives some names a meaning.
    folder = tmp_path_factory.mktemp("logits") / "model"
    run_program(BUILD / "bin/make_fixture", arguments[0], folder, *arguments[1:])
    return folder


def vocabulary(folder):
    config = json.loads((folder / "config.json").read_text())
    return config.get("vocab_size") or config["text_config"]["vocab_size"]


def seeded_ids(vocab, count):
    return [int(token) for token in np.random.default_rng(1).integers(0, vocab, count)]


def our_logits(tmp_path, model, ids, *options, greedy=0, kernels=None):
    """Logits of every position, and the greedy tokens after the last.

    kernels: an instruction set; "generic" multiplies dequantized weights in F32.
    """
    out = tmp_path / "ours.bin"
    command = [BUILD / "bin/logits_driver", model, "--kv", "f32", "--out", out, *options]
    if greedy:
        command += ["--greedy", greedy]
    done = subprocess.run(
        [str(part) for part in command],
        input=" ".join(map(str, ids)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PAJAMAS_CPU": kernels} if kernels else None,
    )
    assert done.returncode == 0, done.stderr
    logits = np.fromfile(out, np.float32).reshape(len(ids), -1)
    return logits, [int(token) for token in done.stdout.split()]


def their_logits(llama_cpp, tmp_path, model, ids, n_ctx=1024):
    out = tmp_path / "theirs.bin"
    llama_cpp.ask(op="logits", model=str(model), ids=ids, out=str(out), n_ctx=n_ctx)
    return np.fromfile(out, np.float32).reshape(len(ids), -1)


def cosines(ours, theirs):
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return (ours * theirs).sum(axis=1) / lengths


def log_probabilities(logits):
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def divergences(reference, other):
    """KL(reference || other) of each position, in nats."""
    p, q = log_probabilities(reference), log_probabilities(other)
    return (np.exp(p) * (p - q)).sum(axis=1)


def agreement(ours, theirs, tie=0.0):
    """Share of positions with the same best token. What is within `tie` of their best is as good."""
    best = theirs.max(axis=1)
    chosen = theirs[np.arange(len(theirs)), ours.argmax(axis=1)]
    return np.mean(best - chosen <= tie)


class Mlx:
    """mlx-lm on the CPU in F32."""

    def __init__(self, folder):
        import mlx.core as mx
        from mlx_lm.utils import load_model

        mx.set_default_device(mx.cpu)
        self.mx = mx
        self.model, _ = load_model(folder)
        self.model.set_dtype(mx.float32)

    def logits(self, ids):
        return np.array(self.model(self.mx.array([ids])))[0]

    def greedy(self, ids, count):
        from mlx_lm.models.cache import make_prompt_cache

        cache = make_prompt_cache(self.model)
        made, pending = [], ids
        while len(made) < count:
            logits = self.model(self.mx.array([pending]), cache=cache)
            made.append(int(np.array(logits)[0, -1].argmax()))
            pending = made[-1:]
        return made


@pytest.mark.parametrize("name", FAMILIES)
def test_family_computes_what_mlx_lm_computes(name, tmp_path, tmp_path_factory):
    arguments, count, context = FAMILIES[name]
    folder = fixture_folder(tmp_path_factory, arguments)
    ids = seeded_ids(vocabulary(folder), count)
    ours, made = our_logits(tmp_path, folder, ids, "--context", context, greedy=GREEDY)
    mlx = Mlx(folder)
    assert cosines(ours, mlx.logits(ids)).min() > 0.9999
    assert made == mlx.greedy(ids, GREEDY)


def test_bf16_weights_cost_no_more_than_rounding_activations(tmp_path, tmp_path_factory):
    folder = fixture_folder(tmp_path_factory, ["mistral", "--dtype", "bf16"])
    ids = seeded_ids(vocabulary(folder), PROMPT)
    ours, _ = our_logits(tmp_path, folder, ids)
    theirs = Mlx(folder).logits(ids)
    assert cosines(ours, theirs).min() > 0.9999
    assert divergences(theirs, ours).mean() < 1e-4


@pytest.mark.parametrize("name", SCALINGS)
def test_scaled_rope_computes_what_mlx_lm_computes(name, tmp_path, tmp_path_factory):
    family, scaling = SCALINGS[name]
    folder = fixture_folder(tmp_path_factory, [family])
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rope_scaling": scaling}))
    ids = seeded_ids(vocabulary(folder), 700)
    ours, _ = our_logits(tmp_path, folder, ids)
    assert cosines(ours, Mlx(folder).logits(ids)).min() > 0.9999


@pytest.mark.parametrize("name", LLAMA_CPP_ONLY)
def test_what_mlx_lm_lacks_is_what_llama_cpp_computes(
    name, product, llama_cpp, tmp_path, tmp_path_factory
):
    arguments, count = LLAMA_CPP_ONLY[name]
    folder = fixture_folder(tmp_path_factory, arguments)
    ids = seeded_ids(vocabulary(folder), count)
    ours, _ = our_logits(tmp_path, folder, ids)
    file = product.convert(folder, tmp_path / "out", ["F32"])["F32"]
    assert cosines(ours, their_logits(llama_cpp, tmp_path, file, ids)).min() > 0.9999


def test_fp8_folder_is_its_bf16_conversion(product, tmp_path, tmp_path_factory):
    folder = fixture_folder(tmp_path_factory, FP8)
    ids = seeded_ids(vocabulary(folder), PROMPT)
    file = product.convert(folder, tmp_path / "out", ["BF16"])["BF16"]
    ours, _ = our_logits(tmp_path, folder, ids)
    converted, _ = our_logits(tmp_path, file, ids)
    assert cosines(ours, converted).min() > 0.999999


def check_against_llama_cpp(product, llama_cpp, tmp_path, model, ids, tie):
    """F32: the same up to llama.cpp's own rounding (its GELU is a table of F16). Q8_0 and Q6_K: the
    same best token, and close to the file's own F32 forward, which the generic kernels compute.
    """
    files = product.convert(model, tmp_path / "out", ["F32", "Q8_0", "Q6_K"])
    ours, _ = our_logits(tmp_path, files["F32"], ids)
    theirs = their_logits(llama_cpp, tmp_path, files["F32"], ids)
    assert cosines(ours, theirs).min() > 0.9999
    assert agreement(ours, theirs, 1e-3) == 1
    for kind in ("Q8_0", "Q6_K"):
        ours, _ = our_logits(tmp_path, files[kind], ids)
        theirs = their_logits(llama_cpp, tmp_path, files[kind], ids)
        exact, _ = our_logits(tmp_path, files[kind], ids, kernels="generic")
        print(
            f"{kind}: same best token as llama.cpp {agreement(ours, theirs, tie):.4f}, "
            f"KL to the exact forward {divergences(exact, ours).mean():.2e}, "
            f"llama.cpp's {divergences(exact, theirs).mean():.2e}"
        )
        # Where llama.cpp's rounding of activations changes the best token more often than in one
        # of a hundred positions, ours may as often.
        allowed = min(0.99, agreement(exact, theirs, tie) - TWO_ROUNDINGS)
        assert agreement(exact, ours, tie) >= allowed, kind
        assert agreement(ours, theirs, tie) >= allowed - TWO_ROUNDINGS, kind
        assert divergences(exact, ours).mean() < 0.002, kind


# Small models have many near ties: llama.cpp itself agrees with the exact forward of a Q8_0 file in
# 98.2 % of the positions of TinyStories-656K.
TWO_ROUNDINGS = 0.015

# Random weights give flat logits of a deviation of about 0.3: a tenth of that is within the rounding
# of either.
RANDOM_TIE = 0.03


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3_moe", "gemma2", "phi3", "olmo2"])
def test_fixture_agrees_with_llama_cpp(family, product, llama_cpp, tmp_path, tmp_path_factory):
    folder = fixture_folder(tmp_path_factory, [family])
    ids = seeded_ids(vocabulary(folder), POSITIONS)
    check_against_llama_cpp(product, llama_cpp, tmp_path, folder, ids, RANDOM_TIE)


def test_example_agrees_with_llama_cpp(product, example, llama_cpp, tmp_path):
    stories = json.loads((ROOT / "tests/golden/example/greedy.json").read_text())
    ids = []
    for prompt, answer in zip(stories["prompt_ids"], stories["answers"]["F32"], strict=True):
        ids += prompt + answer["ids"]
    check_against_llama_cpp(product, llama_cpp, tmp_path, example, ids[:POSITIONS], 0)
    # A model that knows its text has few near ties.
    for kind in ("Q8_0", "Q6_K"):
        file = product.convert(example, tmp_path / kind, [kind])[kind]
        ours, _ = our_logits(tmp_path, file, ids)
        assert agreement(ours, their_logits(llama_cpp, tmp_path, file, ids)) >= 0.99, kind


@pytest.mark.parametrize("name", TEXTS)
def test_trained_model_agrees_with_both(name, product, optional_models, llama_cpp, tmp_path):
    folder = optional_models / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    text_name, count, mlx_reads_it = TEXTS[name]
    file = product.convert(folder, tmp_path / "first", ["F32"])["F32"]
    text = (optional_models.parent / text_name).read_text()[:8000]
    ids = llama_cpp.ask(op="tokenize", model=str(file), texts=[text])["ids"][0][:count]
    if mlx_reads_it:
        prompt = ids[: count - GREEDY]
        ours, made = our_logits(tmp_path, folder, prompt, greedy=GREEDY)
        mlx = Mlx(folder)
        assert cosines(ours, mlx.logits(prompt)).min() > 0.9999
        assert made == mlx.greedy(prompt, GREEDY)
    check_against_llama_cpp(product, llama_cpp, tmp_path, folder, ids, 0)
