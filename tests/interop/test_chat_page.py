# SPDX-License-Identifier: Apache-2.0
"""The chat page in Chromium, with the example model behind it."""

from conftest import BUILD, ROOT, run_program
from running_service import NAME, Service


def test_the_chat_page_in_a_browser():
    service = Service("--parallel", "2", "--threads", "1")
    try:
        run_program(
            "node",
            ROOT / "tests/interop/chat_page.mjs",
            BUILD / "interop/node_modules",
            service.url,
            NAME,
            BUILD / "interop/screenshots/chat",
        )
    finally:
        assert service.stop() == 0
