# SPDX-License-Identifier: Apache-2.0
"""Tasks by likelihood, question by question, against the real lm-evaluation-harness.

The harness makes the prompts and the scores; mlx-lm computes the logits (lm_harness.py). Each task
is run on the example model in F32, with the keys and values in F32 too.
"""

import json
import math

import pytest

from conftest import BUILD, ROOT, run_program
from lm_harness import MlxLM, run_harness
from task_rows import FROM_ICL, HELLASWAG, TRUTHFULQA, icl_rows, mmlu_csv

CONTEXT = 512  # what the example model was trained for
BOS = 1019
QUESTIONS = 4
TRAINING = 60  # rows to draw examples from

# Sums of up to a hundred log-probabilities, each of two F32 forward passes that round differently.
TOLERANCE = 2e-3

EVAL_DATA = ROOT.parent / "shared/data/eval"
# The split that a task's questions are from; examples are from "train".
QUESTION_SPLIT = {"arc_easy": "test", "arc_challenge": "test", "openbookqa": "test"}


@pytest.fixture(scope="session")
def f32_file(product, example, tmp_path_factory):
    return product.convert(example, tmp_path_factory.mktemp("tasks"), ["F32"])["F32"]


@pytest.fixture(scope="session")
def mlx_model(example):
    return MlxLM(example, CONTEXT, BOS)


class LlamaTokens:
    """SentencePiece as the Hugging Face library uses it for such a model: <s> before a text."""

    def __init__(self, path):
        import sentencepiece

        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def __call__(self, text, special):
        return self.processor.encode(text, add_bos=special)


def real_data(name):
    folder = EVAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def our_run(model, task, data, *options, context=CONTEXT):
    command = [BUILD / "bin/tasks_driver", model, task, data]
    command += ["--kv", "f32", "--context", context, "--threads", "2", *options]
    return json.loads(run_program(*command))


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def splits_of_task(task):
    """Rows by split: real ones, or our own where no real ones are at hand."""
    if task == "hellaswag":
        return {"train": HELLASWAG[::-1] * 2, "validation": HELLASWAG}
    if task == "truthfulqa_mc1":
        return {"validation": TRUTHFULQA}
    name, put_back = FROM_ICL[task]
    rows = [put_back(row) for row in icl_rows(real_data("llm-foundry"), name)]
    split = QUESTION_SPLIT.get(task, "validation")
    # Splits that a task names must exist, even when no question is taken from them.
    unused = {} if split == "validation" else {"validation": rows[-1:]}
    return {"train": rows[-TRAINING:], split: rows[:QUESTIONS], **unused}


def choices_of(sample):
    """Log-probability and greediness of each choice, as the harness got them."""
    return [(float(value), bool(is_greedy)) for ((value, is_greedy),) in sample["resps"]]


def check_items(ours, samples):
    """Each choice of each question; answers the largest difference."""
    assert len(ours) == len(samples)
    largest = 0
    samples = sorted(samples, key=lambda sample: sample["doc_id"])
    for item, sample in zip(ours, samples, strict=True):
        theirs = choices_of(sample)
        assert item["index"] == sample["doc_id"]
        assert len(item["choices"]) == len(theirs)
        for choice, (log_probability, greedy) in zip(item["choices"], theirs, strict=True):
            difference = abs(choice["log_probability"] - log_probability)
            assert difference < TOLERANCE, (item, theirs)
            assert choice["is_greedy"] == greedy, (item, theirs)
            largest = max(largest, difference)
    return largest


def right_answers(item, metric):
    """By the harness' rule, from our numbers."""
    lengths = {"acc_norm": "characters", "acc_token": "tokens"}

    def value(choice):
        length = choice.get(lengths.get(metric), 1)
        return choice["log_probability"] / length if length else -math.inf

    values = [value(choice) for choice in item["choices"]]
    return values.index(max(values)) == item["gold"]


def check_scores(ours, theirs):
    """Values and standard errors of every task and metric; answers how many there were."""
    for score in ours:
        result = theirs[score["task"]]
        assert score["value"] == pytest.approx(result[f"{score['metric']},none"], abs=1e-12), score
        error = result[f"{score['metric']}_stderr,none"]
        if error == "N/A":
            assert score["standard_error"] is None, score
        else:
            assert score["standard_error"] == pytest.approx(error, abs=1e-12), score
    return len(ours)


