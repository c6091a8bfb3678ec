# SPDX-License-Identifier: Apache-2.0
"""Whole files equal those that llama.cpp's own quantizer makes from our F32 file: every tensor's
type and bytes, and the metadata.

The product converts straight from the model folder, in one pass; llama.cpp quantizes the F32 file
of that same pass.
"""

import pytest

from gguf_compare import assert_same
from recipes import FIXTURES, NEEDS_IMATRIX, RECIPES
from seeded_imatrix import write_imatrix, write_legacy_imatrix

# Models whose files differ in what the options below touch: an output matrix of its own, tied
# embeddings, experts.
OPTION_MODELS = ["llama", "gemma2", "mixtral"]
OPTION_RECIPES = ["Q4_K_M", "Q8_0", "Q2_K", "IQ4_XS", "F16", "MXFP4_MOE"]

# Options as the product's command line has them, and as the library's parameters.
OPTIONS = {
    "pure": (["--pure"], {"pure": True}),
    "output tensor type": (["--output-tensor-type", "Q5_K"], {"output_tensor_type": "Q5_K"}),
    "token embedding type": (["--token-embedding-type", "Q8_0"], {"token_embedding_type": "Q8_0"}),
    "leave output tensor": (["--leave-output-tensor"], {"leave_output_tensor": True}),
    "tensor types": (
        ["--tensor-type", r"blk\.0\.ffn_down=Q6_K", "--tensor-type", "attn_[QK]=Q5_1"],
        {"tensor_types": [[r"blk\.0\.ffn_down", "Q6_K"], ["attn_[QK]", "Q5_1"]]},
    ),
    "all types given": (
        [
            "--output-tensor-type",
            "F16",
            "--token-embedding-type",
            "Q4_0",
            "--tensor-type",
            "attn_v=F16",
        ],
        {
            "output_tensor_type": "F16",
            "token_embedding_type": "Q4_0",
            "tensor_types": [["attn_v", "F16"]],
        },
    ),
    "overridden keys": (
        [
            "--override-kv",
            "general.name=str:Renamed",
            "--override-kv",
            "example.count=int:7",
            "--override-kv",
            "example.ratio=float:0.5",
            "--override-kv",
            "example.flag=bool:true",
        ],
        {
            "kv_overrides": [
                ["general.name", "str", "Renamed"],
                ["example.count", "int", 7],
                ["example.ratio", "float", 0.5],
                ["example.flag", "bool", True],
            ]
        },
    ),
}


def once_for_each(function):
    """Like functools.cache, but a failure is kept too.

    What failed for one recipe is not tried again for the next.
    """
    outcomes = {}

    def call(*key):
        if key not in outcomes:
            try:
                outcomes[key] = function(*key)
            except Exception as error:  # whatever it was, it is raised below
                outcomes[key] = error
        if isinstance(outcomes[key], Exception):
            raise outcomes[key]
        return outcomes[key]

    return call


