# SPDX-License-Identifier: Apache-2.0
"""Drives a prebuilt llama.cpp library through ctypes.

Run as a program it answers requests: one JSON object a line on standard input, one answer a line
on standard output, so that a crash of native code ends this process and not the tests. `peer.py`
starts it. Each request names an "op"; the functions below called op_NAME say what the others of its
members are.

The library takes its parameter structs by value, and their layout changes between releases. So
only the members that are set here have names, at the offsets of the pinned release, and `Library`
refuses a library whose default values do not stand where these layouts expect them.
"""

import ctypes
import json
import os
import sys

import numpy as np

import llama_windows

INT32, INT64, FLOAT, BOOL = ctypes.c_int32, ctypes.c_int64, ctypes.c_float, ctypes.c_bool
POINTER, TEXT = ctypes.c_void_p, ctypes.c_char_p

FILE_TYPES = {
    "F32": 0,
    "F16": 1,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q8_0": 7,
    "Q5_0": 8,
    "Q5_1": 9,
    "Q2_K": 10,
    "Q3_K_S": 11,
    "Q3_K_M": 12,
    "Q3_K_L": 13,
    "Q4_K_S": 14,
    "Q4_K_M": 15,
    "Q5_K_S": 16,
    "Q5_K_M": 17,
    "Q6_K": 18,
    "Q2_K_S": 21,
    "IQ4_NL": 25,
    "IQ4_XS": 30,
    "BF16": 32,
    "TQ1_0": 36,
    "TQ2_0": 37,
    "MXFP4_MOE": 38,
}
TENSOR_TYPES = {
    "F32": 0,
    "F16": 1,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q5_0": 6,
    "Q5_1": 7,
    "Q8_0": 8,
    "Q2_K": 10,
    "Q3_K": 11,
    "Q4_K": 12,
    "Q5_K": 13,
    "Q6_K": 14,
    "IQ4_NL": 20,
    "IQ4_XS": 23,
    "BF16": 30,
    "TQ1_0": 34,
    "TQ2_0": 35,
    "MXFP4": 39,
}
TYPE_COUNT = 43  # the value that stands for "not given"


class ModelParams(ctypes.Structure):
    _fields_ = [
        ("head", ctypes.c_uint8 * 72),
        ("vocab_only", BOOL),
        ("check_tensors", BOOL),
        ("use_extra_bufts", BOOL),
        ("tail", ctypes.c_uint8 * 5),
    ]


class ContextParams(ctypes.Structure):
    _fields_ = [
        ("n_ctx", INT32),
        ("n_batch", INT32),
        ("n_ubatch", INT32),
        ("n_seq_max", INT32),
        ("gap", INT32 * 3),
        ("n_threads", INT32),
        ("n_threads_batch", INT32),
        ("ctx_type", INT32),
        ("rope_scaling_type", INT32),
        ("pooling_type", INT32),
        ("attention_type", INT32),
        ("flash_attn_type", INT32),
        ("rope", INT32 * 8),
        ("callbacks", POINTER * 2),
        ("type_k", INT32),
        ("type_v", INT32),
        ("tail", ctypes.c_uint8 * 48),
    ]


class Batch(ctypes.Structure):
    _fields_ = [
        ("n_tokens", INT32),
        ("token", POINTER),
        ("embd", POINTER),
        ("pos", POINTER),
        ("n_seq_id", POINTER),
        ("seq_id", POINTER),
        ("logits", POINTER),
    ]


class KvOverride(ctypes.Structure):
    class Value(ctypes.Union):
        _fields_ = [
            ("int", INT64),
            ("float", ctypes.c_double),
            ("bool", BOOL),
            ("str", ctypes.c_char * 128),
        ]

    _fields_ = [("tag", INT32), ("key", ctypes.c_char * 128), ("value", Value)]


class TensorOverride(ctypes.Structure):
    _fields_ = [("pattern", TEXT), ("type", INT32)]


class ImatrixEntry(ctypes.Structure):
    _fields_ = [("name", TEXT), ("data", ctypes.POINTER(FLOAT)), ("size", ctypes.c_size_t)]


