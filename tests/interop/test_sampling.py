# SPDX-License-Identifier: Apache-2.0
"""Each stage of the sampler leaves the candidates and probabilities that llama.cpp's leaves."""

import numpy as np
import pytest

from conftest import BUILD
from sampling import PIECES, Probe, token_of, write_vocabulary

SIZE = len(PIECES)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.gguf"
    write_vocabulary(path)
    return str(path)


def random_logits(seed, spread):
    return np.random.default_rng(seed).normal(0, spread, SIZE).astype(np.float32).tolist()


def random_history(seed, length, alphabet=12):
    return np.random.default_rng(seed).integers(3 + 256, 3 + 256 + alphabet, length).tolist()


REPEATING = [token_of(word) for word in ["the", "x", "y", "z", "a", "the", "x", "y", "z"]]
BREAKING = [token_of(word) for word in ["x", "y", "z", "A", "\n", "z", "A", "b", "y", "z", "A"]]
WITHIN_WORD = [token_of(word) for word in ["x", "y", "z", ": ", "x", "y", "z"]]
BREAKERS = ["\n", ":", '"', "*"]


def dry(history, multiplier=0.8, base=1.75, allowed=2, last_n=-1, breakers=None):
    breakers = BREAKERS if breakers is None else breakers
    options = {
        "dry_multiplier": multiplier,
        "dry_base": base,
        "dry_allowed_length": allowed,
        "dry_last_n": last_n,
        "dry_breakers": breakers,
    }
    # The library takes -1 as nothing: its callers replace it by the size of the context.
    stage = ["dry", multiplier, base, allowed, 4096 if last_n == -1 else last_n, breakers]
    return options, [stage], history


def penalties(history, last_n, repeat, frequency, presence):
    options = {"last_n": last_n, "repeat": repeat, "frequency": frequency, "presence": presence}
    return options, [["penalties", SIZE, last_n, repeat, frequency, presence]], history


# options of ours, the library's stages, the tokens before
CASES = {
    "nothing": ({}, [], []),
    "top_k": ({"top_k": 7}, [["top_k", 7]], []),
    "top_k_1": ({"top_k": 1}, [["top_k", 1]], []),
    "top_p": ({"top_p": 0.9}, [["top_p", 0.9, 0]], []),
    "top_p_small": ({"top_p": 0.01}, [["top_p", 0.01, 0]], []),
    "top_p_keeps_5": ({"top_p": 0.01, "min_keep": 5}, [["top_p", 0.01, 5]], []),
    "min_p": ({"min_p": 0.05}, [["min_p", 0.05, 0]], []),
    "min_p_1": ({"min_p": 1.0}, [["min_p", 1.0, 0]], []),
    "min_p_keeps_9": ({"min_p": 0.9, "min_keep": 9}, [["min_p", 0.9, 9]], []),
    "typical": ({"typical_p": 0.7}, [["typical", 0.7, 0]], []),
    "typical_narrow": ({"typical_p": 0.1}, [["typical", 0.1, 0]], []),
    "typical_keeps_6": ({"typical_p": 0.01, "min_keep": 6}, [["typical", 0.01, 6]], []),
    "temperature": ({"temperature": 0.3}, [["temp", 0.3]], []),
    "temperature_high": ({"temperature": 3.0}, [["temp", 3.0]], []),
    "xtc": ({"xtc_probability": 1.0, "xtc_threshold": 0.02}, [["xtc", 1.0, 0.02, 0, 1]], []),
    "xtc_keeps": (
        {"xtc_probability": 1.0, "xtc_threshold": 0.001, "min_keep": SIZE},
        [["xtc", 1.0, 0.001, SIZE, 1]],
        [],
    ),
    "bias": (
        {"logit_bias": [[5, 4.0], [300, -3.5], [5, 1.0]]},
        [["logit_bias", SIZE, [[5, 4.0], [300, -3.5], [5, 1.0]]]],
        [],
    ),
    "repeat": penalties(random_history(1, 40), 64, 1.3, 0.0, 0.0),
    "frequency": penalties(random_history(2, 40), 64, 1.0, 0.3, 0.0),
    "presence": penalties(random_history(3, 40), 64, 1.0, 0.0, 0.7),
    "all_penalties": penalties(random_history(4, 40), 64, 1.1, 0.2, 0.3),
    "short_memory": penalties(random_history(5, 40), 5, 1.2, 0.2, 0.3),
    "no_memory": penalties(random_history(5, 40), 0, 1.2, 0.2, 0.3),
    "dry": dry(REPEATING),
    "dry_longer": dry(REPEATING, allowed=5),
    "dry_breaks": dry(BREAKING, allowed=1),
    "dry_breaks_late": dry(BREAKING, allowed=3),
    "dry_in_word": dry(WITHIN_WORD),
    "dry_no_breakers": dry(WITHIN_WORD, breakers=["#"]),
    "dry_random": dry(random_history(6, 300, 3), allowed=3),
    "dry_window": dry(random_history(7, 300, 3), allowed=2, last_n=30),
    "dry_steep": dry(random_history(8, 200, 2), multiplier=2.0, base=4.0),
    "dry_base_1": dry(random_history(9, 200, 2), multiplier=2.0, base=1.0),
    "chain": (
        {"top_k": 40, "typical_p": 0.95, "top_p": 0.9, "min_p": 0.02, "temperature": 0.7},
        [["top_k", 40], ["typical", 0.95, 0], ["top_p", 0.9, 0], ["min_p", 0.02, 0], ["temp", 0.7]],
        [],
    ),
    "chain_of_all": (
        {
            "logit_bias": [[270, 3.0]],
            "last_n": 20,
            "repeat": 1.1,
            "dry_multiplier": 0.8,
            "top_k": 60,
            "typical_p": 0.9,
            "top_p": 0.95,
            "min_p": 0.01,
            "xtc_probability": 1.0,
            "xtc_threshold": 0.1,
            "temperature": 1.4,
        },
        [
            ["logit_bias", SIZE, [[270, 3.0]]],
            ["penalties", SIZE, 20, 1.1, 0.0, 0.0],
            ["dry", 0.8, 1.75, 2, 4096, BREAKERS],
            ["top_k", 60],
            ["typical", 0.9, 0],
            ["top_p", 0.95, 0],
            ["min_p", 0.01, 0],
            ["xtc", 1.0, 0.1, 0, 1],
            ["temp", 1.4],
        ],
        random_history(10, 60, 4),
    ),
}