class Comparisons:
    """Makes both sides of a comparison once, for all recipes together.

    A test then looks at one recipe.
    """

    def __init__(self, product, peer, make_fixture, tmp_path_factory):
        self.product, self.peer, self.make_fixture = product, peer, make_fixture
        self.new_folder = tmp_path_factory.mktemp
        self.both = once_for_each(self.both)
        self.plain = once_for_each(self.plain)

    def plain(self, model):
        return self.product.convert(self.make_fixture(model), self.new_folder("plain"), RECIPES)

    def peer_files(self, source, kinds, parameters):
        folder = self.new_folder("peer")
        requests = [
            {
                "op": "quantize",
                "input": str(source),
                "output": str(folder / f"{kind}.gguf"),
                "type": kind,
                "threads": 2,
                **parameters,
            }
            for kind in kinds
        ]
        answers = self.peer.ask_all(requests)
        return {
            kind: answer if isinstance(answer, Exception) else folder / f"{kind}.gguf"
            for kind, answer in zip(kinds, answers)
        }

    def both(self, model, variant):
        plain = self.plain(model)
        source = self.make_fixture(model)
        if variant == "plain":
            kinds, ours, parameters = RECIPES, plain, {}
        elif variant == "legacy imatrix":
            imatrix = self.new_folder("imatrix") / "seeded.dat"
            keys = write_legacy_imatrix(imatrix, plain["F32"])
            kinds = OPTION_RECIPES
            ours = self.product.convert(
                source, self.new_folder("ours"), kinds, "--imatrix", imatrix
            )
            parameters = {"imatrix": str(imatrix), "kv_overrides": keys}
        elif variant.startswith("imatrix"):
            imatrix = self.new_folder("imatrix") / "seeded.gguf"
            left_out = {"blk.0.attn_output.weight"} if variant == "imatrix with a gap" else ()
            keys = write_imatrix(imatrix, plain["F32"], left_out)
            kinds = OPTION_RECIPES if left_out else [*RECIPES, NEEDS_IMATRIX]
            ours = self.product.convert(
                source, self.new_folder("ours"), kinds, "--imatrix", imatrix
            )
            parameters = {"imatrix": str(imatrix), "kv_overrides": keys}
        elif variant.startswith("from "):
            kinds, parameters = OPTION_RECIPES, {}
            source_file = plain[variant.removeprefix("from ")]
            ours = self.product.convert(source_file, self.new_folder("ours"), kinds)
            return ours, self.peer_files(source_file, kinds, parameters)
        else:
            kinds = OPTION_RECIPES
            arguments, parameters = OPTIONS[variant]
            ours = self.product.convert(source, self.new_folder("ours"), kinds, *arguments)
        # What is left alone keeps the type it has in the folder, which is BF16.
        kept = "BF16" if variant == "leave output tensor" else "F32"
        return ours, self.peer_files(plain[kept], kinds, parameters)

    def check(self, model, variant, kind):
        ours, theirs = self.both(model, variant)
        if isinstance(theirs[kind], Exception):
            raise theirs[kind]
        assert_same(ours[kind], theirs[kind])


@pytest.fixture(scope="module")
def comparisons(product, llama_cpp, make_fixture, tmp_path_factory):
    return Comparisons(product, llama_cpp, make_fixture, tmp_path_factory)


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("model", FIXTURES)
def test_file_is_what_llama_cpp_quantizes(comparisons, model, kind):
    comparisons.check(model, "plain", kind)


@pytest.mark.parametrize("kind", [*RECIPES, NEEDS_IMATRIX])
@pytest.mark.parametrize("model", FIXTURES)
def test_file_with_imatrix_is_what_llama_cpp_quantizes(comparisons, model, kind):
    comparisons.check(model, "imatrix", kind)


@pytest.mark.parametrize("kind", OPTION_RECIPES)
@pytest.mark.parametrize("model", OPTION_MODELS)
def test_file_with_a_gap_in_the_imatrix_is_what_llama_cpp_quantizes(comparisons, model, kind):
    comparisons.check(model, "imatrix with a gap", kind)


@pytest.mark.parametrize("kind", OPTION_RECIPES)
@pytest.mark.parametrize("model", OPTION_MODELS)
def test_file_with_legacy_imatrix_is_what_llama_cpp_quantizes(comparisons, model, kind):
    comparisons.check(model, "legacy imatrix", kind)


@pytest.mark.parametrize("kind", OPTION_RECIPES)
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("model", OPTION_MODELS)
def test_file_with_option_is_what_llama_cpp_quantizes(comparisons, model, option, kind):
    comparisons.check(model, option, kind)


@pytest.mark.parametrize("kind", OPTION_RECIPES)
@pytest.mark.parametrize("source", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("model", OPTION_MODELS)
def test_file_made_of_a_gguf_file_is_what_llama_cpp_quantizes(comparisons, model, source, kind):
    comparisons.check(model, "from " + source, kind)


@pytest.mark.parametrize("model", FIXTURES)
def test_llama_cpp_loads_and_runs_it(comparisons, llama_cpp, model):
    files = comparisons.plain(model)
    for kind in ("F32", "Q4_K_M"):
        llama_cpp.ask(
            op="generate", model=str(files[kind]), prompts=[[1, 5, 9, 7]], count=4, n_ctx=64
        )
