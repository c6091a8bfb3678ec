#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the made parts of fuzz/corpus: small valid inputs that reach most of the parsers.

The container formats start from tests/golden instead. Only the standard library is used; the
result is deterministic. Inputs that a fuzzer found are added by hand as found_*.
"""
import base64
import json
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "fuzz" / "corpus"
HIDDEN, FFN, HEADS, KV_HEADS, HEAD_DIM, VOCAB, EXPERTS = 16, 32, 4, 2, 4, 24, 2


def write(name, content):
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def gated_ffn(prefix, names=("gate_proj", "up_proj", "down_proj"), ffn=FFN):
    gate, up, down = names
    return {f"{prefix}{gate}.weight": [ffn, HIDDEN], f"{prefix}{up}.weight": [ffn, HIDDEN],
            f"{prefix}{down}.weight": [HIDDEN, ffn]}


def attention(prefix, qk_norm=0, bias=False):
    q, kv = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    rows = {"q_proj": q, "k_proj": kv, "v_proj": kv}
    shapes = {f"{prefix}{name}.weight": [count, HIDDEN] for name, count in rows.items()}
    shapes[f"{prefix}o_proj.weight"] = [HIDDEN, q]
    if bias:
        shapes.update({f"{prefix}{name}.bias": [count] for name, count in rows.items()})
    if qk_norm == "head":
        shapes.update({f"{prefix}{name}_norm.weight": [HEAD_DIM] for name in "qk"})
    if qk_norm == "row":
        shapes.update({f"{prefix}q_norm.weight": [q], f"{prefix}k_norm.weight": [kv]})
    return shapes


def phi3_attention(prefix):
    return {f"{prefix}qkv_proj.weight": [(HEADS + 2 * KV_HEADS) * HEAD_DIM, HIDDEN],
            f"{prefix}o_proj.weight": [HIDDEN, HEADS * HEAD_DIM]}


def moe(layer, kind):
    if kind == "mixtral":
        block = f"{layer}block_sparse_moe."
        names = ("w1", "w3", "w2")
    else:
        block = f"{layer}mlp."
        names = ("gate_proj", "up_proj", "down_proj")
    shapes = {f"{block}gate.weight": [EXPERTS, HIDDEN]}
    for expert in range(EXPERTS):
        shapes.update(gated_ffn(f"{block}experts.{expert}.", names))
    if kind == "qwen2_moe":
        shapes.update(gated_ffn(f"{block}shared_expert."))
        shapes[f"{block}shared_expert_gate.weight"] = [1, HIDDEN]
    return shapes


PRE_NORMS = ("input_layernorm", "post_attention_layernorm")
GEMMA_NORMS = PRE_NORMS + ("pre_feedforward_layernorm", "post_feedforward_layernorm")
OLMO_NORMS = ("post_attention_layernorm", "post_feedforward_layernorm")

# architecture: (model_type, norms, attention, ffn kind, keys of its own)
FAMILIES = {
    "LlamaForCausalLM": ("llama", PRE_NORMS, {}, "dense", {"rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64}}),
    "MistralForCausalLM": ("mistral", PRE_NORMS, {}, "dense", {"sliding_window": 64}),
    "Qwen2ForCausalLM": ("qwen2", PRE_NORMS, {"bias": True}, "dense", {"rope_scaling": {
        "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}}),
    "Qwen3ForCausalLM": ("qwen3", PRE_NORMS, {"qk_norm": "head"}, "dense", {}),
    "Gemma2ForCausalLM": ("gemma2", GEMMA_NORMS, {}, "dense", {
        "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "sliding_window": 32,
        "query_pre_attn_scalar": 4, "hidden_activation": "gelu_pytorch_tanh"}),
    "Gemma3ForCausalLM": ("gemma3_text", GEMMA_NORMS, {"qk_norm": "head"}, "dense", {
        "rope_local_base_freq": 10000.0, "sliding_window": 32, "query_pre_attn_scalar": 4,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0}}),
    "Phi3ForCausalLM": ("phi3", PRE_NORMS, "phi3", "phi3", {
        "original_max_position_embeddings": 64,
        "rope_scaling": {"type": "longrope", "long_factor": [1.0, 2.0], "short_factor": [1.0, 1.5]}}),
    "SmolLM3ForCausalLM": ("smollm3", PRE_NORMS, {}, "dense", {"no_rope_layers": [1]}),
    "GraniteForCausalLM": ("granite", PRE_NORMS, {}, "dense", {
        "embedding_multiplier": 12.0, "logits_scaling": 8.0, "residual_multiplier": 0.22,
        "attention_multiplier": 0.015625}),
    "Olmo2ForCausalLM": ("olmo2", OLMO_NORMS, {"qk_norm": "row"}, "dense", {}),
    "MixtralForCausalLM": ("mixtral", PRE_NORMS, {}, "mixtral", {
        "num_local_experts": EXPERTS, "num_experts_per_tok": 1}),
    "Qwen2MoeForCausalLM": ("qwen2_moe", PRE_NORMS, {"bias": True}, "qwen2_moe", {
        "num_experts": EXPERTS, "num_experts_per_tok": 1, "moe_intermediate_size": FFN,
        "shared_expert_intermediate_size": FFN}),
    "Qwen3MoeForCausalLM": ("qwen3_moe", PRE_NORMS, {"qk_norm": "head"}, "qwen3_moe", {
        "num_experts": EXPERTS, "num_experts_per_tok": 1, "moe_intermediate_size": FFN,
        "norm_topk_prob": True}),
}


def tensors_of(norms, attention_kind, ffn):
    layer = "model.layers.0."
    shapes = {"model.embed_tokens.weight": [VOCAB, HIDDEN], "model.norm.weight": [HIDDEN],
              "lm_head.weight": [VOCAB, HIDDEN]}
    shapes.update({f"{layer}{norm}.weight": [HIDDEN] for norm in norms})
    prefix = layer + "self_attn."
    shapes.update(phi3_attention(prefix) if attention_kind == "phi3"
                  else attention(prefix, **attention_kind))
    if ffn == "dense":
        shapes.update(gated_ffn(layer + "mlp."))
    elif ffn == "phi3":
        shapes[layer + "mlp.gate_up_proj.weight"] = [2 * FFN, HIDDEN]
        shapes[layer + "mlp.down_proj.weight"] = [HIDDEN, FFN]
    else:
        shapes.update(moe(layer, ffn))
    return shapes


def make_configs():
    for name, (model_type, norms, attention_kind, ffn, own) in FAMILIES.items():
        config = {
            "architectures": [name], "model_type": model_type, "hidden_size": HIDDEN,
            "intermediate_size": FFN, "num_hidden_layers": 1, "num_attention_heads": HEADS,
            "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "vocab_size": VOCAB,
            "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "tie_word_embeddings": False, **own,
            "fuzz_tensors": tensors_of(norms, attention_kind, ffn)}
        write(f"config/{model_type}.json", json.dumps(config))
        if model_type == "gemma3_text":  # as multimodal files nest it
            text = {k: v for k, v in config.items() if k not in ("architectures", "fuzz_tensors")}
            write("config/gemma3_nested.json", json.dumps({
                "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
                "text_config": text, "fuzz_tensors": {
                    f"language_model.{k}": v for k, v in config["fuzz_tensors"].items()}}))
    write("config/unknown.json", '{"architectures":["QwenThreeForCausalLM"],"model_type":"qwen3x"}')
    write("config/empty.json", "{}")


def added(token_id, text, special=True):
    return {"id": token_id, "content": text, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": special}


def make_tokenizer_jsons():
    split = {"type": "Split", "behavior": "Isolated", "invert": False, "pattern": {
        "Regex": "(?i:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+"}}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    vocab = {c: i for i, c in enumerate("abc\u0120\u010a!")}
    vocab.update({"ab": 6, "\u0120a": 7, "abc": 8})
    document = {
        "version": "1.0", "added_tokens": [added(9, "<|end|>"), added(10, "<tool>", False)],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": {"type": "TemplateProcessing", "single": [
            {"SpecialToken": {"id": "<|end|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [9], "tokens": ["<|end|>"]}}},
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "byte_fallback": False,
                  "ignore_merges": True, "vocab": vocab,
                  "merges": ["a b", "\u0120 a", "ab c"]}}
    write("tokenizer/byte_level.json", json.dumps(document))
    document["model"]["merges"] = [["a", "b"], ["ab", "c"]]
    document["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}
    write("tokenizer/merge_pairs.json", json.dumps(document, ensure_ascii=False))
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, "<0x0A>": 3, "<0xFF>": 4, "\u2581": 5, "a": 6, "\u2581a": 7}
    write("tokenizer/byte_fallback.json", json.dumps({
        "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True,
                  "vocab": vocab, "merges": ["\u2581 a"]}}))
    write("tokenizer/unigram.json", json.dumps({"added_tokens": [], "model": {
        "type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.5]]}}))
    # A double array of one string: "a" becomes "b".
    units = [1 << 10, 0, 0x80000000] + [0] * 93 + [0x161 | 98 << 10]
    table = struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + b"b\0"
    write("tokenizer/charsmap.json", json.dumps({
        "normalizer": {"type": "Precompiled",
                       "precompiled_charsmap": base64.b64encode(table).decode()},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "\u2581"}]},
        "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [
            ["<unk>", 0.0], ["\u2581", -2.0], ["b", -1.5], ["\u2581b", -1.25]]}}))
    write("tokenizer/word_piece.json", json.dumps({
        "added_tokens": [added(0, "[CLS]"), added(1, "[SEP]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": True,
                       "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 1], "cls": ["[CLS]", 0]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "a": 3, "##a": 4, "word": 5}}}))
    write("tokenizer/ranks.model", "YQ== 0\nYg== 1\nYWI= 2\n")


def field(number, wire, payload):
    head = bytes([number << 3 | wire])
    return head + (bytes([len(payload)]) + payload if wire == 2 else payload)


def make_sentencepiece():
    model = b""
    for text, score, kind in (("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("<0x41>", 0, 6),
                              ("\u2581a", -1, 1), ("b", -2, 1), ("user", 0, 4), ("gone", 0, 5)):
        piece = field(1, 2, text.encode()) + field(2, 5, struct.pack("<f", score))
        model += field(1, 2, piece + field(3, 0, bytes([kind])))
    trainer = field(3, 0, b"\2")
    normalizer = field(1, 2, b"identity") + field(3, 0, b"\1") + field(4, 0, b"\0")
    write("tokenizer/sentencepiece_bpe.model", model + field(2, 2, trainer) + field(3, 2, normalizer))
    write("tokenizer/sentencepiece_unigram.model", model + field(2, 2, field(3, 0, b"\1")))


GRAMMARS = {
    "json.gbnf": (
        'root ::= object\nvalue ::= object | array | string | "null"\n'
        'object ::= "{" (string ":" value ("," string ":" value)*)? "}"\n'
        'array ::= "[" (value ("," value)*)? "]"\n'
        'string ::= "\\"" ([^"\\\\\\x00-\\x1F] | "\\\\" ["\\\\nt])* "\\""\n\0{"a"}'
    ),
    "arithmetic.gbnf": 'root ::= t ([-+*/] t)* # sum\nt ::= [0-9]{1,3} | "(" root ")"\n\0001+1',
    "unicode.gbnf": 'root ::= [\u00e9-\\U0001F600]+ . "\\u00e9"? [^a-z]{2,}\n\0\u00e9x',
    "ambiguous.gbnf": 'root ::= "a" root "a" | ("a"*)* | [a-c]{0,3}{2}\n\0aaaa',
    "left_recursion.gbnf": 'root ::= x root "a" | "b"\nx ::= ""\n',
}
SCHEMAS = {
    "object.json": {
        "type": "object", "required": ["a"], "additionalProperties": {"type": "string"},
        "properties": {"a": {"type": "integer", "minimum": -5, "maximum": 120},
                       "ab": {"type": ["string", "null"], "minLength": 1, "maxLength": 4}}},
    "array.json": {"type": "array", "prefixItems": [{"const": 1}, {"enum": ["a", None]}],
                   "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "minItems": 3},
    "references.json": {"$defs": {"t": {"properties": {"next": {"$ref": "#/$defs/t"}}}},
                        "allOf": [{"$ref": "#/$defs/t"}, {"properties": {"b": True}}]},
    "choices.json": {"minimum": 1, "anyOf": [{"type": "integer"}, {"oneOf": [{"maximum": 5}]}]},
    "strings.json": {"prefixItems": [{"type": "string", "format": "date-time"}, {
        "type": "string", "pattern": "^([A-Z]{2,3}|\\d+[^\\s\"])*?$"}]},
}


def make_grammars():
    for name, text in GRAMMARS.items():
        write(f"grammar/{name}", text)
    for name, schema in SCHEMAS.items():
        write(f"json_schema/{name}", json.dumps(schema))
JINJA = {
    "chatml": "{% for m in messages %}{{ '<|im_start|>' ~ m.role + '\\n' + (m.content or '') }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "tools": "{%- macro show(t, sep=', ') -%}{%- endmacro %}{{ tools | tojson(indent=2) }}",
    "macros": "{%- macro m(a, b=[1, 'x'], c=none) -%}{{ a }}{{ varargs }}{{ kwargs }}{{ caller(1) if caller }}"
    "{%- endmacro -%}{% call(x) m(1, 2, 3, 4, k=5) %}{{ x ** 2 }}{% endcall %}",
    "namespace": "{% set ns = namespace(n=0, l=[]) %}{% for m in messages if m.role != 'tool' %}{% set ns.n = ns.n + 1 %}"
    "{% if loop.last %}{% break %}{% elif loop.first %}{% continue %}{% endif %}{{ loop.cycle('a', 'b') }}{% else %}-{% endfor %}{{ ns }}",
    "space": "  {%- if true -%}\n a {%+ endif %}{# c #}\n{% raw %} {{ {% {% endraw -%}\n  {{- 1 -}} \r\n",
    "filters": "{{ messages|selectattr('role', 'in', ['user'])|map(attribute='content')|list|join('-')|upper|replace('G', 'g', 1) }}"
    "{{ messages|groupby('role')|list }}{{ [3, 1]|sort(reverse=true)|first }}{{ {'b': 1}|dictsort }}{{ 'a b'|title|indent(2, true) }}",
    "strings": "{{ 'a,b'.split(',')[-1:][0].strip('b').center(5, '*') }}{{ '{:>5}{0!r}'.format('x') }}{{ '%05.2f %(a)s' % {'a': 1} }}{{ '\\u00e9\\n'[::-1] }}",
    "blocks": "{% set x | trim %} a {% endset %}{% filter upper %}{{ x }}{% endfilter %}{% with a = 1, b = 2 %}{{ a ~ b }}{% endwith %}"
    "{% generation %}g{% endgeneration %}{% block b %}{% endblock %}{% print 1, 2 %}",
    "numbers": "{{ 7 // 2 - -3 % 2 * 1.5e3 / 0x1F ** 2 }}{{ 1 < 2 <= 2 != 3 }}{{ 2.5|round }}{{ '12'|int + ('1'|float) }}{{ not 1 in [1] and 2 is odd or none is none }}",
    "raise": "{{ raise_exception('no ' ~ strftime_now('%Y')) }}",
}


def make_jinja():
    for name, text in JINJA.items():
        write(f"jinja/{name}.jinja", text)
def gguf(keys, shapes):
    """A GGUF v3 file of F32 tensors with small seeded values. Shapes are outermost first."""

    def text(value):
        data = value.encode()
        return struct.pack("<Q", len(data)) + data

    head = struct.pack("<4sIQQ", b"GGUF", 3, len(shapes), len(keys))
    for key, value in keys.items():
        head += text(key)
        if isinstance(value, str):
            head += struct.pack("<I", 8) + text(value)
        elif isinstance(value, float):
            head += struct.pack("<If", 6, value)
        else:
            head += struct.pack("<II", 4, value)
    data, seed = b"", 7
    for name, shape in shapes.items():
        data += b"\0" * (-len(data) % 32)
        head += text(name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", size) for size in reversed(shape))
        head += struct.pack("<IQ", 0, len(data))
        count = 1
        for size in shape:
            count *= size
        for _ in range(count):
            seed = (seed * 1103515245 + 12345) % (1 << 31)
            data += struct.pack("<f", (seed / (1 << 30) - 1) / 4)
    return head + b"\0" * (-len(head) % 32) + data + b"\0" * (-len(data) % 32)


# Architectures that together reach every block of the graph: QK norms, windows, soft caps, fused
# projections, experts, norms before and after.
RUNTIME_MODELS = {
    "llama": {},
    "qwen2moe": {"experts": True, "bias": True, "shared": True},
    "qwen3moe": {"experts": True, "qk_norm": True},
    "gemma3": {"qk_norm": True, "post_norms": True, "keys": {
        "attention.sliding_window": 32, "attention.key_length": HEAD_DIM}},
    "gemma2": {"post_norms": True, "keys": {
        "attention.sliding_window": 32, "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0}},
    "phi3": {"fused": True, "keys": {"rope.dimension_count": 2, "attention.sliding_window": 48}},
}


def runtime_tensors(experts=False, bias=False, shared=False, qk_norm=False, post_norms=False,
                    fused=False, **_):
    q, kv, layer = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM, "blk.0."
    shapes = {"token_embd.weight": [VOCAB, HIDDEN], "output_norm.weight": [HIDDEN],
              f"{layer}attn_norm.weight": [HIDDEN], f"{layer}ffn_norm.weight": [HIDDEN],
              f"{layer}attn_output.weight": [HIDDEN, q]}
    if post_norms:
        shapes |= {f"{layer}post_attention_norm.weight": [HIDDEN],
                   f"{layer}post_ffw_norm.weight": [HIDDEN]}
    rows = {"attn_qkv": q + 2 * kv} if fused else {"attn_q": q, "attn_k": kv, "attn_v": kv}
    shapes |= {f"{layer}{name}.weight": [count, HIDDEN] for name, count in rows.items()}
    if bias:
        shapes |= {f"{layer}{name}.bias": [count] for name, count in rows.items()}
    if qk_norm:
        shapes |= {f"{layer}attn_{name}_norm.weight": [HEAD_DIM] for name in "qk"}
    if fused:
        shapes |= {f"{layer}ffn_up.weight": [2 * FFN, HIDDEN], f"{layer}ffn_down.weight": [HIDDEN, FFN]}
    elif experts:
        shapes |= {f"{layer}ffn_gate_inp.weight": [EXPERTS, HIDDEN],
                   f"{layer}ffn_gate_exps.weight": [EXPERTS, FFN, HIDDEN],
                   f"{layer}ffn_up_exps.weight": [EXPERTS, FFN, HIDDEN],
                   f"{layer}ffn_down_exps.weight": [EXPERTS, HIDDEN, FFN]}
    else:
        shapes |= {f"{layer}ffn_gate.weight": [FFN, HIDDEN], f"{layer}ffn_up.weight": [FFN, HIDDEN],
                   f"{layer}ffn_down.weight": [HIDDEN, FFN]}
    if shared:
        shapes |= {f"{layer}ffn_gate_inp_shexp.weight": [HIDDEN],
                   f"{layer}ffn_gate_shexp.weight": [FFN, HIDDEN],
                   f"{layer}ffn_up_shexp.weight": [FFN, HIDDEN],
                   f"{layer}ffn_down_shexp.weight": [HIDDEN, FFN]}
    return shapes


def make_runtime_models():
    for arch, traits in RUNTIME_MODELS.items():
        keys = {"block_count": 1, "context_length": 128, "embedding_length": HIDDEN,
                "feed_forward_length": FFN, "attention.head_count": HEADS,
                "attention.head_count_kv": KV_HEADS, "attention.layer_norm_rms_epsilon": 1e-5}
        if traits.get("experts"):
            keys |= {"expert_count": EXPERTS, "expert_used_count": 1}
        if traits.get("shared"):
            keys["expert_shared_feed_forward_length"] = FFN
        keys |= traits.get("keys", {})
        named = {"general.architecture": arch} | {f"{arch}.{k}": v for k, v in keys.items()}
        write(f"runtime/{arch}.gguf", gguf(named, runtime_tensors(**traits)))
def make_mlx():
    """A config, a zero byte, and weights: see fuzz/mlx_fuzz.cc."""
    tensors = {"a.weight": ("U32", [2, 16]), "a.scales": ("BF16", [2, 2]),
               "a.biases": ("BF16", [2, 2]), "b.weight": ("U32", [2, 4]), "b.scales": ("U8", [2, 1]),
               "norm.weight": ("F32", [2])}
    header, offset = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = {"U32": 4, "BF16": 2, "U8": 1, "F32": 4}[dtype]
        for dim in shape:
            size *= dim
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    weights = struct.pack("<Q", len(text)) + text + bytes(range(offset))
    for name, settings in {
        "affine": {"group_size": 64, "bits": 4, "b": {"mode": "mxfp4"}},
        "nulls": {"group_size": None, "bits": None, "b": {"mode": "mxfp4", "bits": None}},
        "kept": {"group_size": 64, "bits": 4, "mode": "affine", "b": False},
    }.items():
        write(f"mlx/{name}.bin", json.dumps({"quantization": settings}).encode() + b"\0" + weights)


def make_http_requests():
    """A byte that says how the request is cut, then the request."""
    requests = {
        "get": "GET /v1/models/org%2Fname?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "old": "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "post": "POST /jobs/7/log HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n{}",
        "chunked": "POST /jobs/7/log HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "4;ext=1\r\nabcd\r\n1\r\ne\r\n0\r\nX-Trailer: 1\r\n\r\n",
        "both_lengths": "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "folded": "GET / HTTP/1.1\r\nX-Folded: a\r\n b\r\nUpgrade: h2c\r\n\r\n",
    }
    for name, text in requests.items():
        for step in (0, 1, 13):
            write(f"http/{name}_{step}", bytes([step]) + text.encode())


def make_api_requests():
    """Bodies of the endpoints that generate."""
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0}},
              "required": ["a"], "additionalProperties": False}
    part = [{"type": "text", "text": "hi"}]
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    bodies = {
        "chat": {"messages": [{"role": "developer", "content": "be kind"},
                              {"role": "user", "content": part},
                              {"role": "assistant", "content": None, "tool_calls": [call]},
                              {"role": "tool", "tool_call_id": "c", "content": "2"}],
                 "tools": [tool], "tool_choice": "required", "n": 2, "seed": 3,
                 "logit_bias": {"5": -100}, "stop": ["a", "b"], "temperature": 0.5},
        "chat_schema": {"messages": [{"role": "user", "content": "hi"}], "stream": True,
                        "stream_options": {"include_usage": True},
                        "response_format": {"type": "json_schema", "json_schema": {
                            "name": "x", "strict": True, "schema": schema}}},
        "chat_grammar": {"messages": [{"role": "user", "content": "hi"}],
                         "grammar": "root ::= (\"a\" | [b-d]){1,3}"},
        "completion": {"prompt": [[1, 2], "text"], "echo": True, "logprobs": 2, "max_tokens": 3},
        "messages": {"max_tokens": 5, "system": part, "stop_sequences": ["x"],
                     "messages": [{"role": "assistant", "content": [
                         {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
                         {"role": "user", "content": [
                             {"type": "tool_result", "tool_use_id": "t", "content": part}]}],
                     "tools": [{"name": "f", "input_schema": schema}],
                     "tool_choice": {"type": "tool", "name": "f"}},
        "responses": {"instructions": "x", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "2"}],
            "tools": [{"type": "function", "name": "f", "parameters": schema}],
            "text": {"format": {"type": "json_object"}}, "max_output_tokens": 4},
    }
    for name, body in bodies.items():
        write(f"request/{name}.json", json.dumps(body))


def make_data_sets():
    """Rows of every task, in every layout."""
    choices = {"text": ["a", "b"], "label": ["A", "B"]}
    rows = [
        {"question": "q", "choices": choices, "answerKey": "B"},
        {"question_stem": "q", "choices": choices, "answerKey": " A"},
        {"activity_label": "a", "ctx_a": "[header] b", "ctx_b": "c D", "label": "0",
         "endings": ["[x] y  z", "[title] w"]},
        {"sentence": "a _ b", "option1": "c", "option2": "d", "answer": "2"},
        {"goal": "g", "sol1": "s", "sol2": "t", "label": 1},
        {"passage": "p", "question": "q", "answer": True},
        {"question": "q", "mc1_targets": {"choices": ["a"], "labels": [1]}},
        {"question": "q", "subject": "anatomy", "choices": ["1", "2", "3", "4"], "answer": 2},
        {"query": "q", "choices": ["a", "b"], "gold": 1},
        {"context_options": ["a", "b"], "continuation": "c", "gold": 0},
        {"context": "c", "continuation": "d", "text": "\u00e9\n"},
    ]
    write("data/rows.jsonl", "\n".join(json.dumps(row) for row in rows))
    write("data/array.json", json.dumps([{"text": "a"}, {"text": "b", "n": None}], indent=1))
    write("data/server.json", json.dumps({"features": [], "rows": [
        {"row_idx": 0, "row": rows[4], "truncated_cells": []},
        {"row_idx": 1, "row": rows[3], "truncated_cells": ["sentence"]}]}))
    write("data/named.csv", 'goal,sol1,sol2,label\r\n"a, ""b""",c,"d\ne",1\r\n')
    write("data/anatomy_test.csv", "What?,a,b,c,d,A\nquestion,1,2,3,4,3\n")
    write("data/text.txt", "\ufeffOnce upon a time,\n[a text].\n")
    write("data/item.jsonl", json.dumps({
        "subject": "", "index": 0, "prompt": "00", "gold": 0, "choices": [
            {"log_probability": -1.5, "is_greedy": True, "tokens": 1, "characters": 2}]}))


if __name__ == "__main__":
    make_data_sets()
    make_grammars()
    make_api_requests()
    make_configs()
    make_jinja()
    make_mlx()
    make_http_requests()
    make_tokenizer_jsons()
    make_sentencepiece()
    make_runtime_models()
    print(f"{sum(1 for path in ROOT.rglob('*') if path.is_file())} files in {ROOT}")
