# SPDX-License-Identifier: Apache-2.0
"""The server as official clients see it, with the example model behind it."""

import json
import threading
import time

import anthropic
import langchain_openai
import openai
import pydantic
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from conftest import BUILD, ROOT, run_program
from running_service import NAME, Service

PROMPT = "Once upon a time"
HI = [{"role": "user", "content": "Tell me about a cat."}]




@pytest.fixture(scope="module")
def service():
    running = Service("--parallel", "4", "--threads", "1")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(service):
    return service.client()


def test_models_are_listed_and_found(client):
    assert [model.id for model in client.models.list()] == [NAME]
    assert client.models.retrieve(NAME).id == NAME
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")


def test_chat_is_the_same_whole_and_streamed(client):
    options = {"model": NAME, "messages": HI, "temperature": 0, "max_tokens": 20}
    whole = client.chat.completions.create(**options)
    assert whole.usage.completion_tokens > 0
    stream = client.chat.completions.create(
        stream=True, stream_options={"include_usage": True}, **options
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_stream_helper_gives_the_final_completion(client):
    # The helper takes an answer that was cut for an error, so this one ends at a stop string.
    with client.chat.completions.stream(
        model=NAME, messages=HI, stop=["a", "e", "o"], seed=1
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "stop"


def test_seed_n_and_stop(client):
    options = {"model": NAME, "prompt": PROMPT, "max_tokens": 12, "seed": 5, "n": 3}
    first = [choice.text for choice in client.completions.create(**options).choices]
    again = [choice.text for choice in client.completions.create(**options).choices]
    assert first == again
    assert len(set(first)) > 1
    stopped = client.completions.create(
        model=NAME, prompt=PROMPT, max_tokens=60, temperature=0, stop=["."]
    )
    assert "." not in stopped.choices[0].text
    assert stopped.choices[0].finish_reason == "stop"


def test_logprobs(client):
    answer = client.chat.completions.create(
        model=NAME, messages=HI, max_tokens=5, logprobs=True, top_logprobs=3, temperature=0
    )
    content = answer.choices[0].logprobs.content
    assert len(content) == answer.usage.completion_tokens
    for token in content:
        assert token.logprob <= 0
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob == pytest.approx(token.logprob, abs=1e-5)


def test_logit_bias_forbids_a_token(service, client):
    options = {"model": NAME, "prompt": PROMPT, "max_tokens": 1, "temperature": 0, "logprobs": 1}
    first = client.completions.create(**options).choices[0].text
    ids = requests.post(service.url + "/tokenize", json={"content": first}, timeout=10).json()
    bias = {str(ids["tokens"][0]): -100}
    assert client.completions.create(logit_bias=bias, **options).choices[0].text != first


def test_json_schema_is_followed_and_parsed(client):
    class Animal(pydantic.BaseModel):
        name: str = pydantic.Field(max_length=12)
        legs: int = pydantic.Field(ge=0, le=9)
        nice: bool

    answer = client.chat.completions.parse(
        model=NAME, messages=HI, response_format=Animal, max_tokens=200, seed=1
    )
    assert isinstance(answer.choices[0].message.parsed, Animal)


def test_json_object(client):
    answer = client.chat.completions.create(
        model=NAME,
        messages=HI,
        response_format={"type": "json_object"},
        max_tokens=300,
        seed=1,
        temperature=0.5,
    )
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_a_required_tool_is_called_with_arguments_of_its_schema(client):
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
    options = {
        "model": NAME,
        "messages": HI,
        "tools": [tool],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "max_tokens": 400,
        "seed": 1,
    }
    answer = client.chat.completions.create(**options)
    assert answer.choices[0].finish_reason == "tool_calls"
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments)["city"] in ("Rome", "Oslo")

    pieces = []
    with client.chat.completions.stream(**options) as stream:
        for event in stream:
            if event.type == "tool_calls.function.arguments.delta":
                pieces.append(event.arguments_delta)
        final = stream.get_final_completion()
    streamed = final.choices[0].message.tool_calls[0].function
    assert streamed.name == "get_weather"
    assert streamed.arguments == call.function.arguments == "".join(pieces)
    assert len(pieces) > 2, "the arguments come in pieces"


WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}},
    "required": ["city"],
    "additionalProperties": False,
}


