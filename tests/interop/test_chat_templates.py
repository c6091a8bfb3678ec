# SPDX-License-Identifier: Apache-2.0
"""Chat templates give the same prompts as Python's jinja2 with the settings of transformers.

Texts are equal byte for byte, and what one refuses the other refuses. The templates of real models
lie beside the checkout or not at all; a few of the kinds that matter are below.
"""

import json
import os
import pathlib
import subprocess

import pytest

import chat_reference
from conversations import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PJ_BUILD", ROOT / "build"))
DATA = ROOT.parent / "shared/data"

OWN = {
    "own: chatml": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m.content + '<|im_end|>' }}\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "own: tools": "{%- macro show(tool, sep=', ') -%}{{ tool.name ~ sep ~ (tool | tojson(indent=2)) }}{%- endmacro %}\n"
    "{{ bos_token }}{% for t in tools or [] %}{{ show(t.function if t.function is defined else t) }}\n{% endfor %}\n"
    "{% generation %}{{ messages | selectattr('role', 'eq', 'user') | map(attribute='content') | list }}{% endgeneration %}\n"
    "{{ strftime_now('%d %b %Y') }} {{ messages }} {{ tools }} {{ documents }}",
}


def templates():
    found = dict(OWN)
    for path in sorted(DATA.glob("chat_templates/*/*.jinja")):
        found[f"{path.parent.name}/{path.name}"] = path.read_text()
    for path in sorted(DATA.glob("tokenizers/*/chat_template.jinja")):
        found[f"{path.parent.name}/{path.name}"] = path.read_text()
    for path in sorted(DATA.glob("tokenizers/*/tokenizer_config.json")):
        template = json.loads(path.read_text()).get("chat_template")
        named = template if isinstance(template, list) else [{"name": "default", "template": template}]
        for one in named:
            if one["template"]:
                found[f"{path.parent.name}/{path.name}:{one['name']}"] = one["template"]
    return found


TEMPLATES = templates()


def ask(questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(
        [str(BUILD / "bin/chat_template_driver")],
        input=lines.encode(),
        capture_output=True,
        timeout=300,
        check=False,
        env={**os.environ, "TZ": "UTC"},
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


def compare(named):
    names, questions = zip(*named)
    answers = ask(questions)
    assert len(answers) == len(questions)
    rendered, problems = 0, []
    for name, question, answer in zip(names, questions, answers):
        expected = chat_reference.render(question)
        if "error" in expected and "error" in answer:
            # A message of the template's own is passed on.
            kind, _, message = expected["error"].partition(": ")
            if kind == "TemplateError" and not (answer["refused"] and answer["error"].endswith(message)):
                problems.append(f"{name}\n  expected {expected}\n  found    {answer}")
        elif expected.get("text") != answer.get("text"):
            problems.append(f"{name}\n  expected {expected}\n  found    {answer}")
        else:
            rendered += 1
    assert not problems, f"{len(problems)} of {len(names)} differ:\n" + "\n".join(problems[:5])
    return rendered


@pytest.mark.parametrize("name", TEMPLATES)
def test_prompts_equal_those_of_jinja2(name):
    assert compare(list(requests(TEMPLATES[name]))) > 0


def test_real_templates_are_there():
    if len(TEMPLATES) == len(OWN):
        pytest.skip(f"no chat templates in {DATA}")
    assert len(TEMPLATES) > 60