class QuantizeParams(ctypes.Structure):
    _fields_ = [
        ("threads", INT32),
        ("file_type", INT32),
        ("output_tensor_type", INT32),
        ("token_embedding_type", INT32),
        ("allow_requantize", BOOL),
        ("quantize_output_tensor", BOOL),
        ("only_copy", BOOL),
        ("pure", BOOL),
        ("keep_split", BOOL),
        ("dry_run", BOOL),
        ("imatrix", ctypes.POINTER(ImatrixEntry)),
        ("kv_overrides", ctypes.POINTER(KvOverride)),
        ("tensor_types", ctypes.POINTER(TensorOverride)),
        ("prune_layers", POINTER),
        ("tail", INT32 * 2),
    ]


class ChatMessage(ctypes.Structure):
    _fields_ = [("role", TEXT), ("content", TEXT)]


class TokenData(ctypes.Structure):
    _fields_ = [("id", INT32), ("logit", FLOAT), ("p", FLOAT)]


class TokenDataArray(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.POINTER(TokenData)),
        ("size", ctypes.c_size_t),
        ("selected", INT64),
        ("sorted", BOOL),
    ]


class LogitBias(ctypes.Structure):
    _fields_ = [("token", INT32), ("bias", FLOAT)]


SIZE, UINT32 = ctypes.c_size_t, ctypes.c_uint32

# name: (result, argument types)
FUNCTIONS = {
    "llama_backend_init": (None, []),
    "llama_model_default_params": (ModelParams, []),
    "llama_context_default_params": (ContextParams, []),
    "llama_model_quantize_default_params": (QuantizeParams, []),
    "llama_model_load_from_file": (POINTER, [TEXT, ModelParams]),
    "llama_model_free": (None, [POINTER]),
    "llama_model_get_vocab": (POINTER, [POINTER]),
    "llama_model_chat_template": (TEXT, [POINTER, TEXT]),
    "llama_model_n_params": (ctypes.c_uint64, [POINTER]),
    "llama_model_meta_val_str": (INT32, [POINTER, TEXT, TEXT, ctypes.c_size_t]),
    "llama_init_from_model": (POINTER, [POINTER, ContextParams]),
    "llama_free": (None, [POINTER]),
    "llama_batch_get_one": (Batch, [ctypes.POINTER(INT32), INT32]),
    "llama_decode": (INT32, [POINTER, Batch]),
    "llama_get_logits_ith": (ctypes.POINTER(FLOAT), [POINTER, INT32]),
    "llama_get_memory": (POINTER, [POINTER]),
    "llama_memory_clear": (None, [POINTER, BOOL]),
    "llama_vocab_n_tokens": (INT32, [POINTER]),
    "llama_vocab_type": (INT32, [POINTER]),
    "llama_vocab_bos": (INT32, [POINTER]),
    "llama_vocab_eos": (INT32, [POINTER]),
    "llama_vocab_eot": (INT32, [POINTER]),
    "llama_vocab_pad": (INT32, [POINTER]),
    "llama_vocab_get_add_bos": (BOOL, [POINTER]),
    "llama_vocab_get_add_eos": (BOOL, [POINTER]),
    "llama_vocab_get_text": (TEXT, [POINTER, INT32]),
    "llama_vocab_is_control": (BOOL, [POINTER, INT32]),
    "llama_vocab_is_eog": (BOOL, [POINTER, INT32]),
    "llama_tokenize": (INT32, [POINTER, TEXT, INT32, ctypes.POINTER(INT32), INT32, BOOL, BOOL]),
    "llama_detokenize": (INT32, [POINTER, ctypes.POINTER(INT32), INT32, TEXT, INT32, BOOL, BOOL]),
    "llama_chat_apply_template": (
        INT32,
        [TEXT, ctypes.POINTER(ChatMessage), ctypes.c_size_t, BOOL, TEXT, INT32],
    ),
    "llama_model_quantize": (ctypes.c_uint32, [TEXT, TEXT, ctypes.POINTER(QuantizeParams)]),
    "llama_sampler_apply": (None, [POINTER, ctypes.POINTER(TokenDataArray)]),
    "llama_sampler_accept": (None, [POINTER, INT32]),
    "llama_sampler_free": (None, [POINTER]),
    "llama_sampler_init_logit_bias": (POINTER, [INT32, INT32, ctypes.POINTER(LogitBias)]),
    "llama_sampler_init_penalties": (POINTER, [INT32, INT32, FLOAT, FLOAT, FLOAT]),
    "llama_sampler_init_dry": (
        POINTER,
        [POINTER, FLOAT, FLOAT, INT32, INT32, ctypes.POINTER(TEXT), SIZE],
    ),
    "llama_sampler_init_top_k": (POINTER, [INT32]),
    "llama_sampler_init_typical": (POINTER, [FLOAT, SIZE]),
    "llama_sampler_init_top_p": (POINTER, [FLOAT, SIZE]),
    "llama_sampler_init_min_p": (POINTER, [FLOAT, SIZE]),
    "llama_sampler_init_xtc": (POINTER, [FLOAT, FLOAT, SIZE, UINT32]),
    "llama_sampler_init_temp": (POINTER, [FLOAT]),
    "llama_sampler_init_mirostat_v2": (POINTER, [UINT32, FLOAT, FLOAT]),
    "llama_sampler_init_grammar": (POINTER, [POINTER, TEXT, TEXT]),
}


