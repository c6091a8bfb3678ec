// SPDX-License-Identifier: Apache-2.0
// What storing each weight in fewer bits changed: every tensor of a quantized model against the
// same tensor of the original.
//
// Tensors meet under their GGUF names, and the original's rows are transformed as conversion does
// it, so a GGUF file, a split set, a Hugging Face folder and an MLX folder can all stand on either
// side. Rows are streamed, a few megabytes per thread; results have the same bits for any thread
// count.
#pragma once

#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "evaluate/validation.h"
#include "kernels/kernel_table.h"
#include "models/opened_model.h"

namespace pajamas {

struct TensorErrorOptions {
  int threads = 0;                       // 0: one per CPU this process may use
  const KernelTable* kernels = nullptr;  // nullptr: the selected one
};

// Of every tensor that both models have, in the order of the quantized one. A tensor of zeros that
// stayed zero has no error; one that did not has an infinite relative error. What is not a number
// gives NaN. Errors: a tensor whose shapes differ, or that cannot be read.
Result<std::vector<TensorError>> measure_tensor_errors(const OpenedModel& original,
                                                       const OpenedModel& quantized,
                                                       const TensorErrorOptions& options,
                                                       const CancelToken& cancel,
                                                       Progress& progress);

}  // namespace pajamas