def compare(monkeypatch, tmp_path, f32_file, mlx_model, task, few_shot):
    splits = splits_of_task(task)
    for name, rows in splits.items():
        write_lines(tmp_path / f"{name}.jsonl", rows)
    ours = our_run(f32_file, task, tmp_path, "--few-shot", few_shot)
    theirs = run_harness(monkeypatch, mlx_model, task, lambda name: splits, few_shot)
    samples = theirs["samples"][task]
    largest = check_items(ours["items"], samples)
    for item, sample in zip(ours["items"], samples, strict=True):
        for metric in ("acc", "acc_norm"):
            if metric in sample:
                assert right_answers(item, metric) == bool(sample[metric]), (metric, item)
    assert check_scores(ours["scores"], theirs["results"]) > 0
    print(f"{task}, {few_shot} examples: {len(samples)} questions, differ by at most {largest:.1e}")


TASKS = [*FROM_ICL, "hellaswag", "truthfulqa_mc1"]


@pytest.mark.parametrize("task", TASKS)
def test_task_without_examples_is_the_harness_s(monkeypatch, tmp_path, f32_file, mlx_model, task):
    compare(monkeypatch, tmp_path, f32_file, mlx_model, task, 0)


# Above five examples Python draws in another way; boolq's passages then go beyond the context.
@pytest.mark.parametrize(
    ("task", "few_shot"),
    [("arc_easy", 2), ("openbookqa", 7), ("piqa", 3), ("boolq", 2), ("winogrande", 3),
     ("hellaswag", 2)],
)  # fmt: skip
def test_task_with_drawn_examples_is_the_harness_s(
    monkeypatch, tmp_path, f32_file, mlx_model, task, few_shot
):
    compare(monkeypatch, tmp_path, f32_file, mlx_model, task, few_shot)


def test_model_with_sentencepiece_tokens_is_the_harness_s(
    monkeypatch, tmp_path, product, optional_models
):
    folder = optional_models / "books-7m"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    model = MlxLM(folder, 256, 1, LlamaTokens(folder / "tokenizer.model"))
    file = product.convert(folder, tmp_path / "out", ["F32"])["F32"]
    for task in ("winogrande", "hellaswag"):
        splits = splits_of_task(task)
        data = write_lines(tmp_path / f"{task}.jsonl", splits["validation"])
        ours = our_run(file, task, data, context=256)
        theirs = run_harness(monkeypatch, model, task, lambda name, splits=splits: splits)
        check_items(ours["items"], theirs["samples"][task])
        assert check_scores(ours["scores"], theirs["results"]) > 0


def mmlu_splits(folder):
    """Of a subject, as its data set on the hub has them."""

    def splits(subject):
        rows = mmlu_csv(folder / f"test/{subject}_test.csv")
        return {
            "test": rows,
            "validation": rows[-1:],
            "dev": mmlu_csv(folder / f"dev/{subject}_dev.csv"),
        }

    return splits


@pytest.mark.parametrize(("few_shot", "limit"), [(0, 1), (2, 1)])
def test_mmlu_files_give_the_harness_s_scores(monkeypatch, f32_file, mlx_model, few_shot, limit):
    folder = real_data("mmlu")
    ours = our_run(f32_file, "mmlu", folder, "--few-shot", few_shot, "--limit", limit)
    theirs = run_harness(monkeypatch, mlx_model, "mmlu", mmlu_splits(folder), few_shot, limit)
    largest, questions = 0, 0
    for name, samples in theirs["samples"].items():
        subject = name.removeprefix("mmlu_")
        items = [item for item in ours["items"] if item["subject"] == subject]
        largest = max(largest, check_items(items, samples))
        questions += len(items)
    assert questions == len(ours["items"]) == 57 * limit
    results = theirs["results"] | theirs["groups"]
    assert check_scores(ours["scores"], results) == 57 + 4 + 1
    print(f"mmlu, {few_shot} examples: {questions} questions, differ by at most {largest:.1e}")


def hub_rows(rows):
    """As the hub's data server answers."""
    return {
        "features": [],
        "rows": [{"row_idx": i, "row": row, "truncated_cells": []} for i, row in enumerate(rows)],
        "num_rows_total": len(rows),
        "partial": False,
    }


def original_csv(rows):
    """As MMLU's authors publish it: no header, letters."""
    lines = []
    for row in rows:
        cells = [row["question"], *row["choices"], "ABCD"[row["answer"]]]
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    return "\r\n".join(lines) + "\r\n"