class Library:
    """The functions of FUNCTIONS, by name."""

    def __init__(self, folder):
        def only(prefix, without=()):
            names = [
                n
                for n in os.listdir(folder)
                if n.startswith(prefix) and n.endswith(".so") and not any(w in n for w in without)
            ]
            assert len(names) == 1, f"{folder}: expected one {prefix}*.so, found {names}"
            return ctypes.CDLL(os.path.join(folder, names[0]), mode=ctypes.RTLD_GLOBAL)

        only("libggml-base")
        backends = only("libggml", ("-base", "-cpu"))
        llama = only("libllama", ("-common",))
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(llama, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)
        backends.ggml_backend_load_all_from_path.argtypes = [TEXT]
        backends.ggml_backend_load_all_from_path(folder.encode())
        self.llama_backend_init()
        self.check_layouts()

    def check_layouts(self):
        quantize = self.llama_model_quantize_default_params()
        found = (
            quantize.output_tensor_type,
            quantize.token_embedding_type,
            quantize.quantize_output_tensor,
            quantize.pure,
        )
        assert found == (
            TYPE_COUNT,
            TYPE_COUNT,
            True,
            False,
        ), f"quantize parameters have another layout: {found}"
        context = self.llama_context_default_params()
        found = (
            context.n_ctx,
            context.n_threads,
            context.n_threads_batch,
            context.type_k,
            context.type_v,
        )
        assert found == (512, 4, 4, 1, 1), f"context parameters have another layout: {found}"
        model = self.llama_model_default_params()
        found = (model.vocab_only, model.check_tensors, model.use_extra_bufts)
        assert found == (False, False, True), f"model parameters have another layout: {found}"

    def load(self, path, vocab_only):
        params = self.llama_model_default_params()
        params.vocab_only = vocab_only
        params.check_tensors = not vocab_only
        model = self.llama_model_load_from_file(path.encode(), params)
        if not model:
            raise RuntimeError(f"llama.cpp does not load {path}")
        return model

    def tokenize(self, vocab, text, add_special, parse_special):
        data = text.encode()
        capacity = len(data) + 8
        tokens = (INT32 * capacity)()
        count = self.llama_tokenize(
            vocab, data, len(data), tokens, capacity, add_special, parse_special
        )
        if count < 0:
            raise RuntimeError(f"llama_tokenize returned {count}")
        return list(tokens[:count])

    def detokenize(self, vocab, ids, special):
        buffer = ctypes.create_string_buffer(64 * len(ids) + 64)
        count = self.llama_detokenize(
            vocab, (INT32 * len(ids))(*ids), len(ids), buffer, len(buffer), False, special
        )
        if count < 0:
            raise RuntimeError(f"llama_detokenize returned {count}")
        return buffer.raw[:count].decode(errors="replace")


def op_describe(library, request):
    """{model}: what the loader makes of the vocabulary and the metadata."""
    model = library.load(request["model"], vocab_only=True)
    vocab = library.llama_model_get_vocab(model)
    count = library.llama_vocab_n_tokens(vocab)
    template = library.llama_model_chat_template(model, None)
    metadata = {}
    for key in request.get("metadata", []):
        buffer = ctypes.create_string_buffer(4096)
        if library.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer)) >= 0:
            metadata[key] = buffer.value.decode()
    answer = {
        "tokens": count,
        "type": library.llama_vocab_type(vocab),
        "bos": library.llama_vocab_bos(vocab),
        "eos": library.llama_vocab_eos(vocab),
        "eot": library.llama_vocab_eot(vocab),
        "pad": library.llama_vocab_pad(vocab),
        "add_bos": library.llama_vocab_get_add_bos(vocab),
        "add_eos": library.llama_vocab_get_add_eos(vocab),
        "chat_template": template.decode() if template else None,
        "metadata": metadata,
        "texts": [
            library.llama_vocab_get_text(vocab, token).decode(errors="replace")
            for token in range(count)
        ],
        "control": [
            token for token in range(count) if library.llama_vocab_is_control(vocab, token)
        ],
        "end_of_generation": [
            token for token in range(count) if library.llama_vocab_is_eog(vocab, token)
        ],
    }
    library.llama_model_free(model)
    return answer


