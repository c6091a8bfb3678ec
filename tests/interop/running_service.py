# SPDX-License-Identifier: Apache-2.0
"""A running server with the example model, for the tests that are its clients."""

import signal
import subprocess

import openai

from conftest import BUILD, ROOT

MODEL = ROOT / "examples" / "tiny-storyteller"
NAME = "tiny-storyteller"


class Service:
    """llama-pajamas-run serve on a port of its own."""

    def __init__(self, *options, model=MODEL):
        command = [str(BUILD / "bin" / "llama-pajamas-run"), "serve", str(model), "--port", "0"]
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
