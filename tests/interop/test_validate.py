# SPDX-License-Identifier: Apache-2.0
"""What `validate` measures, against llama.cpp's algorithm and mlx-lm's logits on the example model.

The text is stories the example model has not been trained on.
"""

import json
import sys

import numpy as np
import pytest

import kl_base
from conftest import BUILD, ROOT, run_program
from test_runtime_logits import Mlx, log_probabilities

sys.path.insert(0, str(ROOT / "examples"))
import pajama_stories  # noqa: E402

STORIES = 60
CONTEXT = 256
ORDER = ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K"]
EQUAL = 1e-3  # 0.1 %


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    stories = [s for s in pajama_stories.documents(424242, 2 * STORIES) if isinstance(s, str)]
    path = tmp_path_factory.mktemp("text") / "stories.txt"
    path.write_text("\n\n".join(stories[:STORIES]) + "\n")
    return path


@pytest.fixture(scope="module")
def files(product, example, tmp_path_factory):
    return product.convert(example, tmp_path_factory.mktemp("validate"), ["F32", *ORDER])


def validate(*arguments):
    command = [BUILD / "bin/llama-pajamas-quant", "validate", "--json", "-q", "--threads", "1",
               *arguments]
    return json.loads(run_program(*command))


def perplexity(model, method="llama.cpp"):
    return next(p for p in model["perplexity"] if p["method"] == method)


def measured(files, text, *arguments):
    """The model of each file, by type, without an original."""
    paths = [part for path in files.values() for part in ("--quantized", path)]
    result = validate(*paths, "--dataset", text, "--context", CONTEXT, *arguments)
    return dict(zip(files, result["quantized"], strict=True))


@pytest.mark.parametrize("kind", ["F32", "Q8_0", "Q4_K_M"])
def test_perplexity_is_llama_perplexitys(kind, files, text, llama_cpp):
    ours = perplexity(measured({kind: files[kind]}, text)[kind])
    theirs = llama_cpp.ask(
        op="windows", model=str(files[kind]), text=text.read_text(), n_ctx=CONTEXT, n_batch=1024
    )
    nll = np.array(theirs["nll"])
    assert ours["windows"] == len(theirs["tokens"]) // CONTEXT
    assert ours["scored_tokens"] == len(nll)
    assert ours["perplexity"] == pytest.approx(np.exp(nll.mean()), rel=EQUAL)
    error = np.exp(nll.mean()) * np.sqrt(nll.var() / (len(nll) - 1))
    assert ours["standard_error"] == pytest.approx(error, rel=0.01)


@pytest.fixture(scope="module")
def example_tokens(files, text, llama_cpp):
    answer = llama_cpp.ask(op="tokenize", model=str(files["F32"]), texts=[text.read_text()],
                           add_special=True, parse_special=False)
    return answer["ids"][0]