def op_tokenize(library, request):
    """{model, texts, add_special, parse_special}: the ids of each text."""
    model = library.load(request["model"], vocab_only=True)
    vocab = library.llama_model_get_vocab(model)
    ids = [
        library.tokenize(
            vocab, text, request.get("add_special", False), request.get("parse_special", True)
        )
        for text in request["texts"]
    ]
    library.llama_model_free(model)
    return {"ids": ids}


def op_chat(library, request):
    """{template, messages: [[role, content]...]}: what llama.cpp's own template code makes."""
    messages = [
        ChatMessage(role.encode(), content.encode()) for role, content in request["messages"]
    ]
    buffer = ctypes.create_string_buffer(1 << 16)
    count = library.llama_chat_apply_template(
        request["template"].encode(),
        (ChatMessage * len(messages))(*messages),
        len(messages),
        True,
        buffer,
        len(buffer),
    )
    if count < 0:
        raise RuntimeError("llama.cpp does not know this chat template")
    return {"prompt": buffer.raw[:count].decode()}


def op_generate(library, request):
    """{model, prompts, count}: for each prompt the ids and text that greedy decoding gives; stops
    at an end token.

    With "logits": true also the log probabilities of the token after each prompt.
    """
    model = library.load(request["model"], vocab_only=False)
    vocab = library.llama_model_get_vocab(model)
    size = library.llama_vocab_n_tokens(vocab)
    params = library.llama_context_default_params()
    params.n_ctx, params.n_threads, params.n_threads_batch = request.get("n_ctx", 512), 1, 1
    context = library.llama_init_from_model(model, params)
    if not context:
        raise RuntimeError("llama.cpp makes no context for " + request["model"])
    answers = []
    for prompt in request["prompts"]:
        library.llama_memory_clear(library.llama_get_memory(context), True)
        ids = prompt if isinstance(prompt, list) else library.tokenize(vocab, prompt, True, True)
        made, first = [], None
        pending = ids
        while len(made) < request["count"]:
            tokens = (INT32 * len(pending))(*pending)
            code = library.llama_decode(context, library.llama_batch_get_one(tokens, len(pending)))
            if code != 0:
                raise RuntimeError(f"llama_decode returned {code}")
            logits = np.ctypeslib.as_array(
                library.llama_get_logits_ith(context, -1), (size,)
            ).astype(np.float64)
            if not np.isfinite(logits).all():
                raise RuntimeError("logits are not finite")
            if first is None:
                shifted = logits - logits.max()
                first = shifted - np.log(np.exp(shifted).sum())
            token = int(logits.argmax())
            if library.llama_vocab_is_eog(vocab, token):
                break
            made.append(token)
            pending = [token]
        answer = {"ids": made, "text": library.detokenize(vocab, made, True) if made else ""}
        if request.get("logits"):
            answer["log_probabilities"] = [round(float(value), 6) for value in first]
        answers.append(answer)
    library.llama_free(context)
    library.llama_model_free(model)
    return {"answers": answers}


def token_array(logits):
    data = (TokenData * len(logits))(*((i, logit, 0.0) for i, logit in enumerate(logits)))
    return data, TokenDataArray(ctypes.cast(data, ctypes.POINTER(TokenData)), len(logits), -1, False)


def make_sampler(library, vocab, stage):
    """A stage is a list: its name and the arguments after the vocabulary."""
    name, *arguments = stage
    if name == "logit_bias":
        biases = (LogitBias * len(arguments[1]))(*(LogitBias(*pair) for pair in arguments[1]))
        arguments = [arguments[0], len(biases), biases]
    if name == "dry":
        breakers = [text.encode() for text in arguments[-1]]
        arguments[-1:] = [(TEXT * len(breakers))(*breakers), len(breakers)]
        arguments.insert(0, vocab)
    return getattr(library, "llama_sampler_init_" + name)(*arguments)


