# SPDX-License-Identifier: Apache-2.0
"""What hostile clients do to the whole program: it lives, answers others, and its memory returns."""

import http.client
import json
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from harness import BIN_DIR, REPOSITORY, main

ALLOWED_MEMORY_GROWTH = 48 << 20  # bytes
STORY = {"prompt": "Once upon a time", "max_tokens": 12, "temperature": 0}
JSON_HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MEGABYTE = b" " * (1 << 20)


class AbuseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        cls.descriptors = most
        cls.process = subprocess.Popen(
            [BIN_DIR / "llama-pajamas-run", "serve", REPOSITORY / "examples/tiny-storyteller",
             "--port", "0", "--quiet", "--threads", "1"],
            stdout=subprocess.PIPE, text=True)
        for line in cls.process.stdout:
            if line.startswith("listening on "):
                cls.port = int(line.rsplit(":", 1)[1])
                break
        cls.story = cls.post("/v1/completions", STORY)["choices"][0]["text"]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.process.send_signal(signal.SIGTERM)
        code = cls.process.wait(timeout=60)
        cls.process.stdout.close()
        assert code == 0, code

    @classmethod
    def send(cls, path: str, text: str | bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("localhost", cls.port, timeout=60)
        connection.request("POST", path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer

    @classmethod
    def post(cls, path: str, body: dict) -> dict:
        status, content = cls.send(path, json.dumps(body))
        assert status == 200, content
        return json.loads(content)

    def setUp(self) -> None:
        self.memory, self.files = self.usage()

    def tearDown(self) -> None:
        """Others are still served, with the same text, and what was taken is given back."""
        self.assertEqual(self.post("/v1/completions", STORY)["choices"][0]["text"], self.story)
        end = time.monotonic() + 20
        while True:
            memory, files = self.usage()
            if memory <= self.memory + ALLOWED_MEMORY_GROWTH and files <= self.files + 4:
                return
            if time.monotonic() > end:
                self.fail(f"memory {self.memory >> 20} -> {memory >> 20} MiB, "
                          f"descriptors {self.files} -> {files}")
            time.sleep(0.1)

    def usage(self) -> tuple[int, int]:
        folder = Path(f"/proc/{self.process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        return pages * resource.getpagesize(), len(list((folder / "fd").iterdir()))

    def connect(self) -> socket.socket:
        return socket.create_connection(("localhost", self.port), timeout=30)

    def test_bodies_of_100_mb_are_refused_however_they_come(self) -> None:
        for head in (b"Content-Length: 104857600\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
            for _ in range(4):
                with self.connect() as client:
                    client.sendall(JSON_HEAD.encode() + head)
                    try:
                        for _ in range(100):
                            if b"chunked" in head:
                                client.sendall(b"100000\r\n" + MEGABYTE + b"\r\n")
                            else:
                                client.sendall(MEGABYTE)
                    except OSError:
                        pass  # the server has closed before all was sent
                    try:
                        answer = client.recv(100)
                    except ConnectionResetError:
                        continue  # the answer was lost with what was still unread
                    self.assertTrue(answer.startswith(b"HTTP/1.1 413"), answer)

    def test_large_bodies_of_all_kinds_leave_nothing_behind(self) -> None:
        bodies = [
            '{"messages": [' + '{"role": "user", "content": "x"},' * 800_000 + "{}]}",
            '{"prompt": [' + "1," * 10_000_000 + "1]}",
            '{"x": "' + "y" * (25 << 20) + '", "messages": 1}',
            '{"a":' * 1_000_000,
            "[" * 20_000_000,
            '"' * 20_000_000,
        ]
        for body in bodies:
            status, content = self.send("/v1/chat/completions", body)
            self.assertEqual(status, 400, content[:300])

    def test_numbers_out_of_range_are_refused(self) -> None:
        for value in ("-1", "1e400", "-1e308", "99999999999999999999999", "NaN", "1.5", "true", '"1"'):
            for field in ("max_tokens", "n", "top_k", "logprobs"):
                text = '{"prompt": "a", "%s": %s}' % (field, value)
                status, content = self.send("/v1/completions", text)
                self.assertEqual(status, 400, f"{text}: {content}")

    def test_deep_grammars_and_schemas_are_refused(self) -> None:
        for grammar in ("root ::= " + "(" * 60_000 + '"a"' + ")" * 60_000,
                        "root ::= " + "(" * 60_000,
                        "root ::= " + '"a" | ' * 20_000 + '"b"',
                        'root ::= "a"{1000000000}',
                        "root ::= root"):
            status, content = self.send("/v1/completions",
                                        json.dumps({**STORY, "grammar": grammar}))
            self.assertIn(status, (200, 400), content[:300])
        schema = '{"type":"array","items":' * 60_000 + "{}" + "}" * 60_000
        status, _ = self.send("/v1/completions", '{"prompt": "a", "json_schema": ' + schema + "}")
        self.assertEqual(status, 400)

    def test_two_thousand_idle_connections_and_slow_ones(self) -> None:
        if self.descriptors < 5000:
            self.skipTest("this machine allows too few descriptors")
        clients = [self.connect() for _ in range(2000)]
        for client in clients[:200]:
            client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: lo")
        for client in clients[200:400]:
            client.sendall(JSON_HEAD.encode() + b"Content-Length: 1000\r\n\r\n{")
        self.assertEqual(self.post("/v1/completions", STORY)["choices"][0]["text"], self.story)
        for client in clients:
            client.close()

    def test_clients_that_leave_free_their_places(self) -> None:
        body = json.dumps({"prompt": "Once", "max_tokens": 4000, "stream": True, "ignore_eos": True})
        head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

        def leave() -> None:
            with self.connect() as client:
                client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                client.recv(100)

        threads = [threading.Thread(target=leave) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_other_sites_and_hosts_are_kept_out(self) -> None:
        requests = [
            b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            b"GET /v1/models HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n",
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        ]
        for request in requests:
            with self.connect() as client:
                client.sendall(request)
                self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 403"), request)
        with self.connect() as client:
            client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 415"))


if __name__ == "__main__":
    main()
