# SPDX-License-Identifier: Apache-2.0
"""report.html in a real browser: everything is there, and text stays text."""

import json
import pathlib

import pytest

from conftest import BUILD, ROOT, run_program

TYPES = ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K"]
NAMES = [*TYPES, "4bit"]
HERE = pathlib.Path(__file__).parent
# What the report is made of, and nothing that loads or runs.
ELEMENTS = set(
    "html head meta link title style body main header footer section article h1 h2 h3 h4 p div "
    "span q mark table thead tbody tr th td figure figcaption input label svg g path rect circle "
    "text".split()
)


def write_report(product, example, folder, *options):
    files = product.convert(example, folder / "gguf", TYPES)
    run_program(product.program, "convert", example, "--output", folder / "mlx", "--formats", "mlx",
                "--precision", "4bit")
    models = [f"{kind}={path}" for kind, path in files.items()] + [f"4bit={folder}/mlx/mlx"]
    run_program(BUILD / "bin/report_driver", example, folder, *models, *options)
    return folder / "report.html"


def look_at(report):
    return json.loads(run_program("node", HERE / "report_page.mjs", BUILD / "interop/node_modules", report))


@pytest.fixture(scope="module")
def report(product, example, tmp_path_factory):
    return write_report(product, example, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(report):
    return look_at(report)


def test_the_browser_has_nothing_to_complain_about(page):
    assert page["complaints"] == []
    assert set(page["elements"]) <= ELEMENTS
    assert page["handlers"] == []


def test_every_model_is_in_every_part(page):
    assert page["headings"] == [
        "Summary", "Quality against size", "KL divergence by position", "Error of the weights",
        "Perplexity by method", "Tasks", "Continuations",
    ]
    assert len(page["rows"]) == 1 + len(NAMES)
    assert [plot["name"] for plot in page["plots"]] == ["Mean KL divergence (nats)", "Perplexity"]
    for plot in page["plots"]:
        assert plot["labels"] == NAMES
        assert len(plot["marks"]) == len(NAMES)
    assert [panel["name"] for panel in page["histograms"]] == NAMES
    assert all(panel["bars"] > 10 for panel in page["histograms"])
    assert len(page["maps"]) == len(NAMES)
    assert page["samples"] == 3 * len(NAMES)
    assert page["marked"]  # at 2 bits the texts part


def test_each_map_has_a_cell_for_every_tensor_that_was_changed(page, report):
    models = json.loads((report.parent / "validation.json").read_text())["quantized"]
    for model, titles in zip(models, page["maps"], strict=True):
        changed = {t["name"] for t in model["tensors"] if t["snr_db"] != "Infinity"}
        assert len(changed) == 4 * 7 + 1
        assert {title.split(":")[0] for title in titles} == changed
        for tensor in model["tensors"]:
            if tensor["name"] in changed:
                title = next(t for t in titles if t.startswith(tensor["name"] + ":"))
                assert tensor["type"] in title
                assert f"SNR {tensor['snr_db']:.2f} dB" in title


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_labels_of_points_can_be_read(page):
    for plot in page["plots"]:
        for index, label in enumerate(plot["boxes"]):
            assert plot["frame"][0] <= label[0] and label[2] <= plot["frame"][2]
            for other in plot["boxes"][index + 1:]:
                shrunk = [other[0] + 2, other[1] + 3, other[2] - 2, other[3] - 3]
                assert not overlap(label, shrunk), plot["name"]


def test_one_panel_at_a_time_is_seen_without_scripts(page):
    for section in page["tabs"].values():
        assert section == [[i == chosen for i in range(len(NAMES))] for chosen in range(len(NAMES))]


def test_it_follows_the_readers_colours_and_fits_a_phone(page):
    assert page["light"] != page["dark"]
    assert page["overflow"] == {"1200": 0, "360": 0}


def test_hostile_text_stays_text(product, example, tmp_path):
    page = look_at(write_report(product, example, tmp_path, "--hostile"))
    assert page["hacked"] is None
    assert page["complaints"] == []
    assert set(page["elements"]) <= ELEMENTS
    assert page["handlers"] == []
    assert page["title"].startswith("Quantization report: </title></style><script>")
    assert page["overflow"] == {"1200": 0, "360": 0}
    assert len(page["maps"]) == len(NAMES)