def test_responses_stream_the_arguments_of_a_call(client):
    stream = client.responses.create(
        model=NAME,
        input="Hi",
        tools=[{"type": "function", "name": "get_weather", "parameters": WEATHER}],
        tool_choice={"type": "function", "name": "get_weather"},
        max_output_tokens=400,
        stream=True,
    )
    events = list(stream)
    pieces = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    assert len(pieces) > 2
    call = events[-1].response.output[0]
    assert call.arguments == "".join(pieces)
    assert json.loads(call.arguments)["city"] in ("Rome", "Oslo")


# The example model does not think; a grammar makes it, and a template that ends in a thought.
THOUGHT = 'root ::= "<think>\\n" [a-z ]{5,30} "\\n</think>\\n\\n" [a-z ]{5,20} "."'


def test_thoughts_are_reasoning_content(client):
    options = {"model": NAME, "messages": HI, "max_tokens": 200, "temperature": 0}
    options["extra_body"] = {"grammar": THOUGHT}
    whole = client.chat.completions.create(**options)
    message = whole.choices[0].message
    assert message.reasoning_content and message.content.endswith(".")
    assert "think>" not in message.reasoning_content + message.content
    assert whole.usage.completion_tokens_details.reasoning_tokens > 0
    thought, text = "", ""
    for chunk in client.chat.completions.create(stream=True, **options):
        thought += getattr(chunk.choices[0].delta, "reasoning_content", None) or ""
        text += chunk.choices[0].delta.content or ""
    assert (thought, text) == (message.reasoning_content, message.content)
    options["extra_body"]["reasoning_format"] = "none"
    inline = client.chat.completions.create(**options).choices[0].message.content
    assert inline.startswith("<think>") and inline.endswith(message.content)


def test_thoughts_are_reasoning_items_of_responses(client):
    options = {"model": NAME, "input": "Hi", "max_output_tokens": 200, "temperature": 0}
    options["extra_body"] = {"grammar": THOUGHT}
    whole = client.responses.create(**options)
    assert [item.type for item in whole.output] == ["reasoning", "message"]
    events = list(client.responses.create(stream=True, **options))
    deltas = [e.delta for e in events if e.type == "response.reasoning_text.delta"]
    assert "".join(deltas) == whole.output[0].content[0].text
    assert events[-1].response.output_text == whole.output_text


def test_a_schema_counts_behind_the_thought_that_the_prompt_opens(tmp_path):
    template = tmp_path / "thinking.jinja"
    template.write_text("{{ messages[0].content }}\n<think>\n")
    service = Service("--threads", "1", "--chat-template", str(template))
    try:
        biased = {"model": NAME, "messages": HI, "max_tokens": 60, "seed": 1}
        format = {"type": "json_schema", "json_schema": {"name": "x", "schema": WEATHER}}
        answer = service.client().chat.completions.create(response_format=format, **biased)
        # This model never ends a thought by itself, so all of it is one.
        message = answer.choices[0].message
        assert message.content == "" and len(message.reasoning_content) > 20
        assert answer.choices[0].finish_reason == "length"
    finally:
        service.stop()


def test_embeddings(client):
    answer = client.embeddings.create(model=NAME, input=["a cat", "a dog"])
    plain = client.embeddings.create(
        model=NAME, input=["a cat", "a dog"], encoding_format="float"
    )
    for packed, floats in zip(answer.data, plain.data):
        assert packed.embedding == pytest.approx(floats.embedding, abs=1e-6)
        assert sum(value * value for value in floats.embedding) == pytest.approx(1, abs=1e-3)


def test_responses_whole_and_streamed(client):
    whole = client.responses.create(model=NAME, input="Hi", max_output_tokens=10, temperature=0)
    assert whole.output_text
    events = list(
        client.responses.create(
            model=NAME, input="Hi", max_output_tokens=10, temperature=0, stream=True
        )
    )
    assert events[0].type == "response.created"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == whole.output_text
    assert events[-1].response.status in ("completed", "incomplete")


