#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hours of everything a server meets: good, bad and broken clients at once.

Usage: serve_soak.py BUILD MODEL [--seconds N] [--seed N] [--health-seconds N] [--answer-seconds N]

Fails when the server dies, answers 5xx where it should not, does not answer in time (/health in two
seconds, others in 120; say more where other work has the machine), or ends with much more memory or many more descriptors than it had after the first tenth.
"""

import argparse
import http.client
import json
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

ALLOWED_MEMORY_GROWTH = 64 << 20  # bytes; caches that fill up, fragmentation
ALLOWED_DESCRIPTOR_GROWTH = 16
WORKERS = 12


class Soak:
    def __init__(self, program, model, seed, health_seconds, answer_seconds):
        command = [program, "serve", model, "--port", "0", "--quiet"]
        command += ["--parallel", "4", "--queue", "16", "--threads", "2"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                break
        self.seed = seed
        self.health_seconds = health_seconds
        self.answer_seconds = answer_seconds
        self.slowest_health = 0.0
        self.problems = []
        self.counts = {}
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    def note(self, status):
        with self.lock:
            self.counts[status] = self.counts.get(status, 0) + 1

    def problem(self, text):
        with self.lock:
            self.problems.append(text)
        self.stopping.set()

    # What clients do. Each takes a Random.

    def post(self, path, body, read=True):
        connection = http.client.HTTPConnection("localhost", self.port, timeout=self.answer_seconds)
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection.request("POST", path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read() if read else response.read(200)
        connection.close()
        self.note(response.status)
        if response.status >= 500:
            self.problem(f"{path} {text[:300]!r} gave {response.status}: {content[:300]!r}")

    def chat(self, rng):
        body = {
            "messages": [{"role": "user", "content": "word " * rng.randrange(1, 60)}],
            "max_tokens": rng.randrange(1, 80),
            "temperature": rng.choice([0, 0.7, 1.5]),
            "stream": rng.random() < 0.5,
            "n": rng.choice([1, 1, 1, 2]),
        }
        if rng.random() < 0.2:
            body["response_format"] = {"type": "json_object"}
        if rng.random() < 0.2:
            tool = {"name": "look", "parameters": {"type": "object"}}
            body |= {"tools": [{"type": "function", "function": tool}], "tool_choice": "required"}
            body.pop("response_format", None)
        if rng.random() < 0.1:
            body["grammar"] = 'root ::= "<think>" [a-z ]* "</think>" [a-z ]*'
            for key in ("tools", "tool_choice", "response_format"):
                body.pop(key, None)
        self.post("/v1/chat/completions", body)

    def other_apis(self, rng):
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": rng.randrange(1, 40)}
        self.post("/v1/messages", body | {"stream": rng.random() < 0.5})
        self.post("/v1/responses", {"input": "hi", "max_output_tokens": 20,
                                    "stream": rng.random() < 0.5})

    def leave_early(self, rng):
        body = {"prompt": "Once", "max_tokens": 300, "stream": True, "ignore_eos": True}
        self.post("/v1/completions", body, read=rng.random() < 0.1)

    def embed(self, rng):
        self.post("/v1/embeddings", {"input": ["a cat " * rng.randrange(1, 40)] * 3})

    def too_long(self, rng):
        self.post("/v1/completions", {"prompt": "word " * rng.randrange(5000, 50000)})

    def bad_json(self, rng):
        bodies = ["", "{", "[" * 60000, '{"messages": 5}', '{"n": -1, "messages": []}']
        self.post("/v1/chat/completions", rng.choice(bodies))

    def bad_bytes(self, rng):
        with socket.create_connection(("localhost", self.port), timeout=10) as connection:
            kind = rng.randrange(4)
            if kind == 0:
                connection.sendall(rng.randbytes(rng.randrange(1, 2000)) + b"\r\n\r\n")
            elif kind == 1:
                connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n")
            elif kind == 2:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            else:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
            if rng.random() < 0.5:
                connection.settimeout(0.2)
                try:
                    connection.recv(4096)
                except TimeoutError:
                    pass

    def work(self, number):
        rng = random.Random(self.seed * 100 + number)
        kinds = [self.chat] * 6 + [self.leave_early] * 3 + [self.embed] * 2
        kinds += [self.too_long, self.bad_json, self.bad_bytes, self.other_apis]
        while not self.stopping.is_set():
            kind = rng.choice(kinds)
            try:
                kind(rng)
            except (OSError, http.client.HTTPException) as error:
                if self.process.poll() is not None:
                    self.problem(f"the server ended with {self.process.returncode}")
                elif kind != self.bad_bytes:
                    self.problem(f"{kind.__name__}: {error!r}")

    def health(self):
        while not self.stopping.is_set():
            begin = time.monotonic()
            connection = http.client.HTTPConnection("localhost", self.port, timeout=self.answer_seconds)
            connection.request("GET", "/health")
            status = connection.getresponse().status
            connection.close()
            seconds = time.monotonic() - begin
            self.slowest_health = max(self.slowest_health, seconds)
            if status != 200 or seconds > self.health_seconds:
                self.problem(f"/health gave {status} after {seconds:.1f} s")
            time.sleep(0.25)

    def usage(self):
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        return pages * 4096, len(list((folder / "fd").iterdir()))

    def run(self, seconds):
        threads = [threading.Thread(target=self.work, args=(number,)) for number in range(WORKERS)]
        threads.append(threading.Thread(target=self.health))
        for thread in threads:
            thread.start()
        self.stopping.wait(seconds / 10)
        before = self.usage() if self.process.poll() is None else (0, 0)
        self.stopping.wait(seconds * 9 / 10)
        self.stopping.set()
        for thread in threads:
            thread.join()
        time.sleep(1)  # connections that were left are closed by then
        after = self.usage() if self.process.poll() is None else (0, 0)
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60) != 0:
            self.problem(f"the server ended with {self.process.returncode}")
        if after[0] > before[0] + ALLOWED_MEMORY_GROWTH:
            self.problem(f"memory grew from {before[0] >> 20} to {after[0] >> 20} MiB")
        if after[1] > before[1] + ALLOWED_DESCRIPTOR_GROWTH:
            self.problem(f"descriptors grew from {before[1]} to {after[1]}")
        print(f"answers by status: {dict(sorted(self.counts.items()))}")
        print(f"/health took at most {self.slowest_health:.2f} s")
        print(f"memory {before[0] >> 20} -> {after[0] >> 20} MiB, descriptors {before[1]} -> {after[1]}")
        for problem in self.problems[:10]:
            print(f"problem: {problem}", file=sys.stderr)
        return 1 if self.problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--health-seconds", type=float, default=2)
    parser.add_argument("--answer-seconds", type=float, default=120)
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.build) / "bin" / "llama-pajamas-run")
    soak = Soak(program, arguments.model, arguments.seed, arguments.health_seconds,
                arguments.answer_seconds)
    sys.exit(soak.run(arguments.seconds))


if __name__ == "__main__":
    main()