def op_samplers(library, request):
    """{model, cases: [{stages, history, logits}]}: for each case the candidates, [id, logit], that
    the stages leave behind when they have accepted the ids of the history."""
    model = library.load(request["model"], vocab_only=True)
    vocab = library.llama_model_get_vocab(model)
    answers = []
    for case in request["cases"]:
        data, array = token_array(case["logits"])
        for stage in case["stages"]:
            sampler = make_sampler(library, vocab, stage)
            for token in case.get("history", []):
                library.llama_sampler_accept(sampler, token)
            library.llama_sampler_apply(sampler, ctypes.byref(array))
            library.llama_sampler_free(sampler)
        answers.append([[array.data[i].id, array.data[i].logit] for i in range(array.size)])
        del data
    library.llama_model_free(model)
    return {"candidates": answers}


def op_grammar(library, request):
    """{model, cases: [{grammar, ids}]}: for each case the allowed tokens before each id and behind
    the last one; null where the grammar is refused."""
    model = library.load(request["model"], vocab_only=True)
    vocab = library.llama_model_get_vocab(model)
    count = library.llama_vocab_n_tokens(vocab)
    answers = []
    for case in request["cases"]:
        sampler = library.llama_sampler_init_grammar(vocab, case["grammar"].encode(), b"root")
        if not sampler:
            answers.append(None)
            continue
        masks = []
        for token in [None, *case["ids"]]:
            if token is not None:
                library.llama_sampler_accept(sampler, token)
            _, array = token_array([0.0] * count)
            library.llama_sampler_apply(sampler, ctypes.byref(array))
            masks.append([array.data[i].id for i in range(count) if array.data[i].logit == 0.0])
        answers.append(masks)
        library.llama_sampler_free(sampler)
    library.llama_model_free(model)
    return {"masks": answers}
def op_logits(library, request):
    """{model, ids, out}: writes the F32 logits after each of `ids`, row by row, to the file `out`.

    The cache is F32, so that only weights are rounded; n_ctx as in op_generate.
    """
    model = library.load(request["model"], vocab_only=False)
    size = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
    ids = request["ids"]
    params = library.llama_context_default_params()
    params.n_ctx = request.get("n_ctx", 1024)
    params.n_batch = params.n_ubatch = len(ids)
    params.n_threads = params.n_threads_batch = 1
    params.type_k = params.type_v = TENSOR_TYPES["F32"]
    context = library.llama_init_from_model(model, params)
    if not context:
        raise RuntimeError("llama.cpp makes no context for " + request["model"])
    tokens = (INT32 * len(ids))(*ids)
    wanted = (ctypes.c_int8 * len(ids))(*[1] * len(ids))
    batch = library.llama_batch_get_one(tokens, len(ids))
    batch.logits = ctypes.cast(wanted, POINTER)
    code = library.llama_decode(context, batch)
    if code != 0:
        raise RuntimeError(f"llama_decode returned {code}")
    rows = [
        np.ctypeslib.as_array(library.llama_get_logits_ith(context, row), (size,)).copy()
        for row in range(len(ids))
    ]
    np.stack(rows).astype(np.float32).tofile(request["out"])
    library.llama_free(context)
    library.llama_model_free(model)
    return {"vocabulary": size}


