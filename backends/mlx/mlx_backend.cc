// SPDX-License-Identifier: Apache-2.0
// The library's one entry: MLX's exceptions become error texts here.
#include <exception>
#include <string>

#include <mlx/version.h>

#include "mlx_graph.h"

namespace pajamas_mlx {
namespace {

const char* describe() {
  static const std::string text = std::string("mlx ") + mx::version() +
                                  (mx::default_device() == mx::Device::cpu ? ", cpu" : ", gpu");
  return text.c_str();
}

void* create(const pj_backend_numbers* numbers) {
  try {
    return new Graph(*numbers);
  } catch (const std::exception&) {
    return nullptr;
  }
}

template <typename Work>
int guarded(void* model, const Work& work) {
  auto& graph = *static_cast<Graph*>(model);
  try {
    work(graph);
    return 0;
  } catch (const std::exception& error) {
    graph.error = error.what();
    return 1;
  }
}

int add_tensor(void* model, const pj_backend_tensor* tensor) {
  return guarded(model, [&](Graph& graph) { graph.add_tensor(*tensor); });
}

int forward(void* model, const int32_t* tokens, int64_t count, int64_t first,
            const uint8_t* outputs, float* out) {
  return guarded(model, [&](Graph& graph) {
    graph.forward({tokens, static_cast<std::size_t>(count)}, first, outputs, out);
  });
}

const char* error_of(void* model) { return static_cast<Graph*>(model)->error.c_str(); }
void destroy(void* model) { delete static_cast<Graph*>(model); }

constexpr pj_backend_api kApi{.version = PJ_BACKEND_VERSION,
                              .describe = describe,
                              .create = create,
                              .add_tensor = add_tensor,
                              .forward = forward,
                              .error = error_of,
                              .destroy = destroy};

}  // namespace
}  // namespace pajamas_mlx

extern "C" __attribute__((visibility("default"))) const pj_backend_api* pj_backend(void) {
  return &pajamas_mlx::kApi;
}
