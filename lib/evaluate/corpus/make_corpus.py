#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes parents_assistant.txt from Project Gutenberg's plain text of the book.

    python3 lib/evaluate/corpus/make_corpus.py BOOK.txt lib/evaluate/corpus/parents_assistant.txt

Takes the stories from THE ORPHANS to THE FALSE KEY, without anything before or after them, and joins
the lines of each paragraph.
"""

import pathlib
import sys

FIRST, AFTER_LAST = "\nTHE ORPHANS.\n", "\nSIMPLE SUSAN.\n"


def main() -> None:
    book = pathlib.Path(sys.argv[1]).read_text(encoding="ascii").replace("\r\n", "\n")
    stories = book[book.index(FIRST) : book.index(AFTER_LAST)]
    paragraphs = [" ".join(part.split()) for part in stories.split("\n\n")]
    text = "\n\n".join(part for part in paragraphs if part) + "\n"
    pathlib.Path(sys.argv[2]).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
