#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Throughput and latency of the server under concurrent clients, against llama.cpp's library.

The same mix of prompts runs with one client and with many. Prompts are token ids, so that models
without sensible text can be measured; answers are greedy and never end early. The peer is the
prebuilt llama.cpp behind bench/llama_server.mjs (node-llama-cpp, which batches all sequences), on the
same file with as many threads. Runs of the two alternate; each number is the best of --rounds.
"""

import argparse
import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from report import Case, print_table, write_report

BENCH_DIR = Path(__file__).resolve().parent
PROMPT_TOKENS = (24, 64, 150, 400)
CONTEXT = 1024
MANY_TO_ONE_TARGET = 2.5
PEER_TARGET = 1.5


class Server:
    """A server that prints "listening on URL"."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, text=True
        )
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                return
        sys.exit(f"serve.py: {' '.join(map(str, command))} did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def ask(port, prompt, tokens):
    """Seconds to the first token, seconds between tokens, and how many, of a streamed completion."""
    body = {
        "prompt": prompt,
        "max_tokens": tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": 0,  # every token is then a chunk of its own, even inside a character
    }
    connection = http.client.HTTPConnection("localhost", port, timeout=600)
    begin = time.monotonic()
    connection.request(
        "POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"}
    )
    response = connection.getresponse()
    if response.status != 200:
        raise ValueError(f"{response.status}: {response.read().decode()}")
    first = last = None
    count = 0
    for line in response:
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line[6:])
        if chunk["choices"]:
            last = time.monotonic()
            first = last if first is None else first
        if chunk.get("usage"):
            count = chunk["usage"]["completion_tokens"]
    connection.close()
    if count != tokens:
        raise ValueError(f"{count} tokens came, {tokens} were asked for")
    return first - begin, (last - first) / max(count - 1, 1), count


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def run(port, clients, requests, tokens, seed):
    """Each client asks one request after the other; all lengths are equally often among them."""
    lengths = [PROMPT_TOKENS[index % len(PROMPT_TOKENS)] for index in range(clients * requests)]
    random.Random(seed).shuffle(lengths)
    results = []
    failures = []

    def work(client):
        random_ids = random.Random(seed * 1000 + client)
        for request in range(requests):
            length = lengths[client * requests + request]
            prompt = [random_ids.randrange(10, 900) for _ in range(length)]
            try:
                results.append(ask(port, prompt, tokens))
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures.append(error)
                return

    begin = time.monotonic()
    threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"serve.py: {len(failures)} of {clients} clients failed: {failures[0]}")
    seconds = time.monotonic() - begin
    firsts = [first for first, _, _ in results]
    return {
        "clients": clients,
        "requests": len(results),
        "prompt_tokens": sum(lengths),
        "seconds": seconds,
        "tokens_per_s": sum(count for _, _, count in results) / seconds,
        "first_token_s_p50": statistics.median(firsts),
        "first_token_s_p99": percentile(firsts, 0.99),
        "between_tokens_s_p50": statistics.median(between for _, between, _ in results),
    }


def measure(command, arguments):
    server = Server(command)
    try:
        run(server.port, 1, 1, 4, seed=9)  # what is slow only once
        one = run(server.port, 1, len(PROMPT_TOKENS), arguments.tokens, seed=1)
        many = run(server.port, arguments.clients, arguments.requests, arguments.tokens, seed=2)
    finally:
        server.stop()
    return {"one": one, "many": many}


def commands(arguments):
    threads = str(arguments.threads)
    found = {
        "ours": [
            arguments.build / "bin/llama-pajamas-run", "serve", arguments.model, "--port", "0",
            "--quiet", "--no-log", "--parallel", arguments.clients, "--threads", threads,
            "--context", CONTEXT,
        ]
    }
    if not arguments.no_peer:
        modules = arguments.build / "interop/node_modules"
        found["peer"] = [
            "node", BENCH_DIR / "llama_server.mjs", modules, arguments.model, arguments.clients,
            CONTEXT, threads,
        ]
    return found


def choose(rounds):
    """The round with the most tokens per second of many clients, and of one."""
    return {
        kind: max((answer[kind] for answer in rounds), key=lambda run: run["tokens_per_s"])
        for kind in ("one", "many")
    }


def collect(ours, peer, clients):
    def ours_and_peer(label, kind, key, unit, target=""):
        mine, other = ours[kind][key], peer[kind][key] if peer else None
        ratio = mine / other if other else 0.0
        return Case(label, mine, other, unit, ratio, target if peer else "")

    many, one = ours["many"]["tokens_per_s"], ours["one"]["tokens_per_s"]
    cases = [
        Case(f"{clients} clients, peer: ours with one", many, one, "tok/s", many / one,
             f">= {MANY_TO_ONE_TARGET}"),
        ours_and_peer(f"{clients} clients", "many", "tokens_per_s", "tok/s", f">= {PEER_TARGET}"),
        ours_and_peer("one client", "one", "tokens_per_s", "tok/s"),
    ]
    for kind, label in (("many", f"{clients} clients"), ("one", "one client")):
        cases += [
            ours_and_peer(f"{label}, first token, median", kind, "first_token_s_p50", "s"),
            ours_and_peer(f"{label}, first token, p99", kind, "first_token_s_p99", "s"),
            ours_and_peer(f"{label}, from token to token", kind, "between_tokens_s_p50", "s"),
        ]
    return cases


def make_model(arguments):
    """The 1B shape in Q4_K_M, made once."""
    folder = arguments.build / "bench"
    path = folder / "model_gguf/gguf/model-q4_k_m.gguf"
    if path.exists():
        return path
    source = folder / "model"
    if not (source / "config.json").exists():
        subprocess.run([arguments.build / "bin/make_bench_model", source], check=True)
    subprocess.run(
        [arguments.build / "bin/llama-pajamas-quant", "convert", source, "--output",
         folder / "model_gguf", "--name", "model", "--formats", "gguf", "--gguf-types", "Q4_K_M",
         "--quiet"],
        check=True, stdout=subprocess.DEVNULL,
    )
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--model", type=Path, help="a GGUF file (default: the 1B shape, Q4_K_M)")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=2, help="of each client")
    parser.add_argument("--tokens", type=int, default=64, help="of each answer")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--no-peer", action="store_true")
    arguments = parser.parse_args()
    if arguments.model is None:
        arguments.model = make_model(arguments)
    rounds = {name: [] for name in commands(arguments)}
    for number in range(arguments.rounds):
        for name, command in commands(arguments).items():
            answer = measure(command, arguments)
            rounds[name].append(answer)
            print(f"round {number + 1}, {name}: one client {answer['one']['tokens_per_s']:.1f} tok/s, "
                  f"{arguments.clients} clients {answer['many']['tokens_per_s']:.1f} tok/s", flush=True)
    best = {name: choose(answers) for name, answers in rounds.items()}
    cases = collect(best["ours"], best.get("peer"), arguments.clients)
    print()
    print_table(cases)
    write_report(arguments.build / "bench/serve.json", cases,
                 {"threads": arguments.threads, "rounds": arguments.rounds, "runs": best})


if __name__ == "__main__":
    main()
