# SPDX-License-Identifier: Apache-2.0
"""What the live comparisons share.

Where things are, and how the product and its peers are called.
"""

import os
import pathlib
import subprocess

import pytest

from peer import Peer
from recipes import FIXTURES, RECIPES

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PJ_BUILD", ROOT / "build"))


def run_program(*arguments, timeout_s=300):
    command = [str(argument) for argument in arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert (
        done.returncode == 0
    ), f"{' '.join(command)}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Product:
    """The program under test."""

    def __init__(self, folder):
        self.program = folder / "llama-pajamas-quant"

    def convert(self, source, output, types, *options):
        """Converts in one pass; answers the path of each type's file."""
        run_program(
            self.program,
            "convert",
            source,
            "--output",
            output,
            "--formats",
            "gguf",
            "--gguf-types",
            ",".join(types),
            "--threads",
            "2",
            *options,
        )
        files = {}
        for kind in types:
            found = list((pathlib.Path(output) / "gguf").glob(f"*-{kind.lower()}.gguf"))
            assert len(found) == 1, f"{output}: expected one file of type {kind}, found {found}"
            files[kind] = found[0]
        return files


@pytest.fixture(scope="session")
def product():
    return Product(BUILD / "bin")


@pytest.fixture(scope="session")
def llama_cpp():
    folders = list((BUILD / "interop/node_modules/@node-llama-cpp/linux-x64/bins").iterdir())
    assert len(folders) == 1, f"expected one folder of libraries, found {folders}"
    return Peer(folders[0])


@pytest.fixture(scope="session")
def example():
    return ROOT / "examples/tiny-storyteller"


@pytest.fixture(scope="session")
def example_files(product, example, tmp_path_factory):
    return product.convert(example, tmp_path_factory.mktemp("example"), RECIPES)


@pytest.fixture(scope="session")
def optional_models():
    """Models that others trained; the folder lies beside the checkout or not at all."""
    return ROOT.parent / "shared/data/models"


@pytest.fixture(scope="session")
def make_fixture(tmp_path_factory):
    """Makes a shape-only model folder of FIXTURES, once."""
    made = {}

    def make(name):
        if name not in made:
            # The folder's name becomes the model's, and llama.cpp gives some names a meaning.
            made[name] = tmp_path_factory.mktemp("fixture") / "model"
            family, *options = FIXTURES[name]
            run_program(BUILD / "bin/make_fixture", family, made[name], *options)
        return made[name]

    return make
