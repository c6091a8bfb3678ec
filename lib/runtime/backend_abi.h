/* SPDX-License-Identifier: Apache-2.0
 * What a backend is: a library that the runtime loads when --backend names it, and that computes
 * whole forward passes with another program's operations. Plain C types, so that both sides may be
 * built by different compilers.
 *
 * The library exports pj_backend() with C linkage, of type pj_backend_function. Numbers come first,
 * then every tensor by its GGUF name, then tokens. All pointers are the caller's and are good for
 * the call only. One thread at a time. A function that returns an int gives 0, or else error() says
 * why; a model whose call failed can still be destroyed. docs/backends.md */
#pragma once

#include <stdint.h>

#define PJ_BACKEND_VERSION 1

typedef struct pj_backend_rope {
  const double* radians; /* per position, rotated / 2 numbers */
  double magnitude;      /* cosines and sines are multiplied by it */
} pj_backend_rope;

typedef struct pj_backend_numbers {
  int64_t layers, hidden, vocab, heads, kv_heads, head_dim;
  int64_t experts, experts_used; /* 0: a dense model */
  int64_t rotated;               /* dimensions of a head, even */
  int64_t window;                /* of layers that have one */
  const uint8_t* has_window;     /* by layer */
  const uint8_t* has_rope;       /* by layer */
  pj_backend_rope rope;
  pj_backend_rope local_rope;                                       /* of layers with a window */
  float rms_eps, attention_scale, attention_softcap, final_softcap; /* softcaps: 0 for none */
  float embedding_scale, residual_scale, logit_scale;
  int32_t rope_is_interleaved;
  int32_t norm_is_pre, norm_is_post; /* both for families that norm before and after */
  int32_t qk_norm_is_per_head;
  int32_t activation_is_gelu;
  int32_t experts_renormalize;
} pj_backend_numbers;

/* Quantized ones are MLX's: codes as rows of 32-bit words, a scale and perhaps a bias per group. */
typedef struct pj_backend_tensor {
  const char* name;
  const char* type; /* "f32", "f16", "bf16"; of quantized ones that of scales and biases */
  const char* mode; /* "affine", "mxfp4", "mxfp8", "nvfp4"; NULL: not quantized */
  int32_t bits, group_size;
  int32_t rank;       /* 1 to 3 */
  int64_t dims[3];    /* in weights, outermost first */
  const void* data;   /* the numbers, or the codes */
  const void* scales; /* bytes in modes other than affine */
  const void* biases; /* of affine mode */
} pj_backend_tensor;

enum { PJ_OUTPUT_NOTHING = 0, PJ_OUTPUT_LOGITS = 1, PJ_OUTPUT_HIDDEN = 2 };

typedef struct pj_backend_api {
  uint32_t version;                                   /* PJ_BACKEND_VERSION */
  const char* (*describe)(void);                      /* "mlx 0.32.4, cpu" */
  void* (*create)(const pj_backend_numbers* numbers); /* NULL: out of memory */
  int (*add_tensor)(void* model, const pj_backend_tensor* tensor);
  /* tokens: the whole text; those before `first` were given before, to this text or to one that
   * begins alike, or are computed anew. outputs: one per token from `first` on, and `out` gets the
   * rows that they ask for behind each other: vocab or hidden floats each. */
  int (*forward)(void* model, const int32_t* tokens, int64_t count, int64_t first,
                 const uint8_t* outputs, float* out);
  const char* (*error)(void* model);
  void (*destroy)(void* model);
} pj_backend_api;

typedef const pj_backend_api* (*pj_backend_function)(void);
