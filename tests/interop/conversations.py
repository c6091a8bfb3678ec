# SPDX-License-Identifier: Apache-2.0
"""Conversations that chat templates are compared on."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place.\nIt's \"today\"'s.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "A city, e.g. Zürich"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": "integer", "description": "How many", "default": 1},
                "hours": {"type": "array", "items": {"type": "number"}},
                "exact": {"type": "boolean", "nullable": True},
            },
            "required": ["city"],
        },
        "return": {"type": "string", "description": "The weather"},
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Finds <documents> & more",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": ["string", "null"], "description": "Words"},
                "options": {
                    "type": "object",
                    "properties": {"limit": {"type": "integer"}, "deep": {"type": "object"}},
                    "required": ["limit"],
                },
                "either": {"oneOf": [{"type": "string"}, {"type": "number", "default": 2.5}]},
            },
        },
    },
}
PLAIN_TOOL = {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def system(content):
    return {"role": "system", "content": content}


def call(name, arguments, call_id="abcdef123"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool_turns(arguments, content="", **more):
    return [
        user("How warm is it in Zürich?"),
        assistant(content, tool_calls=[call("get_weather", arguments)], **more),
        {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": '{"t": 21.5}'},
        assistant("It is 21.5 degrees."),
        user("Thanks!"),
    ]


CITY = {"city": "Zürich", "days": 2, "exact": True, "hours": [1, 2.5], "unit": None}

MESSAGES = {
    "empty": [],
    "user": [user("Hello!")],
    "system and user": [system("Be  brief.\n"), user("  Hello,\nworld!  ")],
    "system only": [system("Be brief.")],
    "developer": [{"role": "developer", "content": "Be exact."}, user("Hi")],
    "turns": [user("One"), assistant("1"), user("Two"), assistant("2"), user("Three")],
    "system and turns": [system("S"), user("One"), assistant("1"), user("Two")],
    "ends with assistant": [user("Continue: a b"), assistant("c d")],
    "two users": [user("a"), user("b")],
    "begins with assistant": [assistant("Welcome."), user("a")],
    "late system": [user("a"), system("now"), user("b")],
    "unknown role": [user("a"), {"role": "robot", "content": "beep"}],
    "unicode": [user("Grüße 你好 🦙 \u200d ‮ \u00a0 <|im_end|> </s>"), assistant("\t→ ½\r\nok"), user("{{ x }}{% y %}")],
    "parts": [
        user([{"type": "text", "text": "What is "}, {"type": "text", "text": "this?"}]),
        assistant([{"type": "text", "text": "A llama."}]),
        user("Sure?"),
    ],
    "image parts": [user([{"type": "image"}, {"type": "text", "text": "Describe."}])],
    "image url": [user([{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "D"}])],
    "audio parts": [user([{"type": "input_audio", "input_audio": {}}, {"type": "text", "text": "T"}])],
    "thinking parts": [
        user("a"),
        assistant([{"type": "thinking", "thinking": "hm", "closed": True}, {"type": "text", "text": "b"}]),
        user("c"),
    ],
    "system parts": [system([{"type": "text", "text": "Be kind."}]), user("a")],
    "think tags": [user("a"), assistant("<think>\nhm\n</think>\n\nb"), user("c"), assistant("<think>x</think>y")],
    "reasoning": [user("a"), assistant("b", reasoning_content="because\n"), user("c"), assistant("d", reasoning_content="e")],
    "thinking field": [user("a"), assistant("b", thinking="because"), user("c")],
    "tool dict arguments": tool_turns(CITY),
    "tool text arguments": tool_turns('{"city": "Z\\u00fcrich"}'),
    "tool no content": tool_turns(CITY, None),
    "tool with content": tool_turns(CITY, "Let me see."),
    "tool with reasoning": tool_turns(CITY, "Let me see.", reasoning_content="I need the weather."),
    "tool answer is last": tool_turns(CITY)[:3],
    "tool call is last": tool_turns(CITY)[:2],
    "system and tool": [system("Use tools."), *tool_turns(CITY)],
    "two tool calls": [
        user("a"),
        assistant("", tool_calls=[call("get_weather", CITY, "aaaaaaaa1"), call("search", {"query": "q"}, "aaaaaaaa2")]),
        {"role": "tool", "name": "get_weather", "tool_call_id": "aaaaaaaa1", "content": "21"},
        {"role": "tool", "name": "search", "tool_call_id": "aaaaaaaa2", "content": {"found": [1, None, True]}},
        assistant("Done."),
    ],
    "tool answer parts": [
        *tool_turns(CITY)[:2],
        {"role": "tool", "tool_call_id": "abcdef123", "content": [{"type": "text", "text": "21"}]},
    ],
    "tool without call": [user("a"), {"role": "tool", "content": "x"}, user("b")],
    "bare calls": [
        user("a"),
        assistant("", tool_calls=[{"id": "call_abcd", "name": "now", "arguments": {}}]),
        {"role": "tool", "content": "1"},
    ],
    "ipython": [user("a"), assistant("<|python_tag|>1+1"), {"role": "ipython", "content": "2"}],
    "null content": [user("a"), assistant(None), user("b")],
    "no content": [user("a"), {"role": "assistant"}, user("b")],
    "number content": [user(7), assistant(2.0), user(True)],
    "empty content": [system(""), user(""), assistant(""), user("")],
    "minimax system": [{"role": "system", "content": "S", "current_date": "2026-01-02", "current_location": "Bern"}, user("a")],
    "no role": [{"content": "a"}],
    "text message": ["hello"],
}

TOOLS = {"no tools": None, "tools": [WEATHER, SEARCH], "bare tool": [PLAIN_TOOL], "empty tools": []}

EXTRAS = {
    "tokens": {"bos_token": "<s>", "eos_token": "</s>"},
    "no tokens": {},
    "thinking off": {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "enable_thinking": False,
        "thinking": False,
        "reasoning_effort": "low",
        "date_string": "26 Jul 2024",
        "model_identity": "You are Lulu.",
    },
    "thinking on": {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "enable_thinking": True,
        "thinking": True,
        "reasoning_effort": "high",
        "builtin_tools": ["browser", "python", "code_interpreter"],
        "tools_in_user_message": False,
        "custom_tools": [WEATHER],
        "controls": {"length": "long", "originality": "abstractive"},
        "system_message": "Sys.",
        "xml_tools": [WEATHER],
        "python_tools": ["f"],
        "available_tools": ["a"],
    },
}

DOCUMENTS = [{"title": "One", "text": "First text.", "doc_id": 1}, {"title": "Two", "text": "Zwölf."}]

NOW_S = 1_793_000_000


def requests(template):
    """The requests of one template, with their names.

    Every conversation meets every set of tools, of further variables and both kinds of end, but not
    all of their combinations.
    """
    tools_names, extra_names = list(TOOLS), list(EXTRAS)
    for place, (messages_name, messages) in enumerate(MESSAGES.items()):
        for turn in range(len(tools_names)):
            tools_name = tools_names[turn]
            extra_name = extra_names[(turn + place) % len(extra_names)]
            generation = (turn + place // 2) % 2 == 0
            yield f"{messages_name} / {tools_name} / {extra_name} / {generation}", {
                "template": template,
                "messages": messages,
                "tools": TOOLS[tools_name],
                "documents": DOCUMENTS if extra_name == "thinking on" else None,
                "add_generation_prompt": generation,
                "extra": EXTRAS[extra_name],
                "now_s": NOW_S,
            }
