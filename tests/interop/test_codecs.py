# SPDX-License-Identifier: Apache-2.0
"""Each block type's bytes equal those of the library.

The program codec_oracle compares them, and says what differs.
"""

from conftest import BUILD, run_program


def test_codecs_write_the_bytes_of_ggml(llama_cpp):
    print(run_program(BUILD / "bin/codec_oracle", llama_cpp.library_folder, timeout_s=280))
