// SPDX-License-Identifier: Apache-2.0
#include "runtime/backend.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "kernels/weight_rows.h"
#include "models/output_rows.h"
#include "runtime/tensor_table.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

Result<const pj_backend_api*> load_library(std::string_view name) {
  const fs::path path = backend_library_path(name);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return make_error(ErrorCode::kUnsupported,
                      "the backend '{}' is a library of its own, and '{}' is not there; build it "
                      "with 'make {}-backend' (docs/backends.md), or use --backend cpu",
                      name, path.string(), name);
  }
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays for good
  if (library == nullptr) {
    return make_error(ErrorCode::kUnsupported, "the backend '{}' does not load: {}", name,
                      dlerror());
  }
  const auto function = reinterpret_cast<pj_backend_function>(dlsym(library, "pj_backend"));
  const pj_backend_api* const api = function == nullptr ? nullptr : function();
  if (api == nullptr || api->version != PJ_BACKEND_VERSION) {
    return make_error(ErrorCode::kUnsupported,
                      "'{}' is a backend of version {}, this program has {}; build it again",
                      path.string(), api == nullptr ? 0 : api->version, PJ_BACKEND_VERSION);
  }
  return api;
}

// Divisors of the rotary frequencies, as load_weights() and the forward pass choose them.
Result<std::vector<float>> rope_divisors(const OpenedModel& model, const TensorTable& table,
                                         const HyperParameters& parameters, std::int64_t context) {
  const OutputTensor* const by_length =
      table.find(context > parameters.rope.original_context ? "rope_factors_long.weight"
                                                            : "rope_factors_short.weight");
  const OutputTensor* const tensor =
      by_length != nullptr ? by_length : table.find("rope_freqs.weight");
  if (tensor == nullptr) return std::vector<float>{};
  return OutputRows(model, nullptr).read_vector(*tensor);
}

pj_backend_rope view_of(const RopeFrequencies& rope) {
  return {.radians = rope.radians.data(), .magnitude = rope.magnitude};
}

pj_backend_numbers numbers_of(const HyperParameters& p) {
  const ArchSpec& arch = *p.arch;
  return {.layers = p.layers,
          .hidden = p.hidden,
          .vocab = p.vocab,
          .heads = p.heads,
          .kv_heads = p.kv_heads,
          .head_dim = p.head_dim,
          .experts = p.experts,
          .experts_used = p.experts_used,
          .rotated = p.rope.rotated,
          .window = p.window,
          .rms_eps = p.rms_eps,
          .attention_scale = p.attention_scale,
          .attention_softcap = p.attention_softcap,
          .final_softcap = p.final_softcap,
          .embedding_scale = p.embedding_scale,
          .residual_scale = p.residual_scale,
          .logit_scale = p.logit_scale,
          .rope_is_interleaved = arch.attention.rope == Rope::kInterleaved,
          .norm_is_pre = arch.norm.placement != NormPlacement::kPost,
          .norm_is_post = arch.norm.placement != NormPlacement::kPre,
          .qk_norm_is_per_head = arch.attention.qk_norm == QkNorm::kPerHead,
          .activation_is_gelu = arch.ffn.activation == Activation::kGeluTanh,
          .experts_renormalize = arch.moe.renormalize};
}

// Outermost first; vectors that stand for a matrix of one row are that.
void set_shape(const OutputTensor& tensor, bool is_matrix, pj_backend_tensor& out) {
  std::vector<std::int64_t> dims(tensor.shape.dims.begin(), tensor.shape.dims.end());
  if (is_matrix && dims.size() == 1) dims.insert(dims.begin(), 1);
  PJ_CHECK(dims.size() <= std::size(out.dims));
  out.rank = static_cast<std::int32_t>(dims.size());
  std::ranges::copy(dims, out.dims);
}

// Records of rows, taken apart into the tensors that MLX has.
struct Parts {
  std::vector<std::byte> codes, scales, biases;