def llama_windows_of_mlx(example, tokens):
    """F32 logits of mlx-lm for the scored positions of each window, and the tokens after them."""
    mlx, bos = Mlx(example), tokens[0]
    logits, targets = [], []
    for first in range(0, len(tokens) - CONTEXT + 1, CONTEXT):
        window = tokens[first : first + CONTEXT]
        rows = mlx.logits([bos, *window[1:]])
        logits.append(rows[CONTEXT // 2 : CONTEXT - 1])
        targets.append(window[CONTEXT // 2 + 1 :])
    return np.array(logits), np.array(targets)


def likelihoods(logits, targets):
    rows = log_probabilities(logits.reshape(-1, logits.shape[-1]))
    return -rows[np.arange(len(rows)), targets.ravel()]


def test_perplexity_of_the_original_is_that_of_mlx_lms_logits(example, text, example_tokens):
    nll = likelihoods(*llama_windows_of_mlx(example, example_tokens))
    result = validate("--quantized", example, "--dataset", text, "--context", CONTEXT)
    assert perplexity(result["quantized"][0])["perplexity"] == pytest.approx(
        np.exp(nll.mean()), rel=EQUAL
    )


def test_strided_perplexity_is_that_of_the_hugging_face_recipe(example, text, example_tokens):
    stride, mlx = 64, Mlx(example)
    total, count, before = 0.0, 0, 0
    for begin in range(0, len(example_tokens), stride):
        end = min(begin + CONTEXT, len(example_tokens))
        rows = log_probabilities(mlx.logits(example_tokens[begin:end]))
        new = end - before
        targets = example_tokens[max(end - new, begin + 1) : end]
        nll = [-rows[len(rows) - 1 - len(targets) + at, token] for at, token in enumerate(targets)]
        # The recipe weighs a window's mean by its new tokens less one.
        total += float(np.mean(nll)) * (new - 1)
        count += new - 1
        before = end
        if end == len(example_tokens):
            break
    result = validate("--quantized", example, "--dataset", text, "--context", CONTEXT,
                      "--stride", stride, "--metrics", "perplexity-hf")
    ours = perplexity(result["quantized"][0], "hf")
    assert ours["perplexity"] == pytest.approx(np.exp(total / count), rel=EQUAL)


@pytest.fixture(scope="module")
def compared(files, example, text):
    paths = [part for kind in ORDER for part in ("--quantized", files[kind])]
    result = validate("--original", example, *paths, "--dataset", text, "--context", CONTEXT)
    return dict(zip(ORDER, result["quantized"], strict=True))


def test_divergence_grows_as_bits_shrink(compared):
    means = [compared[kind]["divergence"]["kl"]["mean"] for kind in ORDER]
    print(dict(zip(ORDER, means, strict=True)))
    assert means == sorted(means)
    assert means[0] > 0
    agreements = [compared[kind]["divergence"]["top1_agreement"] for kind in ORDER]
    assert agreements[0] > agreements[-1]


def divergence(reference, other):
    """KL in nats of each row of log-probabilities."""
    return (np.exp(reference) * (reference - other)).sum(axis=1)


def their_rows(llama_cpp, tmp_path, file, text, name):
    out = tmp_path / f"{name}.bin"
    answer = llama_cpp.ask(op="windows", model=str(file), text=text.read_text(), n_ctx=CONTEXT,
                           out=str(out))
    return answer["tokens"], np.fromfile(out, np.float32).reshape(len(answer["nll"]), -1)


@pytest.mark.parametrize("kind", ["Q4_K_M", "Q2_K"])
def test_divergence_is_that_of_the_whole_distributions(
    kind, files, example, text, compared, llama_cpp, tmp_path, example_tokens
):
    logits, targets = llama_windows_of_mlx(example, example_tokens)
    original = log_probabilities(logits.reshape(-1, logits.shape[-1]))
    _, rows = their_rows(llama_cpp, tmp_path, files[kind], text, kind)
    quantized = log_probabilities(rows)
    kl = divergence(original, quantized)
    ours = compared[kind]["divergence"]
    assert ours["positions"] == len(kl)
    # llama.cpp's rounding of activations is another than ours: some percent of a KL this small.
    assert ours["kl"]["mean"] == pytest.approx(kl.mean(), rel=0.15)
    assert ours["kl"]["p99"] == pytest.approx(np.quantile(kl, 0.99), rel=0.35)
    same = original.argmax(axis=1) == quantized.argmax(axis=1)
    assert ours["top1_agreement"] == pytest.approx(same.mean(), abs=0.01)
    at = np.arange(len(kl)), targets.ravel()
    change = np.exp(quantized[at]) - np.exp(original[at])
    assert ours["rms_probability_change"] == pytest.approx(np.sqrt((change**2).mean()), rel=0.15)


def test_a_model_does_not_diverge_from_itself(files, text, tmp_path):
    for kind in ("Q4_K_M", "F32"):
        result = validate("--original", files[kind], "--quantized", files[kind], "--dataset", text)
        kl = result["quantized"][0]["divergence"]
        assert kl["kl"]["maximum"] == 0
        assert kl["top1_agreement"] == 1
        assert kl["rms_probability_change"] == 0
        assert result["quantized"][0]["increase_pct"] == 0


def test_kept_logits_give_what_the_original_gives(files, example, text, compared, tmp_path):
    kept = tmp_path / "original.logits"
    common = ["--dataset", text, "--context", CONTEXT]
    first = validate("--original", example, "--save-logits", kept, *common)
    assert first["quantized"] == []
    again = validate("--logits", kept, "--quantized", files["Q3_K_M"])
    assert again["quantized"][0]["divergence"] == compared["Q3_K_M"]["divergence"]
    assert again["original"]["perplexity"][0]["perplexity"] == pytest.approx(
        first["original"]["perplexity"][0]["perplexity"], rel=1e-12
    )


def test_kl_base_file_holds_what_llama_perplexity_reads(
    files, text, llama_cpp, tmp_path, example_tokens
):
    path = tmp_path / "base.kld"
    validate("--original", files["F32"], "--save-logits", path, "--logits-format", "llama.cpp",
             "--dataset", text, "--context", CONTEXT)
    base = kl_base.read(path)
    chunks = len(example_tokens) // CONTEXT
    assert (base.n_ctx, base.tokens.shape) == (CONTEXT, (chunks, CONTEXT))
    assert base.tokens.ravel().tolist() == example_tokens[: chunks * CONTEXT]
    _, rows = their_rows(llama_cpp, tmp_path, files["F32"], text, "f32")
    expected = log_probabilities(rows).reshape(base.log_probabilities.shape)
    is_kept = expected > expected.max(axis=2, keepdims=True) - 15.9
    assert np.abs(base.log_probabilities - expected)[is_kept].max() < 0.01


def test_a_kl_base_file_of_llama_perplexity_is_read(
    files, text, llama_cpp, tmp_path, compared, example_tokens
):
    tokens, rows = their_rows(llama_cpp, tmp_path, files["F32"], text, "f32")
    chunks = len(tokens) // CONTEXT
    path = tmp_path / "theirs.kld"
    kl_base.write(path, np.array(tokens[: chunks * CONTEXT]).reshape(chunks, CONTEXT),
                  rows.reshape(chunks, kl_base.scored(CONTEXT), -1))
    result = validate("--logits", path, "--quantized", files["Q4_K_M"])
    nll = likelihoods(rows, np.array([tokens[c * CONTEXT + CONTEXT // 2 + 1 : (c + 1) * CONTEXT]
                                      for c in range(chunks)]))
    assert perplexity(result["original"])["perplexity"] == pytest.approx(
        np.exp(nll.mean()), rel=EQUAL
    )
    # The original here is F32 in llama.cpp, there BF16 in ours: the same weights.
    assert result["quantized"][0]["divergence"]["kl"]["mean"] == pytest.approx(
        compared["Q4_K_M"]["divergence"]["kl"]["mean"], rel=0.05
    )
