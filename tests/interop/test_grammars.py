# SPDX-License-Identifier: Apache-2.0
"""Grammars allow the tokens that llama.cpp's allow; texts of a schema's grammar are valid."""

import json
import uuid
from datetime import date, datetime

import jsonschema
import pytest

from conftest import BUILD
from sampling import END, PIECES, Probe, byte_tokens, token_of, write_vocabulary

JSON_TEXT = '{"ab": [1, -2.5e3, "the", {"x": null}], "y": true}'
JSON_GRAMMAR = r"""
root ::= object
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array ::= "[" ws (value ("," ws value)*)? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
"""

# grammar, a text that it accepts
GRAMMARS = {
    "literal": ('root ::= "abc"', "abc"),
    "alternates": ('root ::= "ab" | "abc" | "a"', "abc"),
    "empty": ('root ::= "a" | ""', "a"),
    "class": ("root ::= [a-c]+", "abcab"),
    "negated": ("root ::= [^a-y]*", "zzé日😀"),
    "any": ("root ::= . . .", "é日😀"),
    "dash": ("root ::= [a-]+", "a-a"),
    "caret": (r"root ::= [x^]+ [\x41-\u00e9]", "x^é"),
    "question": ('root ::= "a"? "b"? "c"', "bc"),
    "exactly": ('root ::= "x"{3}', "xxx"),
    "range": ('root ::= "x"{2,4} "y"', "xxxy"),
    "at_least": ('root ::= ("x" | "y"){2,} "z"', "xyxz"),
    "twice_repeated": ('root ::= ("x"{1,2} "y")+', "xyxxy"),
    "group": ('root ::= ("a" ("b" | "c"))* "z"', "abacz"),
    "rules": ('root ::= one two\none ::= "a" # first\ntwo ::= one | "b"', "ab"),
    "lines": ('root ::= (\n  "a"\n  | "b"\n)\n\n# end\n', "b"),
    "escapes": (r'root ::= "\x41\n\t\"\\[\]" "\u00e9\U0001F600"', 'A\n\t"\\[]é😀'),
    "nesting": ('root ::= "[" root* "]"', "[[][[]]]"),
    "right_recursion": ('root ::= "a" root | "b"', "aaab"),
    "nullable": ('root ::= x x "a"\nx ::= "b" | ""', "bba"),
    "arithmetic": (
        'root ::= term ([-+*/] term)*\nterm ::= [0-9]+ | "(" root ")"',
        "(12+3)*(1-(0))",
    ),
    "json": (JSON_GRAMMAR, JSON_TEXT),
}
REFUSED = {
    "no_root": 'start ::= "a"',
    "undefined": "root ::= missing",
    "left_recursion": 'root ::= root "a" | "b"',
    "indirect_left_recursion": 'root ::= a\na ::= b "x"\nb ::= a "y" | "z"',
    "nullable_left_recursion": 'root ::= x root "a" | "b"\nx ::= ""',
    "open_literal": 'root ::= "a',
    "open_class": "root ::= [a",
    "open_group": 'root ::= ("a"',
    "nothing_to_repeat": "root ::= *",
    "bad_escape": r'root ::= "\q"',
    "bad_hex": r'root ::= "\x4"',
    "no_definition": "root = a",
    "open_repetition": 'root ::= "a"{2',
}


def greedy_tokens(text):
    """Longest words first, as a tokenizer would cut it."""
    data, ids = text.encode(), []
    while data:
        fitting = [i for i, piece in enumerate(PIECES) if piece and data.startswith(piece)]
        best = max(fitting, key=lambda i: (len(PIECES[i]), i))
        ids.append(best)
        data = data[len(PIECES[best]) :]
    return ids


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.gguf"
    write_vocabulary(path)
    return str(path)


@pytest.fixture(scope="module")
def probe():
    return Probe(BUILD / "bin/sampling_probe")