  Parts(WeightType type, std::span<const std::byte> records, std::int64_t cols) {
    const auto record_bytes = static_cast<std::size_t>(row_bytes(type, cols));
    const auto append = [](std::vector<std::byte>& to, std::span<const std::byte> from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    for (; !records.empty(); records = records.subspan(record_bytes)) {
      const MlxRowView view = view_mlx_record(type, records.data(), cols, 0, cols);
      append(codes, view.codes);
      append(scales, view.scales);
      append(biases, view.biases);
    }
  }
};

bool is_vector(const OutputTensor& tensor) {
  return tensor.shape.rank() < 2 && !tensor.name.ends_with("_inp_shexp.weight");
}

}  // namespace

fs::path backend_library_path(std::string_view name) {
  std::string variable = fmt::format("PAJAMAS_{}_BACKEND", name);
  for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const char* const named = std::getenv(variable.c_str());
  if (named != nullptr && *named != '\0') return named;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  return program.parent_path() / fmt::format("libpajamas_{}.so", name);
}

Result<std::unique_ptr<Backend>> Backend::open(std::string_view name, const OpenedModel& model,
                                               const HyperParameters& parameters,
                                               std::int64_t context, const CancelToken& cancel,
                                               Progress& progress) {
  const pj_backend_api* const api = PJ_TRY(load_library(name));
  const TensorTable table = PJ_TRY(TensorTable::check(model, parameters));
  const std::vector<float> divisors = PJ_TRY(rope_divisors(model, table, parameters, context));
  const RopeFrequencies rope = make_rope_frequencies(parameters.rope, divisors);
  const RopeFrequencies local = parameters.arch->attention.local_rope_theta > 0
                                    ? make_rope_frequencies(parameters.local_rope, {})
                                    : rope;
  std::vector<std::uint8_t> has_window, has_rope;
  for (std::int64_t layer = 0; layer < parameters.layers; ++layer) {
    has_window.push_back(parameters.has_window(layer) ? 1 : 0);
    has_rope.push_back(parameters.has_rope(layer) ? 1 : 0);
  }
  pj_backend_numbers numbers = numbers_of(parameters);
  numbers.has_window = has_window.data();
  numbers.has_rope = has_rope.data();
  numbers.rope = view_of(rope);
  numbers.local_rope = view_of(local);
  void* const created = api->create(&numbers);
  if (created == nullptr) {
    return make_error(ErrorCode::kNoSpace, "the backend '{}' has no memory for the model", name);
  }
  std::unique_ptr<Backend> backend(new Backend(api, created, parameters, context));
  PJ_TRY(backend->add_tensors(model, cancel, progress));
  return backend;
}

Backend::~Backend() { api_->destroy(model_); }

Status Backend::add_tensors(const OpenedModel& model, const CancelToken& cancel,
                            Progress& progress) {
  const OutputRows rows(model, nullptr);
  std::uint64_t done = 0;
  for (const OutputTensor& tensor : model.outputs) {
    PJ_TRY(cancel.check());
    if (tensor.name.starts_with("rope_f")) continue;  // in the numbers
    PJ_TRY(rows.check(tensor));
    PJ_TRY(is_vector(tensor) ? add_vector(model, tensor) : add_matrix(model, tensor));
    progress.update({.stage = "load",
                     .item = tensor.name,
                     .done_bytes = ++done,
                     .total_bytes = model.outputs.size()});
  }
  return {};
}

Status Backend::add_vector(const OpenedModel& model, const OutputTensor& tensor) {
  const std::vector<float> values = PJ_TRY(OutputRows(model, nullptr).read_vector(tensor));
  pj_backend_tensor out{.name = tensor.name.c_str(), .type = "f32", .data = values.data()};
  set_shape(tensor, false, out);
  return add(out, values.size() * sizeof(float));
}