def test_errors_have_the_classes_of_the_client(client):
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model=NAME, messages=HI, temperature=-1)
    assert bad.value.param == "temperature"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="another", messages=HI)
    with pytest.raises(openai.BadRequestError) as long:
        client.completions.create(model=NAME, prompt="word " * 20000)
    assert long.value.code == "context_length_exceeded"


def test_a_client_that_leaves_frees_its_place(service, client):
    stream = client.completions.create(
        model=NAME, prompt=PROMPT, max_tokens=400, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    stream.close()
    begin = time.monotonic()
    while metrics_of(service)["pajamas_requests_running"] > 0:
        assert time.monotonic() - begin < 5
        time.sleep(0.02)


def metrics_of(service):
    """The samples of the model, by name; with a reason or a bound, "name{reason}"."""
    answer = requests.get(service.url + "/metrics", timeout=10)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation and family.type in ("counter", "gauge", "histogram")
        for sample in family.samples:
            assert sample.labels.get("model", NAME) == NAME
            detail = sample.labels.get("reason") or sample.labels.get("le")
            samples[f"{sample.name}{{{detail}}}" if detail else sample.name] = sample.value
    return samples


def test_metrics_are_what_prometheus_reads(service, client):
    before = metrics_of(service)
    answer = client.completions.create(model=NAME, prompt=PROMPT, max_tokens=7, seed=1)
    after = metrics_of(service)

    def grown(name):
        return after[name] - before[name]

    assert grown("pajamas_requests_total") == 1
    assert grown("pajamas_completion_tokens_total") == answer.usage.completion_tokens
    assert grown("pajamas_prompt_tokens_total") == answer.usage.prompt_tokens
    assert grown("pajamas_answers_total{length}") == 1
    assert grown("pajamas_time_to_first_token_seconds_count") == 1
    assert grown("pajamas_time_to_first_token_seconds_bucket{+Inf}") == 1
    assert grown("pajamas_request_duration_seconds_sum") > 0
    assert after["pajamas_model_loaded"] == 1
    assert after["pajamas_model_weight_bytes"] > 0
    assert after["pajamas_requests_waiting"] == 0
    assert 0 < after["pajamas_kv_cache_usage_ratio"] <= 1
    assert after["process_resident_memory_bytes"] > 1 << 20


def test_metrics_show_the_queue():
    service = Service("--parallel", "1", "--threads", "1")
    try:
        options = {"model": NAME, "prompt": PROMPT, "max_tokens": 400}
        options["extra_body"] = {"ignore_eos": True}

        # One answer takes less time than making a client, so each asks until the queue was seen.
        was_seen = threading.Event()

        def run():
            client = service.client(max_retries=0)
            while not was_seen.is_set():
                client.completions.create(**options)

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        seen = set()
        begin = time.monotonic()
        while (1, 2) not in seen and time.monotonic() - begin < 20:
            now = metrics_of(service)
            seen.add((now["pajamas_requests_running"], now["pajamas_requests_waiting"]))
        was_seen.set()
        for thread in threads:
            thread.join()
        assert (1, 2) in seen, seen
    finally:
        service.stop()


def test_the_same_text_alone_and_beside_15_others(client):
    def story(prompt=PROMPT, **options):
        options = {"temperature": 0, "max_tokens": 24} | options
        return client.completions.create(model=NAME, prompt=prompt, **options).choices[0].text

    alone = story()
    texts = [None] * 16

    def run(index):
        texts[index] = story() if index == 7 else story(f"{PROMPT} {index}", temperature=1)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts[7] == alone
    assert all(texts)


# Each has a product of its own, and some of them two by the number of rows.
@pytest.mark.parametrize("kind", ["F16", "Q4_0", "Q8_0", "Q2_K", "Q4_K_M", "Q6_K", "IQ4_XS", "experts"])
def test_quantized_models_tell_the_same_alone_and_beside_15_others(
    kind, product, make_fixture, example_files, tmp_path
):
    model = (
        product.convert(make_fixture("mixtral of 8"), tmp_path / "x", ["Q4_K_M"])["Q4_K_M"]
        if kind == "experts"
        else example_files[kind]
    )
    service = Service("--parallel", "16", "--threads", "2", model=model)
    try:
        client = service.client()

        def story(index, **options):
            prompt = [[7 + index, 11, 13 + 3 * index] * (2 + index % 5)]
            options = {"temperature": 0, "max_tokens": 20, "logprobs": 1} | options
            answer = client.completions.create(
                model=client.models.list().data[0].id, prompt=prompt, **options,
                extra_body={"ignore_eos": True},
            ).choices[0]
            return answer.text, answer.logprobs.token_logprobs

        alone = {index: story(index) for index in (3, 7)}
        told = [None] * 16

        def run(index):
            told[index] = story(index, temperature=0 if index in alone else 1)

        threads = [threading.Thread(target=run, args=(index,)) for index in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {index: told[index] for index in alone} == alone
    finally:
        service.stop()


def test_a_full_queue_answers_429_and_the_client_tries_again():
    service = Service("--parallel", "1", "--queue", "1", "--threads", "1")
    try:
        impatient = service.client(max_retries=0)
        options = {"model": NAME, "prompt": PROMPT, "max_tokens": 300}
        options["extra_body"] = {"ignore_eos": True}
        outcomes = []

        def run(client):
            try:
                client.completions.create(**options)
                outcomes.append("answered")
            except openai.RateLimitError as error:
                assert int(error.response.headers["retry-after"]) >= 1
                outcomes.append("refused")

        threads = [threading.Thread(target=run, args=(impatient,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "refused" in outcomes and "answered" in outcomes
        patient = service.client(max_retries=8)
        outcomes.clear()
        threads = [threading.Thread(target=run, args=(patient,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == ["answered"] * 4
    finally:
        service.stop()


def test_a_token_is_asked_for_in_either_header():
    service = Service("--api-key", "secret", "--threads", "1")
    try:
        assert service.client(api_key="secret").models.list().data
        with pytest.raises(openai.AuthenticationError):
            service.client(api_key="wrong").models.list()
        assert requests.get(service.url + "/health", timeout=10).status_code == 200
        with_header = requests.get(
            service.url + "/v1/models", headers={"X-Api-Key": "secret"}, timeout=10
        )
        assert with_header.status_code == 200
    finally:
        service.stop()


def test_a_stop_lets_running_requests_finish():
    service = Service("--threads", "1")
    texts = []

    def run():
        answer = service.client().completions.create(
            model=NAME, prompt=PROMPT, max_tokens=200, extra_body={"ignore_eos": True}
        )
        texts.append(answer.choices[0].text)

    thread = threading.Thread(target=run)
    thread.start()
    while metrics_of(service)["pajamas_requests_running"] == 0:
        pass
    assert service.stop() == 0
    thread.join()
    assert texts and texts[0]


def test_npm_client(service):
    run_program(
        "node",
        ROOT / "tests" / "interop" / "serve_client.mjs",
        BUILD / "interop" / "node_modules",
        service.url,
        NAME,
    )


def curl(*arguments):
    return run_program("curl", "--silent", "--show-error", "--max-time", "30", *arguments)


def test_curl(service):
    url = service.url + "/v1/chat/completions"
    body = {"messages": HI, "max_tokens": 8, "temperature": 0}
    as_json = ("--header", "Content-Type: application/json")
    whole = json.loads(curl(url, *as_json, "--data", json.dumps(body)))
    streamed = curl(url, "--no-buffer", *as_json, "--data", json.dumps(body | {"stream": True}))
    events = [line[6:] for line in streamed.splitlines() if line.startswith("data: ")]
    assert events.pop() == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"].get("content") or "" for event in events]
    assert "".join(deltas) == whole["choices"][0]["message"]["content"]
    status = ("--output", "/dev/null", "--write-out", "%{http_code}")
    assert curl(*status, service.url + "/health") == "200"
    assert curl(*status, url, *as_json, "--data", "{") == "400"
    # What curl says when nobody tells it otherwise is what a form of another site says too.
    assert curl(*status, url, "--data", json.dumps(body)) == "415"
    assert curl(*status, service.url + "/health", "--header", "Host: evil.example") == "403"
    compressed = curl(*status, "--compressed", url, *as_json, "--data", json.dumps(body))
    assert compressed == "200"


def test_models_are_loaded_when_asked_for_and_leave_when_others_need_the_room(example_files):
    paths = [example_files[kind] for kind in ("Q8_0", "Q4_0", "F16")]
    room = sum(path.stat().st_size for path in paths) - 1  # for two of them
    options = ["--threads", "1", "--parallel", "1"]
    options += ["--context", "128", "--batch", "8", "--max-memory", str(room)]
    for path in paths[1:]:
        options += ["--model", str(path)]
    service = Service(*options, model=paths[0])
    try:
        client = service.client()
        names = [model.id for model in client.models.list()]
        assert names == [path.stem for path in paths]

        def loaded():
            page = requests.get(service.url + "/metrics", timeout=10).text
            return [
                sample.labels["model"]
                for family in text_string_to_metric_families(page)
                for sample in family.samples
                if sample.name == "pajamas_model_loaded" and sample.value == 1
            ]

        assert loaded() == names[:1]
        ask = {"prompt": PROMPT, "max_tokens": 4, "temperature": 0}
        texts = [client.completions.create(model=name, **ask).choices[0].text for name in names]
        assert len(loaded()) < 3 and names[2] in loaded()
        again = [client.completions.create(model=name, **ask).choices[0].text for name in names]
        assert again == texts
    finally:
        service.stop()


def test_anthropic_client(service):
    client = anthropic.Anthropic(base_url=service.url, api_key="none")
    options = {"model": NAME, "messages": HI, "max_tokens": 12}
    greedy = {"extra_body": {"temperature": 0}}
    whole = client.messages.create(**options, **greedy)
    assert whole.usage.output_tokens > 0
    with client.messages.stream(**options, **greedy) as stream:
        text = "".join(stream.text_stream)
    assert text == whole.content[0].text
    assert client.messages.count_tokens(model=NAME, messages=HI).input_tokens > 0


def test_anthropic_client_sees_calls_grow(service):
    client = anthropic.Anthropic(base_url=service.url, api_key="none")
    tool = {"name": "get_weather", "input_schema": WEATHER}
    options = {"model": NAME, "messages": HI, "max_tokens": 400, "tools": [tool]}
    pieces = []
    with client.messages.stream(
        tool_choice={"type": "tool", "name": "get_weather"}, **options
    ) as stream:
        for event in stream:
            if event.type == "input_json":
                pieces.append(event.partial_json)
        final = stream.get_final_message()
    assert final.stop_reason == "tool_use"
    assert final.content[0].input["city"] in ("Rome", "Oslo")
    assert json.loads("".join(pieces)) == final.content[0].input
    assert len(pieces) > 2


def test_anthropic_client_sees_thoughts(service):
    client = anthropic.Anthropic(base_url=service.url, api_key="none")
    options = {"model": NAME, "messages": HI, "max_tokens": 200}
    options["extra_body"] = {"temperature": 0, "grammar": THOUGHT}
    whole = client.messages.create(**options)
    assert [block.type for block in whole.content] == ["thinking", "text"]
    with client.messages.stream(**options) as stream:
        final = stream.get_final_message()
    assert final.content[0].thinking == whole.content[0].thinking
    assert final.content[1].text == whole.content[1].text


def test_langchain_chat_and_embeddings(service):
    chat = langchain_openai.ChatOpenAI(
        base_url=service.url + "/v1", api_key="none", model=NAME, max_tokens=10, temperature=0
    )
    assert chat.invoke("Tell me about a cat.").content
    assert "".join(part.content for part in chat.stream("Tell me about a cat."))
    embeddings = langchain_openai.OpenAIEmbeddings(
        base_url=service.url + "/v1", api_key="none", model=NAME, check_embedding_ctx_length=False
    )
    assert len(embeddings.embed_query("a cat")) > 0