def is_in_doubt(token):
    """Bytes that begin no UTF-8 sequence: the library lets them through, we do not. Its pieces end
    at NUL, and its control tokens have their name as text."""
    piece = PIECES[token]
    return (not piece and token != END) or (len(piece) == 1 and (piece[0] >= 0x80 or piece[0] == 0))


def test_masks_are_those_of_llama_cpp(llama_cpp, vocabulary, probe):
    cases = []
    for name, (grammar, text) in GRAMMARS.items():
        cases.append((name + " in words", {"grammar": grammar, "ids": greedy_tokens(text)}))
        cases.append((name + " in bytes", {"grammar": grammar, "ids": byte_tokens(text)}))
    ours = probe.ask_all([{"op": "masks", **case} for _, case in cases])
    theirs = llama_cpp.ask(op="grammar", model=vocabulary, cases=[case for _, case in cases])
    for (name, case), our, their in zip(cases, ours, theirs["masks"]):
        assert "error" not in our, f"{name}: {our}"
        assert their is not None, f"{name}: refused by llama.cpp"
        for step, (found, expected) in enumerate(zip(our["answer"], their)):
            different = {
                token for token in set(found) ^ set(expected) if not is_in_doubt(token)
            }
            assert not different, (
                f"{name}, behind {case['ids'][:step]}: "
                f"{[(PIECES[token], token in found) for token in sorted(different)]}"
            )


def test_refused_grammars_are_those_of_llama_cpp(llama_cpp, vocabulary, probe):
    for name, grammar in REFUSED.items():
        (our,) = probe.ask_all([{"op": "masks", "grammar": grammar, "ids": []}])
        assert "error" in our, f"{name} is not refused"
        their = llama_cpp.ask(
            op="grammar", model=vocabulary, cases=[{"grammar": grammar, "ids": []}]
        )
        assert their["masks"] == [None], f"{name}: llama.cpp accepts it"


SCHEMAS = {
    "anything": True,
    "any_object": {"type": "object"},
    "scalars": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "who"},
            "age": {"type": "integer", "minimum": 0, "maximum": 130},
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "ok": {"type": "boolean"},
            "none": {"type": "null"},
        },
        "required": ["name", "ok"],
        "additionalProperties": False,
    },
    "all_optional": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "null"}},
        "additionalProperties": False,
    },
    "additional": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "ab": {"type": "boolean"}, "é": {"type": "null"}},
        "required": ["ab"],
        "additionalProperties": {"type": "string"},
    },
    "map": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "null"}}},
    "required_only": {"type": "object", "required": ["x", "y"]},
    "enum": {"enum": ["red", 'qu"ote', 5, None, {"a": [1]}, -0.5, "日本"]},
    "enum_of_type": {"type": "string", "enum": ["a", 1, "b"]},
    "const": {"const": {"k": [1, "2", None]}},
    "array": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
    "empty_array": {"type": "array", "maxItems": 0},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
    "tuple_open": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": {"type": "boolean"},
        "minItems": 1,
        "maxItems": 5,
    },
    "tuple_long": {"type": "array", "prefixItems": [{"type": "null"}], "minItems": 3},
    "lengths": {"type": "string", "minLength": 3, "maxLength": 6},
    "pattern": {"type": "string", "pattern": r"^[A-Z]{2,3}-\d+(\.\w*)?$"},
    "pattern_search": {"type": "string", "pattern": r"ab|^x+"},
    "pattern_escapes": {"type": "string", "pattern": '^("|\\\\|\\n|\\t|[^a-y"])+$'},
    "integer_ranges": {
        "type": "array",
        "minItems": 6,
        "maxItems": 6,
        "prefixItems": [
            {"type": "integer", "minimum": -5, "maximum": 17},
            {"type": "integer", "minimum": 98, "maximum": 1203},
            {"type": "integer", "exclusiveMinimum": -1000, "exclusiveMaximum": -37},
            {"type": "integer", "minimum": 7},
            {"type": "integer", "maximum": -12},
            {"type": "integer", "maximum": 3, "minimum": 3},
        ],
    },
    "number_ranges": {
        "type": "array",
        "minItems": 4,
        "maxItems": 4,
        "prefixItems": [
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            {"type": "number", "minimum": -2, "maximum": 2},
            {"type": "number", "minimum": 10},
            {"type": "number", "exclusiveMaximum": -10.5},
        ],
    },
    "any_of": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "string"}}]},
    "any_of_with_base": {
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
        "oneOf": [
            {"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["x"]},
            {"properties": {"kind": {"const": "b"}, "y": {"type": "string"}}, "required": ["y"]},
        ],
    },
    "all_of": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}},
            {"properties": {"a": {"maximum": 9}, "b": {"type": "null"}}, "required": ["a"]},
            {"$ref": "#/$defs/more"},
        ],
        "$defs": {"more": {"properties": {"c": {"type": "boolean"}}, "required": ["c"]}},
    },
    "recursive": {
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                },
                "required": ["value"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/tree",
    },
    "type_list": {"type": ["string", "integer", "null"], "minimum": 3, "maxLength": 2},
    "formats": {
        "type": "array",
        "minItems": 4,
        "prefixItems": [
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "uuid"},
            {"type": "string", "format": "time"},
        ],
    },
    "infers_types": {"properties": {"a": {"items": {"minLength": 1}}}, "required": ["a"]},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_random_texts_of_a_schema_are_valid(probe, name):
    schema = SCHEMAS[name]
    texts = probe.ask(op="walk", schema=schema, count=60, seed=7, patience=40)
    validator = jsonschema.Draft202012Validator(schema)
    for text in texts:
        value = json.loads(text)
        validator.validate(value)
        if name == "formats":
            date.fromisoformat(value[0])
            datetime.fromisoformat(value[1])
            assert str(uuid.UUID(value[2])) == value[2].lower()


