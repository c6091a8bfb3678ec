// SPDX-License-Identifier: Apache-2.0
#include "archs/arch_registry.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EveryArch : public testing::TestWithParam<const ArchSpec*> {};

INSTANTIATE_TEST_SUITE_P(Archs, EveryArch, testing::ValuesIn(all_archs()),
                         [](const auto& arch) { return std::string(arch.param->name); });

TEST_P(EveryArch, IsFoundByItsNameAndItsClasses) {
  const ArchSpec* arch = GetParam();
  EXPECT_EQ(find_arch_by_name(arch->name), arch);
  ASSERT_FALSE(arch->hf_class_names.empty());
  for (const std::string_view name : arch->hf_class_names) {
    EXPECT_EQ(find_arch_by_class(name), arch);
  }
}

TEST_P(EveryArch, IsFoundByItsModelType) {
  const Json config = {{"model_type", GetParam()->model_type}};
  EXPECT_EQ(find_arch_of_config(config).value(), GetParam());
}

TEST_P(EveryArch, HasAFamilyUnderItsGgufName) {
  const ArchSpec* found = find_arch_by_gguf_name(GetParam()->gguf_name);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->gguf_name, GetParam()->gguf_name);
}

TEST_P(EveryArch, NamesEveryOutputOnceOrAsNeighbouringAlternatives) {
  std::set<std::string_view> seen;
  std::string_view previous;
  for (const TensorGroup group : GetParam()->tensors) {
    for (const TensorRule& rule : group) {
      if (rule.gguf != previous) {
        EXPECT_TRUE(seen.insert(rule.gguf).second) << rule.gguf;
      }
      previous = rule.gguf;
    }
  }
}

TEST_P(EveryArch, HasRulesWhosePlaceholdersAgree) {
  for (const TensorGroup group : GetParam()->tensors) {
    for (const TensorRule& rule : group) {
      const bool in_block = rule.gguf.starts_with("blk.{}.");
      EXPECT_EQ(in_block, rule.hf.starts_with("model.layers.{}.")) << rule.hf;
      const bool per_expert = rule.hf.find("{e}") != std::string_view::npos;
      EXPECT_EQ(per_expert, rule.transform == Transform::kStackExperts) << rule.hf;
      EXPECT_NE(rule.dims[0], Dim::kNone) << rule.hf;
      const bool has_experts = rule.dims[0] == Dim::kExperts;
      EXPECT_TRUE(!has_experts || GetParam()->moe.enabled) << rule.hf;
    }
  }
}

bool has_rule(const ArchSpec& arch, std::string_view gguf) {
  for (const TensorGroup group : arch.tensors) {
    for (const TensorRule& rule : group) {
      if (rule.gguf == gguf) return true;
    }
  }
  return false;
}

TEST_P(EveryArch, DescribesTheLayersThatItsTensorsMakeUp) {
  const ArchSpec& arch = *GetParam();
  EXPECT_EQ(arch.attention.fused_qkv, has_rule(arch, "blk.{}.attn_qkv.weight"));
  EXPECT_NE(arch.attention.fused_qkv, has_rule(arch, "blk.{}.attn_q.weight"));
  EXPECT_EQ(arch.attention.qk_norm != QkNorm::kNone, has_rule(arch, "blk.{}.attn_q_norm.weight"));
  EXPECT_EQ(arch.moe.enabled, has_rule(arch, "blk.{}.ffn_gate_inp.weight"));
  EXPECT_EQ(arch.moe.shared_expert, has_rule(arch, "blk.{}.ffn_up_shexp.weight"));
  EXPECT_EQ(arch.norm.placement != NormPlacement::kPost, has_rule(arch, "blk.{}.attn_norm.weight"));
  EXPECT_EQ(arch.norm.placement != NormPlacement::kPre,
            has_rule(arch, "blk.{}.post_attention_norm.weight"));
}

TEST_P(EveryArch, PermutesQueriesAndKeysExactlyWhenItsRotationIsInterleaved) {
  for (const TensorGroup group : GetParam()->tensors) {
    for (const TensorRule& rule : group) {
      const bool is_query = rule.gguf.starts_with("blk.{}.attn_q.");
      const bool is_key = rule.gguf.starts_with("blk.{}.attn_k.");
      const bool interleaved = GetParam()->attention.rope == Rope::kInterleaved;
      EXPECT_EQ(rule.transform == Transform::kRopeQuery, is_query && interleaved) << rule.gguf;
      EXPECT_EQ(rule.transform == Transform::kRopeKey, is_key && interleaved) << rule.gguf;
    }
  }
}

TEST(ArchRegistry, GivesNothingForUnknownNames) {
  EXPECT_EQ(find_arch_by_class("LlamaForCausalLm"), nullptr);
  EXPECT_EQ(find_arch_by_name("llama4"), nullptr);
  EXPECT_EQ(find_arch_by_gguf_name("gpt2"), nullptr);
}

TEST(ArchRegistry, RanksNamesByEditDistance) {
  EXPECT_THAT(nearest_class_names("Qwen3_5ForCausalLM", 2),
              ElementsAre("Qwen3ForCausalLM", "Qwen2ForCausalLM"));
  EXPECT_THAT(nearest_class_names("mistralforcausallm", 1), ElementsAre("MistralForCausalLM"));
}

TEST(ArchRegistry, NamesTheNearestWhenAClassIsNotSupported) {
  const auto found =
      find_arch_of_config(Json::parse(R"({"architectures": ["Gemma4ForCausalLM"]})"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(found.error().message,
              HasSubstr("'architectures' is 'Gemma4ForCausalLM', which is not supported; the "
                        "nearest that are: Gemma2ForCausalLM, Gemma3ForCausalLM"));
}

TEST(ArchRegistry, KeepsControlCharactersOfAConfigOutOfMessages) {
  const auto found = find_arch_of_config(Json::parse(R"({"architectures": ["X\u001b[2J"]})"));
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("'X?[2J'"));
}

struct BadConfig {
  std::string_view json;
  std::string_view message;
};

TEST(ArchRegistry, RejectsConfigsThatDoNotSayWhatTheyAre) {
  constexpr BadConfig kBad[] = {
      {"[]", "config.json is not an object"},
      {"{}", "has neither 'architectures' nor 'model_type'"},
      {R"({"architectures": []})", "has neither"},
      {R"({"architectures": "LlamaForCausalLM"})", "'architectures' is not a list of class names"},
      {R"({"architectures": [1]})", "'architectures' is not a list of class names"},
      {R"({"model_type": 3})", "'model_type' is 3, expected a string"},
      {R"({"model_type": "rwkv"})", "'model_type' is 'rwkv', which is not supported"},
  };
  for (const auto& [json, message] : kBad) {
    const auto found = find_arch_of_config(Json::parse(json));
    ASSERT_FALSE(found) << json;
    EXPECT_THAT(found.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace pajamas