def probabilities(candidates):
    logits = np.array([logit for _, logit in candidates], dtype=np.float64)
    weights = np.exp(logits - logits.max())
    return {int(i): p for (i, _), p in zip(candidates, weights / weights.sum())}


def check_same(found, expected, what):
    """Both map ids to probabilities."""
    different = sorted(found.keys() ^ expected.keys())
    assert not different, f"{what}: {different[:10]} are candidates on one side only"
    far = [t for t, p in expected.items() if abs(found[t] - p) > 2e-5 * p + 1e-7]
    assert not far, f"{what}: {[(t, found[t], expected[t]) for t in far[:5]]}"


@pytest.mark.parametrize("spread", [0.5, 2.0, 8.0])
def test_stages_leave_the_same_candidates(llama_cpp, vocabulary, spread):
    probe = Probe(BUILD / "bin/sampling_probe")
    runs = [
        (name, seed, *case)
        for name, case in CASES.items()
        for seed in range(4)
    ]
    ours = probe.ask_all([
        {
            "op": "distribution",
            "options": options,
            "history": history,
            "logits": random_logits(seed, spread),
        }
        for _, seed, options, _, history in runs
    ])
    theirs = llama_cpp.ask(
        op="samplers",
        model=vocabulary,
        cases=[
            {"stages": stages, "history": history, "logits": random_logits(seed, spread)}
            for _, seed, _, stages, history in runs
        ],
    )["candidates"]
    for (name, seed, *_), our, their in zip(runs, ours, theirs):
        assert "error" not in our, f"{name}: {our}"
        expected = probabilities(their)
        found = dict(our["answer"])
        check_same(found, expected, f"{name}, seed {seed}")


def test_mirostat_leaves_the_same_candidates(llama_cpp, vocabulary):
    """The library's stage also draws; it is seen by the set that is left."""
    probe = Probe(BUILD / "bin/sampling_probe")
    for seed in range(6):
        for tau in (0.5, 2.0, 3.0):
            logits = random_logits(seed, 2.0)
            found = probe.ask(
                op="distribution", options={"mirostat_tau": tau}, history=[], logits=logits
            )
            (their,) = llama_cpp.ask(
                op="samplers",
                model=vocabulary,
                cases=[{"stages": [["mirostat_v2", 1, tau, 0.1]], "logits": logits}],
            )["candidates"]
            expected = probabilities(their)
            check_same(dict(found), expected, f"seed {seed}, tau {tau}")
