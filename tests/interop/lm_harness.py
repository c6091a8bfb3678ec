# SPDX-License-Identifier: Apache-2.0
"""The real lm-evaluation-harness over mlx-lm's logits, on rows that a test gives.

Prompts, splits, examples, scores and standard errors are the package's own; only its data sets are
replaced, because they would be downloaded, and its model, because its own one needs torch. The
model here answers as the package's documentation of TemplateLM demands: tokens of the Hugging Face
tokenizer, log-probabilities of the F32 logits of mlx-lm.
"""

import functools
import os
import pathlib

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import datasets
import lm_eval
import numpy as np
from lm_eval.api import task as harness_task
from lm_eval.api.model import TemplateLM
from lm_eval.evaluator import simple_evaluate
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer


class MlxLM(TemplateLM):
    """A model folder, run by mlx-lm on the CPU in F32.

    tokenize(text, special): its tokens, with those at the beginning if special; the folder's
    tokenizer.json unless something else is given.
    """

    def __init__(self, folder, max_length, bos_id, tokenize=None):
        super().__init__()
        import mlx.core as mx
        from mlx_lm.utils import load_model

        mx.set_default_device(mx.cpu)
        self.mx = mx
        self.model, _ = load_model(folder)
        self.model.set_dtype(mx.float32)
        if tokenize is None:
            tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tokenize = lambda text, special: tokens.encode(text, add_special_tokens=special).ids
        self.tokenize = tokenize
        self.max_length = max_length
        self.bos_id = bos_id

    @property
    def eot_token_id(self):
        return self.bos_id

    def tok_encode(self, string, add_special_tokens=None, **_):
        return self.tokenize(string, True if add_special_tokens is None else add_special_tokens)

    def log_probabilities(self, ids):
        logits = np.array(self.model(self.mx.array([ids])))[0].astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def _loglikelihood_tokens(self, requests, disable_tqdm=False, **_):
        answers, known = [], {}
        for _, context, continuation in requests:
            window = (context + continuation)[-(self.max_length + 1) :]
            inputs = tuple(window[:-1])
            if inputs not in known:
                known = {inputs: self.log_probabilities(list(inputs))}
            rows = known[inputs][-len(continuation) :]
            chosen = rows[np.arange(len(continuation)), continuation]
            answers.append((float(chosen.sum()), bool((rows.argmax(axis=1) == continuation).all())))
        return answers

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def generate_until(self, requests, disable_tqdm=False):
        raise NotImplementedError


def dataset(splits):
    """Rows by split, as the harness gets them from the hub."""
    return datasets.DatasetDict(
        {name: datasets.Dataset.from_list(rows) for name, rows in splits.items()}
    )


@functools.cache
def task_manager():
    """The package's own definitions of the tasks that are compared; all would take long to read."""
    folder = pathlib.Path(lm_eval.__file__).parent / "tasks"
    names = ("arc", "hellaswag", "mmlu/default", "openbookqa", "piqa", "super_glue/boolq",
             "truthfulqa", "winogrande")  # fmt: skip
    return TaskManager(include_path=[folder / name for name in names], include_defaults=False)


def run_harness(monkeypatch, model, task, splits_of, few_shot=0, limit=None):
    """The harness' results; splits_of(data set's config name) gives rows by split."""

    def load_dataset(path, name=None, **_):
        return dataset(splits_of(name))

    monkeypatch.setattr(harness_task.datasets, "load_dataset", load_dataset)
    return simple_evaluate(
        model=model,
        tasks=[task],
        num_fewshot=few_shot,
        limit=limit,
        bootstrap_iters=1,
        log_samples=True,
        task_manager=task_manager(),
    )
