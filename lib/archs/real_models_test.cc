// SPDX-License-Identifier: Apache-2.0
// Configs and tensor lists of released models, where the optional data folder is there.
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archs/gguf_map.h"
#include "archs/model_config.h"
#include "archs/source_names.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr JsonLimits kLimits{.max_bytes = 4 << 20, .max_depth = 32};

std::filesystem::path config_folder() {
  return std::filesystem::path(PJ_SOURCE_DIR) / "../shared/data/configs";
}

struct RealModel {
  std::string_view folder;
  std::string_view arch;
  std::size_t tensors;  // of the model's index that the text model uses
};

constexpr RealModel kModels[] = {
    {"Llama-3.2-3B", "llama", 254},   {"Llama-3.1-70B-Reflection", "llama", 723},
    {"Mixtral-8x7B", "mixtral", 995}, {"Phi-3-mini-slerp", "phi3", 195},
    {"Qwen3-1.7B", "qwen3", 310},     {"gemma-3-27b-medgemma", "gemma3", 808},
};

class RealModels : public testing::TestWithParam<RealModel> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(config_folder())) GTEST_SKIP() << "no folder of real configs";
  }
};

INSTANTIATE_TEST_SUITE_P(Configs, RealModels, testing::ValuesIn(kModels), [](const auto& model) {
  std::string name(model.param.folder);
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
});

// The rules' source names for one model, filled in.
std::vector<std::string> needed_names(const ModelConfig& model) {
  std::vector<std::string> names;
  for (const TensorGroup group : model.arch->tensors) {
    for (const TensorRule& rule : group) {
      const bool in_blocks = rule.hf.find("{}") != std::string_view::npos;
      const bool per_expert = rule.hf.find("{e}") != std::string_view::npos;
      for (std::int64_t block = 0; block < (in_blocks ? model.layers : 1); ++block) {
        for (std::int64_t expert = 0; expert < (per_expert ? model.experts : 1); ++expert) {
          names.push_back(fill_name(rule.hf, block, expert));
        }
      }
    }
  }
  return names;
}

TEST_P(RealModels, HaveATensorForEveryRuleAndARuleForEveryTensor) {
  const auto folder = config_folder() / GetParam().folder;
  const Json config = read_json_file(folder / "config.json", kLimits).value();
  const Json index = read_json_file(folder / "model.safetensors.index.json", kLimits).value();
  const auto model = parse_model_config(config);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->arch->name, GetParam().arch);
  std::vector<TensorInfo> tensors;
  for (const auto& [name, file] : index["weight_map"].items()) tensors.push_back({.name = name});
  SourceNames names(*model->arch, tensors);
  std::set<std::string> used;  // alternatives may name a tensor twice
  for (const std::string& name : needed_names(*model)) {
    if (names.use(name) != nullptr) used.insert(name);
  }
  EXPECT_EQ(used.size(), GetParam().tensors);
  EXPECT_THAT(names.unused(), IsEmpty());
}

TEST(RealModelsOfOtherKinds, AreRefusedWithTheReason) {
  if (!std::filesystem::exists(config_folder())) GTEST_SKIP() << "no folder of real configs";
  const std::pair<std::string_view, std::string_view> kRefused[] = {
      {"DeepSeek-V3", "'DeepseekV3ForCausalLM', which is not supported"},
      {"gpt-oss-20b", "'GptOssForCausalLM', which is not supported"},
      {"pythia-410m", "'GPTNeoXForSequenceClassification', which is not supported"},
      {"granite-3.1-1b-a400m", "the nearest that are: GraniteForCausalLM"},
      {"Qwen3-14B-MLX-4bit", "the weights are quantized already"},
  };
  for (const auto& [folder, message] : kRefused) {
    const Json config = read_json_file(config_folder() / folder / "config.json", kLimits).value();
    const auto model = parse_model_config(config);
    ASSERT_FALSE(model) << folder;
    EXPECT_THAT(model.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace pajamas