def test_a_schemas_grammar_is_one_for_llama_cpp_too(llama_cpp, vocabulary, probe):
    for name, schema in SCHEMAS.items():
        grammar = probe.ask(op="schema", schema=schema)
        texts = probe.ask(op="walk", schema=schema, count=3, seed=1, patience=10)
        cases = [{"grammar": grammar, "ids": greedy_tokens(text)} for text in texts]
        ours = probe.ask_all([{"op": "masks", **case} for case in cases])
        theirs = llama_cpp.ask(op="grammar", model=vocabulary, cases=cases)["masks"]
        for our, their in zip(ours, theirs):
            assert their is not None, f"{name}: llama.cpp refuses\n{grammar}"
            for found, expected in zip(our["answer"], their):
                different = {t for t in set(found) ^ set(expected) if not is_in_doubt(t)}
                assert not different, f"{name}: {[PIECES[token] for token in different]}"


def test_a_schema_accepts_what_it_should(probe):
    """Valid documents as a program would write them pass, with or without white space."""
    documents = {
        "scalars": {"name": "é\n\"", "age": 130, "share": 0.25, "ok": False},
        "additional": {"a": 1, "ab": True, "abc": "x", "b": "y"},
        "recursive": {"value": 1, "children": [{"value": -2, "children": []}]},
        "all_of": {"a": 5, "b": None, "c": True},
        "integer_ranges": [-5, 1203, -999, 7, -12, 3],
        "formats": ["2024-02-29", "2023-12-31T23:59:59Z",
                    "123e4567-e89b-12d3-a456-426614174000", "01:02:03.5+01:00"],
    }
    for name, document in documents.items():
        for separators in ((",", ":"), (", ", ": ")):
            text = json.dumps(document, separators=separators, ensure_ascii=False)
            grammar = probe.ask(op="schema", schema=SCHEMAS[name])
            masks = probe.ask(op="masks", grammar=grammar, ids=greedy_tokens(text))
            assert END in masks[-1], f"{name}: {text} may not end"


def test_words_and_bytes_agree(probe):
    """token_of finds words, so that the tests above use tokens of several bytes."""
    assert PIECES[token_of("then")] == b"then"
