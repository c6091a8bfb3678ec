// SPDX-License-Identifier: Apache-2.0
// A backend library (backend_abi.h) with a model in it: what the engine asks for whole forward
// passes when --backend names one.
//
// open() finds and loads the library and hands it every tensor, one after the other, so that the
// program holds one at a time. The library keeps keys and values of the text it saw last; sequences
// that take turns are right, but computed anew. Owns the model in the library; the library stays
// loaded. One thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "runtime/backend_abi.h"
#include "runtime/forward_pass.h"
#include "runtime/hyper_parameters.h"

namespace pajamas {

// Where the library of a backend is looked for: what PAJAMAS_<NAME>_BACKEND in the environment
// says, else beside the program.
std::filesystem::path backend_library_path(std::string_view name);

class Backend {
 public:
  // context: positions that a sequence may have. Errors: no such library (says how to make it), one
  // of another version, one that does not take the model.
  static Result<std::unique_ptr<Backend>> open(std::string_view name, const OpenedModel& model,
                                               const HyperParameters& parameters,
                                               std::int64_t context, const CancelToken& cancel,
                                               Progress& progress);
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  [[nodiscard]] std::string description() const { return api_->describe(); }
  [[nodiscard]] std::uint64_t weight_bytes() const { return weight_bytes_; }

  // As ForwardPass::run().
  Status run(std::span<const BatchToken> batch, const OutputSink& sink, const CancelToken& cancel);

 private:
  Backend(const pj_backend_api* api, void* model, const HyperParameters& parameters,
          std::int64_t context)
      : api_(api), model_(model), parameters_(parameters), context_(context) {}

  Status add_tensors(const OpenedModel& model, const CancelToken& cancel, Progress& progress);
  Status add_matrix(const OpenedModel& model, const OutputTensor& tensor);
  Status add_vector(const OpenedModel& model, const OutputTensor& tensor);
  Status add(const pj_backend_tensor& tensor, std::uint64_t bytes);
  Status run_sequence(std::span<const BatchToken> batch, std::size_t first_index,
                      const OutputSink& sink);

  const pj_backend_api* api_;
  void* model_;
  const HyperParameters& parameters_;
  std::int64_t context_;
  std::uint64_t weight_bytes_ = 0;
};

}  // namespace pajamas
