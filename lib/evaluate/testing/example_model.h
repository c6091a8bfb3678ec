// SPDX-License-Identifier: Apache-2.0
// The example model with its tokenizer, for tests that need real tokens.
#pragma once

#include <filesystem>
#include <memory>

#include <gtest/gtest.h>

#include "generation/model_text.h"
#include "runtime/engine.h"

namespace pajamas::testing_support {

struct ExampleModel {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<ModelText> text;
};

inline ExampleModel open_example(const EngineOptions& options) {
  SilentProgress progress;
  const auto path = std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller";
  auto engine = Engine::open(path, options, CancelToken(), progress);
  EXPECT_TRUE(engine.has_value()) << engine.error().message;
  auto text = ModelText::open((*engine)->model());
  EXPECT_TRUE(text.has_value()) << text.error().message;
  return {.engine = std::move(*engine), .text = std::make_unique<ModelText>(std::move(*text))};
}

}  // namespace pajamas::testing_support