def test_all_layouts_of_mmlu_ask_the_same(tmp_path, f32_file):
    folder = real_data("mmlu")
    subjects = ["anatomy", "high_school_us_history", "moral_disputes"]
    rows, dev = [], []
    for kind, into in (("test", rows), ("dev", dev)):
        (tmp_path / f"csv/{kind}").mkdir(parents=True)
        for subject in subjects:
            some = mmlu_csv(folder / f"{kind}/{subject}_{kind}.csv")[:8]
            into += some
            path = tmp_path / f"csv/{kind}/{subject}_{kind}.csv"
            path.write_text(original_csv(some), newline="")
    (tmp_path / "lines").mkdir()
    write_lines(tmp_path / "lines/test.jsonl", rows)
    write_lines(tmp_path / "lines/dev.jsonl", dev)
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows/test.json").write_text(json.dumps(hub_rows(rows)))
    (tmp_path / "rows/dev.json").write_text(json.dumps(dev, indent=1))
    runs = [
        our_run(f32_file, "mmlu", tmp_path / layout, "--few-shot", 3)
        for layout in ("csv", "lines", "rows")
    ]
    assert len(runs[0]["items"]) == 24
    assert runs[0] == runs[1] == runs[2]


# llm-foundry's tasks.yaml says what stands behind the context.
ICL = {
    "arc_easy": "\nAnswer:",
    "arc_challenge": "\nAnswer:",
    "boolq": "\nAnswer:",
    "commonsense_qa": "",
    "copa": "",
    "openbook_qa": "",
    "piqa": "\nAnswer:",
    "siqa": "",
    "winograd": "",
    "winogrande": "",
    "jeopardy": "\nAnswer:",
    "lambada_openai": "",
    "simple_arithmetic_nospaces": "",
}
ICL_FILES = {"winograd": "winograd_wsc", "jeopardy": "jeopardy_all"}


def icl_pairs(row, behind):
    """Contexts and continuations of a row, whatever its layout is."""
    if "query" in row:
        return [(row["query"] + behind, choice) for choice in row["choices"]]
    if "context_options" in row:
        return [(context + behind, row["continuation"]) for context in row["context_options"]]
    return [(row["context"] + behind, row["continuation"])]


@pytest.mark.parametrize("name", ICL)
def test_llm_foundry_layout_is_scored_like_the_harness_would(name, f32_file, mlx_model):
    path = real_data("llm-foundry") / f"{ICL_FILES.get(name, name)}.jsonl"
    ours = our_run(f32_file, f"llm_foundry_{name}", path, "--limit", 3)
    rows = icl_rows(path.parent, path.stem)[:3]
    for item, row in zip(ours["items"], rows, strict=True):
        pairs = icl_pairs(row, ICL[name])
        requests = [
            ((context, ending), *mlx_model._encode_pair(context, f" {ending}"))
            for context, ending in pairs
        ]
        theirs = mlx_model._loglikelihood_tokens(requests)
        assert item["gold"] == row.get("gold", 0)
        for choice, request, (log_probability, greedy) in zip(
            item["choices"], requests, theirs, strict=True
        ):
            assert choice["log_probability"] == pytest.approx(log_probability, abs=TOLERANCE)
            assert choice["is_greedy"] == greedy
            assert choice["tokens"] == len(request[2])
            assert choice["characters"] == len(request[0][1])
    for score in ours["scores"]:
        if name in ("jeopardy", "lambada_openai", "simple_arithmetic_nospaces"):
            right = [item["choices"][0]["is_greedy"] for item in ours["items"]]
        else:
            right = [right_answers(item, score["metric"]) for item in ours["items"]]
        mean = sum(right) / len(right)
        assert score["value"] == pytest.approx(mean)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in right) / (len(right) - 1))
        assert score["standard_error"] == pytest.approx(deviation / math.sqrt(len(right)))


def test_interrupted_run_goes_on_where_it_stopped(tmp_path, f32_file):
    path = real_data("llm-foundry") / "copa.jsonl"
    whole = our_run(f32_file, "llm_foundry_copa", path)
    file = tmp_path / "results.jsonl"
    first = our_run(f32_file, "llm_foundry_copa", path, "--limit", 30, "--results", file)
    assert first["resumed_items"] == 0
    # As a kill leaves it: the last line cut short.
    file.write_text(file.read_text()[:-40])
    second = our_run(f32_file, "llm_foundry_copa", path, "--results", file)
    assert second["resumed_items"] == 29
    assert second["items"] == whole["items"]
    assert second["scores"] == whole["scores"]
    third = our_run(f32_file, "llm_foundry_copa", path, "--results", file)
    assert third["resumed_items"] == 100 and third["computed_tokens"] == 0
    assert third["items"] == whole["items"]
