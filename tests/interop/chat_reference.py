# SPDX-License-Identifier: Apache-2.0
"""Renders chat templates with Python's jinja2, with the environment of the transformers library.

Only jinja2 is needed. The golden data of the default tests is made with this too.
"""

import datetime
import functools
import json

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what the assistant wrote; its content is printed."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("print_body")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def print_body(self, caller):
        return caller()


class TemplateNamespace(jinja2.utils.Namespace):
    """Refuses names that start with an underscore."""

    def __init__(*args, **kwargs):
        values = dict(*args[1:], **kwargs)
        for name in values:
            TemplateNamespace.check(name)
        jinja2.utils.Namespace.__init__(args[0], values)

    def __setitem__(self, name, value):
        TemplateNamespace.check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(name)


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def environment(now_s=None):
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def strftime_now(pattern):
        now = (
            datetime.datetime.now()
            if now_s is None
            else datetime.datetime.fromtimestamp(now_s, datetime.timezone.utc)
        )
        return now.strftime(pattern)

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = strftime_now
    made.globals["namespace"] = TemplateNamespace
    return made


@functools.lru_cache(maxsize=8)
def compiled(text, now_s):
    return environment(now_s).from_string(text)


def render(request):
    """The answer to one request of chat_template_driver: {"text": ...} or {"error": ...}."""
    try:
        template = compiled(request["template"], request.get("now_s"))
        variables = {
            "messages": request.get("messages", []),
            "tools": request.get("tools"),
            "documents": request.get("documents"),
            "add_generation_prompt": request.get("add_generation_prompt", False),
        }
        return {"text": template.render(**{**variables, **request.get("extra", {})})}
    except RecursionError:
        return {"error": "RecursionError"}
    except Exception as error:  # whatever Python raises is a refusal
        return {"error": f"{type(error).__name__}: {error}"}