Status Backend::add_matrix(const OpenedModel& model, const OutputTensor& tensor) {
  const WeightType type = stored_type(model, tensor);
  const std::int64_t cols = tensor.shape.cols();
  const std::int64_t row_count = tensor.shape.elems() / cols;
  std::vector<std::byte> stored(static_cast<std::size_t>(row_bytes(type, cols)) *
                                static_cast<std::size_t>(row_count));
  PJ_TRY(OutputRows(model, nullptr).read_stored(tensor, 0, row_count, stored));
  const std::string scale_type(dtype_name(type.dtype()));
  pj_backend_tensor out{.name = tensor.name.c_str(), .type = scale_type.c_str()};
  set_shape(tensor, true, out);
  if (type.is_mlx()) {
    const MlxQuantization quantization = type.quantization();
    const std::string mode(mlx_mode_name(quantization.mode));
    const Parts parts(type, stored, cols);
    out.mode = mode.c_str();
    out.bits = quantization.bits;
    out.group_size = quantization.group_size;
    out.data = parts.codes.data();
    out.scales = parts.scales.data();
    out.biases = parts.biases.empty() ? nullptr : parts.biases.data();
    return add(out, stored.size());
  }
  const std::array plain = {DType::kF32, DType::kF16, DType::kBF16};
  if (std::ranges::find(plain, type.dtype()) != plain.end()) {
    out.data = stored.data();
    return add(out, stored.size());
  }
  // Types that the library does not have.
  std::vector<float> values(static_cast<std::size_t>(row_count * cols));
  decode_weights(nullptr, type, stored.data(), row_count, cols, values.data());
  out.type = "f32";
  out.data = values.data();
  return add(out, values.size() * sizeof(float));
}

Status Backend::add(const pj_backend_tensor& tensor, std::uint64_t bytes) {
  weight_bytes_ += bytes;
  if (api_->add_tensor(model_, &tensor) == 0) return {};
  return make_error(ErrorCode::kUnsupported, "the backend does not take tensor '{}': {}",
                    tensor.name, api_->error(model_));
}

Status Backend::run(std::span<const BatchToken> batch, const OutputSink& sink,
                    const CancelToken& cancel) {
  PJ_TRY(check_batch(batch, parameters_, context_));
  for (std::size_t first = 0; first < batch.size();) {
    PJ_TRY(cancel.check());
    const auto rest = batch.subspan(first);
    const auto end = std::ranges::find_if(
        rest, [&](const BatchToken& item) { return item.sequence != rest.front().sequence; });
    const auto count = static_cast<std::size_t>(end - rest.begin());
    PJ_TRY(run_sequence(rest.first(count), first, sink));
    first += count;
  }
  return {};
}

Status Backend::run_sequence(std::span<const BatchToken> batch, std::size_t first_index,
                             const OutputSink& sink) {
  Sequence& sequence = *batch.front().sequence;
  const std::int64_t first = sequence.length();
  std::vector<std::int32_t> tokens(sequence.tokens().begin(), sequence.tokens().end());
  std::vector<std::uint8_t> outputs;
  std::vector<std::size_t> widths;
  std::size_t floats = 0;
  for (const BatchToken& item : batch) {
    tokens.push_back(item.token);
    const bool is_logits = item.output == TokenOutput::kLogits;
    const bool is_hidden = item.output == TokenOutput::kHidden;
    outputs.push_back(is_logits ? PJ_OUTPUT_LOGITS
                                : (is_hidden ? PJ_OUTPUT_HIDDEN : PJ_OUTPUT_NOTHING));
    widths.push_back(static_cast<std::size_t>(is_logits ? parameters_.vocab
                                                        : (is_hidden ? parameters_.hidden : 0)));
    floats += widths.back();
  }
  std::vector<float> out(floats);
  PJ_TRY(sequence.reserve(static_cast<std::int64_t>(batch.size())));
  if (api_->forward(model_, tokens.data(), static_cast<std::int64_t>(tokens.size()), first,
                    outputs.data(), out.data()) != 0) {
    return make_error(ErrorCode::kInternal, "the backend: {}", api_->error(model_));
  }
  sequence.commit(std::span(tokens).subspan(static_cast<std::size_t>(first)));
  std::size_t at = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (widths[i] > 0) sink(first_index + i, std::span(out).subspan(at, widths[i]));
    at += widths[i];
  }
  return {};
}

}  // namespace pajamas