def op_windows(library, request):
    """{model, text, n_ctx, n_batch} and perhaps out: perplexity as llama-perplexity computes it.

    Gives the tokens of the text, the negative log-likelihood of each scored token, window after
    window, and writes the F32 logits of the scored positions to `out`.
    """
    model = library.load(request["model"], vocab_only=False)
    vocab = library.llama_model_get_vocab(model)
    n_ctx = request["n_ctx"]
    sequences = max(1, request.get("n_batch", 2048) // n_ctx)
    tokens = library.tokenize(vocab, request["text"], True, False)
    windows = llama_windows.read_windows(library, model, tokens, n_ctx)
    context = llama_windows.make_context(library, model, n_ctx, sequences, 512, 1)
    kept, nll = [], []

    def on_logits(number, rows):
        first = n_ctx // 2
        targets = tokens[number * n_ctx + first + 1 : (number + 1) * n_ctx]
        scored = rows[:-1]
        log_probabilities = llama_windows.log_probabilities(scored)
        nll.extend(float(-log_probabilities[row, token]) for row, token in enumerate(targets))
        if "out" in request:
            kept.append(scored.copy())

    llama_windows.decode_windows(library, model, context, windows, n_ctx, sequences, on_logits)
    if kept:
        np.concatenate(kept).astype(np.float32).tofile(request["out"])
    library.llama_free(context)
    library.llama_model_free(model)
    return {"tokens": tokens, "nll": nll}


def imatrix_entries(path):
    """What llama-quantize makes of an imatrix file.

    The mean of squares; ones where nothing was counted.
    """
    if path.endswith(".dat"):
        return legacy_imatrix_entries(path)
    from gguf import GGUFReader

    tensors = {tensor.name: tensor.data for tensor in GGUFReader(path).tensors}
    entries = {}
    for name, sums in tensors.items():
        if not name.endswith(".in_sum2"):
            continue
        weight = name[: -len(".in_sum2")]
        counts = tensors[weight + ".counts"].reshape(-1, 1)
        sums = sums.reshape(len(counts), -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            entries[weight] = (
                np.where(counts > 0, sums / counts, np.float32(1)).astype(np.float32).ravel()
            )
    return entries


def legacy_imatrix_entries(path):
    """The same for the older form, whose values are means times calls."""
    with open(path, "rb") as file:

        def number():
            return int.from_bytes(file.read(4), "little")

        entries = {}
        for _ in range(number()):
            name = file.read(number()).decode()
            calls, values = number(), number()
            means = np.frombuffer(file.read(4 * values), "<f4") / np.float32(calls)
            entries[name] = means.astype(np.float32)
    return entries


def kv_override(key, kind, value):
    override = KvOverride(tag=["int", "float", "bool", "str"].index(kind), key=key.encode())
    setattr(override.value, kind, value.encode() if kind == "str" else value)
    return override


def op_quantize(library, request):
    """{input, output, type} and any of: threads, pure, leave_output_tensor, allow_requantize,
    output_tensor_type, token_embedding_type, tensor_types: [[regex, type]...], imatrix: path,
    kv_overrides: [[key, kind, value]...].
    """
    params = library.llama_model_quantize_default_params()
    params.threads = request.get("threads", 1)
    params.file_type = FILE_TYPES[request["type"]]
    params.pure = request.get("pure", False)
    params.allow_requantize = request.get("allow_requantize", False)
    params.quantize_output_tensor = not request.get("leave_output_tensor", False)
    if "output_tensor_type" in request:
        params.output_tensor_type = TENSOR_TYPES[request["output_tensor_type"]]
    if "token_embedding_type" in request:
        params.token_embedding_type = TENSOR_TYPES[request["token_embedding_type"]]
    if "tensor_types" in request:
        rules = [
            TensorOverride(regex.lower().encode(), TENSOR_TYPES[kind])
            for regex, kind in request["tensor_types"]
        ]
        params.tensor_types = (TensorOverride * (len(rules) + 1))(
            *rules, TensorOverride(None, TYPE_COUNT)
        )
    if "imatrix" in request:
        kept = imatrix_entries(request["imatrix"])
        entries = [
            ImatrixEntry(name.encode(), values.ctypes.data_as(ctypes.POINTER(FLOAT)), values.size)
            for name, values in kept.items()
        ]
        params.imatrix = (ImatrixEntry * (len(entries) + 1))(*entries, ImatrixEntry(None, None, 0))
    if "kv_overrides" in request:
        overrides = [kv_override(*override) for override in request["kv_overrides"]]
        params.kv_overrides = (KvOverride * (len(overrides) + 1))(*overrides, KvOverride())
    code = library.llama_model_quantize(
        request["input"].encode(), request["output"].encode(), ctypes.byref(params)
    )
    if code != 0:
        raise RuntimeError(f"llama_model_quantize returned {code}")
    return {}


def main():
    folder = sys.argv[1]
    # Native code may print to standard output; the answers go to a copy of it.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    library = Library(folder)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"answer": globals()["op_" + request["op"]](library, request)}
        except RuntimeError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), file=answers, flush=True)
    answers.flush()
    os._exit(0)  # the library's own exit handlers have nothing to save


if __name__ == "__main__":
    main()
