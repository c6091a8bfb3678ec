#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ggml_matmul.py LLAMA_LIB_DIR [TYPE...]

Speed of the prebuilt llama.cpp's ggml_mul_mat on one thread, for the shapes of matmul_bench. The
weights lie in the CPU backend's repack buffer when it takes the type, as llama.cpp does it; each
time contains its own conversion of the activations. Least of several runs.
"""
import ctypes as c
import os
import pathlib
import sys
import time

TYPES = {"q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_k": 10, "q3_k": 11, "q4_k": 12,
         "q5_k": 13, "q6_k": 14, "iq4_nl": 20, "iq4_xs": 23, "tq1_0": 34, "tq2_0": 35, "mxfp4": 39,
         "bf16": 30, "f16": 1, "f32": 0}
SHAPES = [(2048, 2048), (8192, 2048), (2048, 8192), (32768, 2048)]
TOKENS = [1, 8, 512]
DISTINCT_ROWS = 64


class InitParams(c.Structure):
    _fields_ = [("mem_size", c.c_size_t), ("mem_buffer", c.c_void_p), ("no_alloc", c.c_bool)]


class Ggml:
    def __init__(self, folder):
        self.base = c.CDLL(str(folder / "libggml-base.so"), mode=c.RTLD_GLOBAL)
        flags = next(line for line in open("/proc/cpuinfo", encoding="ascii") if "flags" in line)
        name = "zen4" if "avx512_bf16" in flags else "icelake" if "avx512_vnni" in flags else "haswell"
        cpu = c.CDLL(str(folder / f"libggml-cpu-{os.environ.get('GGML_CPU', name)}.so"))
        cpu.ggml_backend_init.restype = c.c_void_p
        reg = cpu.ggml_backend_init()
        self.device = self.call("ggml_backend_reg_dev_get", c.c_void_p, c.c_void_p(reg), c.c_size_t(0))
        self.backend = self.call("ggml_backend_dev_init", c.c_void_p, c.c_void_p(self.device), None)
        set_threads = self.call("ggml_backend_reg_get_proc_address", c.c_void_p, c.c_void_p(reg),
                                b"ggml_backend_set_n_threads")
        c.CFUNCTYPE(None, c.c_void_p, c.c_int)(set_threads)(self.backend, 1)
        self.buffer_types = [self.call("ggml_backend_dev_buffer_type", c.c_void_p,
                                       c.c_void_p(self.device))]
        extra = self.call("ggml_backend_reg_get_proc_address", c.c_void_p, c.c_void_p(reg),
                          b"ggml_backend_dev_get_extra_bufts")
        if extra:
            found = c.CFUNCTYPE(c.POINTER(c.c_void_p), c.c_void_p)(extra)(self.device)
            at = 0
            while found and found[at]:
                self.buffer_types.insert(0, found[at])
                at += 1

    def call(self, name, result, *arguments):
        function = getattr(self.base, name)
        function.restype = result
        return function(*arguments)

    def context(self):
        return c.c_void_p(self.call("ggml_init", c.c_void_p, InitParams(1 << 20, None, True)))

    def tensor(self, context, kind, cols, rows):
        return c.c_void_p(self.call("ggml_new_tensor_2d", c.c_void_p, context, c.c_int(kind),
                                    c.c_int64(cols), c.c_int64(rows)))

    def stored_weights(self, kind, rows, cols):
        n = DISTINCT_ROWS * cols
        state, values = 7, (c.c_float * n)()
        for i in range(n):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            values[i] = ((state >> 40) - 2**23) * 2.0**-28
        row_bytes = self.call("ggml_row_size", c.c_size_t, c.c_int(kind), c.c_int64(cols))
        data = c.create_string_buffer(DISTINCT_ROWS * row_bytes)
        self.call("ggml_quantize_chunk", c.c_size_t, c.c_int(kind), values, data, c.c_int64(0),
                  c.c_int64(DISTINCT_ROWS), c.c_int64(cols), None)
        return data.raw * (rows // DISTINCT_ROWS)


def allocate(ggml, kind, rows, cols, tokens):
    """The product, with its weights in the first buffer type whose backend takes it."""
    for buffer_type in ggml.buffer_types:
        weights_context, context = ggml.context(), ggml.context()
        weights = ggml.tensor(weights_context, kind, cols, rows)
        buffer = ggml.call("ggml_backend_alloc_ctx_tensors_from_buft", c.c_void_p, weights_context,
                           c.c_void_p(buffer_type))
        x = ggml.tensor(context, 0, cols, tokens)
        product = c.c_void_p(ggml.call("ggml_mul_mat", c.c_void_p, context, weights, x))
        if buffer and ggml.call("ggml_backend_dev_supports_op", c.c_bool, c.c_void_p(ggml.device),
                                product):
            ggml.call("ggml_backend_alloc_ctx_tensors", c.c_void_p, context,
                      c.c_void_p(ggml.backend))
            name = ggml.call("ggml_backend_buft_name", c.c_char_p, c.c_void_p(buffer_type))
            return context, weights, x, product, name.decode()
    raise SystemExit(f"no buffer type takes type {kind}")


def measure(ggml, stored, kind, rows, cols, tokens):
    context, weights, x, product, buffer = allocate(ggml, kind, rows, cols, tokens)
    ggml.call("ggml_backend_tensor_set", None, weights, stored, c.c_size_t(0),
              c.c_size_t(len(stored)))
    values = (c.c_float * (tokens * cols))(*((i * 2654435761 % 1000 - 500) * 0.002
                                              for i in range(tokens * cols)))
    ggml.call("ggml_backend_tensor_set", None, x, values, c.c_size_t(0), c.c_size_t(4 * len(values)))
    graph = c.c_void_p(ggml.call("ggml_new_graph", c.c_void_p, context))
    ggml.call("ggml_build_forward_expand", None, graph, product)
    least, end = 1e9, time.perf_counter() + (0.3 if tokens > 1 else 0.2)
    runs = 0
    while runs < 2 or time.perf_counter() < end:
        start = time.perf_counter()
        ggml.call("ggml_backend_graph_compute", c.c_int, c.c_void_p(ggml.backend), graph)
        least = min(least, time.perf_counter() - start)
        runs += 1
    return least, buffer


def main():
    ggml = Ggml(pathlib.Path(sys.argv[1]))
    for name in sys.argv[2:] or TYPES:
        for rows, cols in SHAPES:
            stored = ggml.stored_weights(TYPES[name], rows, cols)
            for tokens in TOKENS:
                if rows > 8192 and tokens > 1:
                    continue
                seconds, buffer = measure(ggml, stored, TYPES[name], rows, cols, tokens)
                print(f"{name:8} {buffer:10} {rows:6} x {cols:5} {tokens:4} {seconds * 1e6:10.1f} us "
                      f"{2 * rows * cols * tokens / seconds * 1e-9:8.1f} GOPS          "
                      f"{len(stored) / seconds * 1e-9:7.1f} GB/s", flush=True)


main()
