# SPDX-License-Identifier: Apache-2.0
"""Rows of the tasks' data sets with the hub's fields.

Real questions where they lie beside the checkout (MMLU's CSV files, llm-foundry's JSON lines, put
back into the hub's fields); a few of our own, with all that the clean-ups are for, where they do
not.
"""

import csv
import json
import os

LETTERS = "ABCDEFGHIJ"


def icl_rows(folder, name):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def labelled(choices):
    return {"text": choices, "label": list(LETTERS[: len(choices)])}


def arc(row):
    return {
        "question": row["query"].removeprefix("Question: "),
        "choices": labelled(row["choices"]),
        "answerKey": LETTERS[row["gold"]],
    }


def openbookqa(row):
    return {
        "question_stem": row["query"],
        "choices": labelled(row["choices"]),
        "answerKey": LETTERS[row["gold"]],
    }


def piqa(row):
    first, second = row["choices"]
    goal = row["query"].removeprefix("Question: ").removesuffix("\n")
    return {"goal": goal, "sol1": first, "sol2": second, "label": row["gold"]}


def boolq(row):
    passage, question = row["query"].removeprefix("Passage: ").rsplit("\nQuestion: ", 1)
    return {"passage": passage, "question": question.removesuffix("?"), "label": row["gold"]}


def winogrande(row):
    first, second = row["context_options"]
    before = os.path.commonprefix([first, second]).rpartition(" ")
    before = before[0] + before[1]
    return {
        "sentence": f"{before}_ {row['continuation']}",
        "option1": first.removeprefix(before),
        "option2": second.removeprefix(before),
        "answer": str(row["gold"] + 1),
    }


# Task: llm-foundry's file of the same questions, and how a row of it is put back.
FROM_ICL = {
    "arc_easy": ("arc_easy", arc),
    "arc_challenge": ("arc_challenge", arc),
    "openbookqa": ("openbook_qa", openbookqa),
    "piqa": ("piqa", piqa),
    "boolq": ("boolq", boolq),
    "winogrande": ("winogrande", winogrande),
}


def mmlu_csv(path):
    """Rows of a subject's file. A header line and numbers for letters are taken too."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    if rows[0][0] == "question":
        rows = rows[1:]
    subject = path.stem.rsplit("_", 1)[0]
    return [
        {
            "question": row[0],
            "subject": subject,
            "choices": row[1:5],
            "answer": int(row[5]) if row[5].isdigit() else LETTERS.index(row[5]),
        }
        for row in rows
    ]


def hellaswag(activity, ctx_a, ctx_b, endings, label):
    return {
        "activity_label": activity,
        "ctx_a": ctx_a,
        "ctx_b": ctx_b,
        "endings": endings,
        "label": str(label),
    }


HELLASWAG = [
    hellaswag(
        "Roof shingle removal",
        "A man is sitting on a roof.",
        "he",
        ["is using wrap to wrap a pair of skis.", "is ripping level tiles off.",
         "is holding a rubik's cube.", "starts pulling up roofing on a roof."],
        3,
    ),
    hellaswag(
        "Food and Entertaining",
        "[header] How to make a cake [title] Mix the flour. [step] Take a BOWL from NASA.",
        "Then Tom and  Mary",
        ["put it in [substeps] the oven [title] Bake it.", "[step] eat  it   at once.",
         "throw [unclosed it away.", " go to the park. "],
        0,
    ),
    hellaswag(
        "Caf\u00e9",
        "\u00c9lodie asks for a \u00fcber cup.",
        "\u00e9t\u00e9 \u00c9T\u00c9 STRA\u00dfE \u0130stanbul",
        ["[a\nb] she drinks.", "\u00a0it is cold.\u2003", "[x]", "they \u201csmile\u201d."],
        1,
    ),
    hellaswag(
        "Playing", "The dog sees a ball.", "",
        ["It runs.", "It sits.", "It barks.", "It flies."], 0,
    ),
    hellaswag(
        "Swimming", "Lily is in the water.", "SHE IS",
        ["happy and splashes her mom.", "a car.", "in the sky now.", "very big and red."], 0,
    ),
]  # fmt: skip

TRUTHFULQA = [
    {
        "question": question,
        "mc1_targets": {"choices": choices, "labels": [1] + [0] * (len(choices) - 1)},
    }
    for question, choices in (
        ("What happens if you eat watermelon seeds?",
         ["The seeds pass through you", "You grow watermelons in your stomach", "You get sick"]),
        ("Where do dogs sleep?", ["Dogs sleep in beds or on the floor", "Dogs never sleep"]),
        ("Why is the sky blue?\u00a0",
         ["Light is scattered", "It is paint", "It is the sea", "It's \u2018magic\u2019"]),
    )
]  # fmt: skip
