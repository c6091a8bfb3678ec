# SPDX-License-Identifier: Apache-2.0
"""Starts llama_cpp.py in a process of its own, so that a native crash is one failed answer."""

import json
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(__file__).with_name("llama_cpp.py")


class PeerError(AssertionError):
    """llama.cpp refused a request, or died of it. The message ends with what it logged."""


class Peer:
    def __init__(self, library_folder, timeout_s=300):
        self.library_folder = str(library_folder)
        self.timeout_s = timeout_s

    def ask_all(self, requests):
        """One answer, or one PeerError, for each request.

        A request that kills the process does not harm the next ones.
        """
        results, rest = [], list(requests)
        while rest:
            answers = self._converse(rest)
            results += answers
            rest = rest[len(answers) :]
        return results

    def ask(self, **request):
        result = self.ask_all([request])[0]
        if isinstance(result, PeerError):
            raise result
        return result

    def _converse(self, requests):
        """Answers up to and including the first request that the process did not survive."""
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), self.library_folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
            try:
                output, _ = process.communicate(lines.encode(), timeout=self.timeout_s)
                end = f"ended with code {process.returncode}"
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
                end = f"gave no answer for {self.timeout_s} s"
            log.seek(0)
            tail = log.read()[-3000:].decode(errors="replace")
        results = []
        for line in output.decode().splitlines():
            reply = json.loads(line)
            results.append(
                reply["answer"] if "answer" in reply else PeerError(f"{reply['error']}\n{tail}")
            )
        if len(results) < len(requests):
            results.append(
                PeerError(f"llama.cpp {end} in {json.dumps(requests[len(results)])[:300]}\n{tail}")
            )
        return results
