#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes fuzz/corpus/{config,tokenizer,mlx}: small valid inputs that reach most of the parsers.

The container formats start from tests/golden instead. Only the standard library is used; the
result is deterministic. Inputs that a fuzzer found are added by hand as found_*.
"""
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


if __name__ == "__main__":
    make_configs()
    make_mlx()
    make_tokenizer_jsons()
    make_sentencepiece()
    print(f"{sum(1 for path in ROOT.rglob('*') if path.is_file())} files in {ROOT}")
