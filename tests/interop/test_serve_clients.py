# SPDX-License-Identifier: Apache-2.0
"""The server as official clients see it, with the example model behind it."""

import json
import signal
import subprocess
import threading
import time

import pytest
import requests

from conftest import BUILD, ROOT, run_program

openai = pytest.importorskip("openai")

MODEL = ROOT / "examples" / "tiny-storyteller"
NAME = "tiny-storyteller"
PROMPT = "Once upon a time"
HI = [{"role": "user", "content": "Tell me about a cat."}]


class Service:
    """llama-pajamas-run serve with the example model, on a port of its own."""

    def __init__(self, *options):
        command = [str(BUILD / "bin" / "llama-pajamas-run"), "serve", str(MODEL), "--port", "0"]
        command += ["--quiet", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.url = line.split()[-1]
                return
        raise RuntimeError(f"{' '.join(command)} did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def client(self, **options):
        options.setdefault("api_key", "none")
        return openai.OpenAI(base_url=self.url + "/v1", **options)


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
    pydantic = pytest.importorskip("pydantic")

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
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
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

    with client.chat.completions.stream(**options) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.name == "get_weather"


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
    while "generation_requests_running 0\n" not in requests.get(
        service.url + "/metrics", timeout=10
    ).text:
        assert time.monotonic() - begin < 5
        time.sleep(0.02)


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
    while "generation_requests_running 1\n" not in requests.get(
        service.url + "/metrics", timeout=10
    ).text:
        pass
    assert service.stop() == 0
    thread.join()
    assert texts and texts[0]


def test_npm_client(service):
    if not (BUILD / "interop" / "node_modules" / "openai").is_dir():
        pytest.skip("the npm package openai is not installed")
    run_program(
        "node",
        ROOT / "tests" / "interop" / "serve_client.mjs",
        BUILD / "interop" / "node_modules",
        service.url,
        NAME,
    )


def test_anthropic_client(service):
    anthropic = pytest.importorskip("anthropic")
    client = anthropic.Anthropic(base_url=service.url, api_key="none")
    options = {"model": NAME, "messages": HI, "max_tokens": 12}
    greedy = {"extra_body": {"temperature": 0}}
    whole = client.messages.create(**options, **greedy)
    assert whole.usage.output_tokens > 0
    with client.messages.stream(**options, **greedy) as stream:
        text = "".join(stream.text_stream)
    assert text == whole.content[0].text
    assert client.messages.count_tokens(model=NAME, messages=HI).input_tokens > 0


def test_langchain_chat_and_embeddings(service):
    langchain_openai = pytest.importorskip("langchain_openai")
    chat = langchain_openai.ChatOpenAI(
        base_url=service.url + "/v1", api_key="none", model=NAME, max_tokens=10, temperature=0
    )
    assert chat.invoke("Tell me about a cat.").content
    assert "".join(part.content for part in chat.stream("Tell me about a cat."))
    embeddings = langchain_openai.OpenAIEmbeddings(
        base_url=service.url + "/v1", api_key="none", model=NAME, check_embedding_ctx_length=False
    )
    assert len(embeddings.embed_query("a cat")) > 0
