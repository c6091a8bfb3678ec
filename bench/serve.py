#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Throughput and latency of the server under concurrent clients.

Usage: bench/serve.py --build BUILD --model MODEL [--clients 16] [--requests 2] [--tokens 64]

The same mix of prompts runs once with one client and once with many. Prints tokens per second of
both, their ratio, and the time to the first token. Prompts are token ids, so that models without
sensible text can be measured. Only the standard library is used.
"""

import argparse
import http.client
import json
import pathlib
import random
import signal
import subprocess
import threading
import time

PROMPT_TOKENS = (24, 64, 150, 400)


class Server:
    def __init__(self, program, model, options):
        self.process = subprocess.Popen(
            [program, "serve", model, "--port", "0", "--quiet", *options], stdout=subprocess.PIPE, text=True
        )
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                return
        raise SystemExit(f"{program} did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def ask(port, prompt, tokens):
    """Seconds to the first token and in all, and the tokens of one streamed completion."""
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
        raise SystemExit(f"{response.status}: {response.read().decode()}")
    first = None
    count = 0
    for line in response:
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line[6:])
        if chunk["choices"] and first is None:
            first = time.monotonic() - begin
        if chunk.get("usage"):
            count = chunk["usage"]["completion_tokens"]
    connection.close()
    return first, time.monotonic() - begin, count


def run(port, clients, requests, tokens, seed):
    """Each client asks one request after the other."""
    results = []
    lock = threading.Lock()

    def work(client):
        random_ids = random.Random(seed * 1000 + client)
        for _ in range(requests):
            length = random_ids.choice(PROMPT_TOKENS)
            prompt = [random_ids.randrange(10, 900) for _ in range(length)]
            result = ask(port, prompt, tokens)
            with lock:
                results.append(result)

    begin = time.monotonic()
    threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begin
    firsts = sorted(first for first, _, _ in results)
    return {
        "clients": clients,
        "requests": len(results),
        "seconds": round(seconds, 2),
        "tokens_per_s": round(sum(count for _, _, count in results) / seconds, 2),
        "first_token_s_p50": round(firsts[len(firsts) // 2], 3),
        "first_token_s_p99": round(firsts[min(len(firsts) - 1, len(firsts) * 99 // 100)], 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--model", required=True)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=2, help="of each client")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.build) / "bin" / "llama-pajamas-run"
    options = ["--parallel", str(arguments.clients), "--threads", str(arguments.threads)]
    server = Server(program, arguments.model, [*options, "--context", "1024"])
    try:
        run(server.port, 1, 1, 4, seed=9)  # what is slow only once
        alone = run(server.port, 1, max(2, arguments.requests), arguments.tokens, seed=1)
        many = run(server.port, arguments.clients, arguments.requests, arguments.tokens, seed=2)
    finally:
        server.stop()
    print(json.dumps({"one_client": alone, "many_clients": many}, indent=2))
    print(f"ratio {many['tokens_per_s'] / alone['tokens_per_s']:.2f}")


if __name__ == "__main__":
    main()
