// SPDX-License-Identifier: Apache-2.0
#include "pipeline/convert.h"

#include <unistd.h>

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "formats/gguf/gguf_source.h"
#include "pipeline/model_info.h"
#include "pipeline/publish.h"
#include "pipeline/testing/small_model.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::write_small_model;

// Cancels as soon as some weights are quantized.
class CancellingProgress final : public Progress {
 public:
  explicit CancellingProgress(CancelToken& token) : token_(token) {}
  void update(const ProgressUpdate& update) override {
    if (update.stage == "quantize") token_.cancel();
  }
  void warn(std::string_view) override {}

 private:
  CancelToken& token_;
};

class ConvertTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              fmt::format("convert_test_{}_{}", ::getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    ASSERT_TRUE(write_small_model(folder_ / "small.gguf"));
  }
  void TearDown() override { fs::remove_all(folder_); }

  ConvertOptions options(const std::string& output) const {
    return {.model = (folder_ / "small.gguf").string(),
            .output = folder_ / output,
            .gguf_types = {"Q4_K_M", "Q8_0", "F16"},
            .execute = {.threads = 2, .checkpoint_seconds = 0}};
  }

  static Result<ConvertReport> run(const ConvertOptions& options) {
    const auto prepared = PJ_TRY(prepare_conversion(options));
    SilentProgress progress;
    return convert(*prepared, options, CancelToken(), progress);
  }

  std::string bytes(const std::string& output, const std::string& type) const {
    return read_text_file(folder_ / output / "gguf" / ("small-" + type + ".gguf"), 1 << 24).value();
  }

  fs::path folder_;
};

TEST_F(ConvertTest, WritesWhatThePlanSaysAndAManifestThatVerifies) {
  const ConvertOptions wanted = options("out");
  const auto prepared = prepare_conversion(wanted);
  ASSERT_TRUE(prepared) << prepared.error().message;
  ASSERT_TRUE(run(wanted));
  for (const PlannedOutput& output : (*prepared)->plan.outputs) {
    const PlannedFile& file = output.files.front();
    EXPECT_EQ(fs::file_size(wanted.output / file.path), file.bytes);
  }
  EXPECT_FALSE(fs::exists(wanted.output / ".pajamas"));
  SilentProgress progress;
  const auto verified = verify_artifacts(wanted.output, CancelToken(), progress);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->size(), 3U);
  EXPECT_TRUE(fs::exists(wanted.output / "quantization_report.log"));
}

TEST_F(ConvertTest, GivesTheSameBytesForAnyThreadCountAndMemoryLimit) {
  ASSERT_TRUE(run(options("a")));
  for (const int threads : {1, 7}) {
    ConvertOptions other = options(fmt::format("b{}", threads));
    other.execute.threads = threads;
    other.execute.max_memory_bytes = std::uint64_t{1} << 31;
    other.model_options.hash_ahead = threads == 7;
    ASSERT_TRUE(run(other));
    for (const char* type : {"q4_k_m", "q8_0", "f16"}) {
      EXPECT_EQ(bytes("a", type), bytes(other.output.filename(), type)) << threads << type;
    }
  }
}

TEST_F(ConvertTest, AnInterruptedRunPublishesNothingAndGoesOnWhereItWas) {
  ASSERT_TRUE(run(options("whole")));
  ConvertOptions wanted = options("resumed");
  wanted.execute.threads = 1;
  const auto prepared = prepare_conversion(wanted);
  ASSERT_TRUE(prepared);
  int interruptions = 0;
  std::int64_t resumed = 0;
  for (int attempt = 0; attempt < 100; ++attempt) {
    CancelToken token;
    CancellingProgress progress(token);
    const auto report = convert(**prepared, wanted, token, progress);
    if (report) {
      resumed = report->execution.resumed_tensors;
      break;
    }
    ASSERT_EQ(report.error().code, ErrorCode::kCancelled) << report.error().message;
    ++interruptions;
    EXPECT_FALSE(fs::exists(wanted.output / "gguf" / "small-q8_0.gguf"));
    EXPECT_FALSE(fs::exists(wanted.output / kManifestName));
  }
  EXPECT_GT(interruptions, 0);
  EXPECT_GT(resumed, 0);
  for (const char* type : {"q4_k_m", "q8_0", "f16"}) {
    EXPECT_EQ(bytes("whole", type), bytes("resumed", type)) << type;
  }
}

TEST_F(ConvertTest, ReordersRowsAndVectorsFromHalvesToPairs) {
  ConvertOptions wanted = options("out");
  wanted.gguf_types = {"F32"};
  const auto prepared = prepare_conversion(wanted);
  ASSERT_TRUE(prepared);
  for (OutputTensor& tensor : (*prepared)->model.outputs) {
    Piece& piece = tensor.pieces.front();
    if (tensor.name == "output_norm.weight") piece.row_count = 256;
    if (tensor.name != "output_norm.weight" && tensor.name != "blk.0.attn_q.weight") continue;
    piece.order = RowOrder::kRopeInterleave;
    piece.heads = 4;
  }
  SilentProgress progress;
  ASSERT_TRUE(convert(**prepared, wanted, CancelToken(), progress));
  const auto file = open_gguf(folder_ / "out/gguf/small-f32.gguf");
  ASSERT_TRUE(file);
  const auto check = [&](const char* name, std::uint64_t seed, std::size_t rows, std::size_t cols) {
    const auto source = testing_support::seeded_values(seed, rows * cols);
    std::vector<float> found(rows * cols);
    ASSERT_TRUE((*file)->read(*(*file)->find(name), 0, std::as_writable_bytes(std::span(found))));
    const std::size_t half = rows / 4 / 2;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t in_head = row % (2 * half);
      const std::size_t from = row - in_head + in_head % 2 * half + in_head / 2;
      EXPECT_EQ(found[row * cols], source[from * cols]) << name << " row " << row;
      EXPECT_EQ(found[row * cols + cols - 1], source[from * cols + cols - 1]) << name;
    }
  };
  check("output_norm.weight", 1, 256, 1);
  check("blk.0.attn_q.weight", 3, 96, 256);
}

TEST_F(ConvertTest, NanInAWeightNamesTensorAndIndex) {
  ASSERT_TRUE(write_small_model(
      folder_ / "small.gguf",
      {.bad_tensor = "blk.1.attn_k.weight", .bad_value = std::numeric_limits<float>::quiet_NaN()}));
  const auto report = run(options("out"));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidData);
  EXPECT_THAT(report.error().message,
              HasSubstr("'blk.1.attn_k.weight' has NaN at row 1, column 44 (element 300)"));
}

TEST_F(ConvertTest, InfinityInAWeightIsAnErrorToo) {
  ASSERT_TRUE(write_small_model(folder_ / "small.gguf",
                                {.bad_tensor = "token_embd.weight", .bad_value = -INFINITY}));
  const auto report = run(options("out"));
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("has infinity at row 1"));
}

TEST_F(ConvertTest, AValueThatF16CannotHoldIsAnErrorForF16Alone) {
  ASSERT_TRUE(write_small_model(folder_ / "small.gguf",
                                {.bad_tensor = "blk.1.attn_k.weight", .bad_value = 70000}));
  ConvertOptions wanted = options("out");
  const auto report = run(wanted);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("'blk.1.attn_k.weight' has the value 70000"));
  wanted.gguf_types = {"BF16", "Q8_0"};
  EXPECT_TRUE(run(wanted));
}

TEST_F(ConvertTest, TooLittleMemorySaysHowMuchIsNeeded) {
  ConvertOptions wanted = options("out");
  wanted.execute.max_memory_bytes = 4096;
  const auto report = run(wanted);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kNoSpace);
  EXPECT_THAT(report.error().message, HasSubstr("--max-memory 4.10 kB is too little"));
}

TEST_F(ConvertTest, AQuantizedSourceNeedsPermissionAndKeepsBlocksThatStay) {
  ASSERT_TRUE(run(options("out")));
  ConvertOptions again = options("again");
  again.model = (folder_ / "out/gguf/small-q8_0.gguf").string();
  again.gguf_types = {"Q8_0", "Q4_0"};
  again.name = "small";
  const auto refused = run(again);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--allow-requantize"));
  again.model_options.allow_requantize = true;
  ASSERT_TRUE(run(again));
  EXPECT_EQ(bytes("out", "q8_0"), bytes("again", "q8_0"));
}

TEST_F(ConvertTest, SplitOutputIsOneModelAgain) {
  ASSERT_TRUE(run(options("whole")));
  ConvertOptions split = options("split");
  split.gguf_types = {"Q8_0"};
  split.split.max_tensors = 4;
  ASSERT_TRUE(run(split));
  const auto whole = open_gguf(folder_ / "whole/gguf/small-q8_0.gguf");
  const auto parts = open_gguf(folder_ / "split/gguf/small-q8_0-00001-of-00005.gguf");
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ((*parts)->tensors().size(), (*whole)->tensors().size());
  for (const TensorInfo& tensor : (*whole)->tensors()) {
    std::vector<std::byte> a(tensor.bytes);
    std::vector<std::byte> b(tensor.bytes);
    ASSERT_TRUE((*whole)->read(tensor, 0, a));
    ASSERT_TRUE((*parts)->read(*(*parts)->find(tensor.name), 0, b));
    EXPECT_EQ(a, b) << tensor.name;
  }
}

// llama-quantize copies the key but lays its file out by 32, which no reader can load.
TEST_F(ConvertTest, KeepsTheAlignmentOfItsSource) {
  ASSERT_TRUE(write_small_model(folder_ / "small.gguf", {.rows = 97, .alignment = 128}));
  const auto report = run(options("out"));
  ASSERT_TRUE(report) << report.error().message;
  const auto file = open_gguf(folder_ / "out/gguf/small-q8_0.gguf");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ((*file)->alignment(), 128U);
}

TEST_F(ConvertTest, KeepSplitGivesAsManyFilesAsTheSource) {
  ConvertOptions split = options("split");
  split.gguf_types = {"F16"};
  split.split.max_tensors = 6;
  ASSERT_TRUE(run(split));
  ConvertOptions kept = options("kept");
  kept.model = (folder_ / "split/gguf/small-f16-00001-of-00003.gguf").string();
  kept.gguf_types = {"Q8_0"};
  kept.name = "small";
  kept.split.keep_split = true;
  const auto report = run(kept);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->outputs.front().files.size(), 3U);
  EXPECT_TRUE(open_gguf(folder_ / "kept/gguf/small-q8_0-00001-of-00003.gguf"));
}

TEST_F(ConvertTest, ASecondRunAddsToTheManifest) {
  ConvertOptions first = options("out");
  first.gguf_types = {"Q8_0"};
  ASSERT_TRUE(run(first));
  first.gguf_types = {"Q4_0"};
  ASSERT_TRUE(run(first));
  const Json manifest = read_manifest(folder_ / "out").value();
  EXPECT_EQ(manifest["formats"].size(), 2U);
  EXPECT_EQ(manifest["source"]["files"][0]["sha256"].get<std::string>(),
            hash_file(folder_ / "small.gguf", nullptr).value());
}

TEST_F(ConvertTest, AnotherModelsFolderIsAConflict) {
  ConvertOptions first = options("out");
  ASSERT_TRUE(run(first));
  fs::copy(folder_ / "small.gguf", folder_ / "other.gguf");
  first.model = (folder_ / "other.gguf").string();
  const auto report = run(first);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kConflict);
  EXPECT_THAT(report.error().message, HasSubstr("holds 'small' already, and this is 'other'"));
}

TEST_F(ConvertTest, VerifyNamesADamagedFile) {
  ASSERT_TRUE(run(options("out")));
  const fs::path damaged = folder_ / "out/gguf/small-q8_0.gguf";
  std::string content = read_text_file(damaged, 1 << 24).value();
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  ASSERT_TRUE(write_file_atomic(damaged, content));
  SilentProgress progress;
  const auto verified = verify_artifacts(folder_ / "out", CancelToken(), progress);
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("was changed or damaged"));
}

TEST_F(ConvertTest, RecipesThatNeedAnImatrixSaySoBeforeAnyWork) {
  ConvertOptions wanted = options("out");
  wanted.gguf_types = {"Q2_K_S"};
  const auto report = run(wanted);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("Q2_K_S needs an importance matrix"));
  EXPECT_FALSE(fs::exists(wanted.output));
}

TEST(OverrideKey, TakesTheFourTypesOfLlamaQuantize) {
  EXPECT_EQ(std::get<std::uint32_t>(parse_override_key("a.b=int:7")->second), 7U);
  EXPECT_EQ(std::get<float>(parse_override_key("a.b=float:0.5")->second), 0.5F);
  EXPECT_EQ(std::get<bool>(parse_override_key("a.b=bool:true")->second), true);
  EXPECT_EQ(std::get<std::string>(parse_override_key("a.b=str:x=y:z")->second), "x=y:z");
  for (const char* bad : {"a.b", "=int:1", "a.b=int:-1", "a.b=int:x", "a.b=bool:1", "a=u8:1"}) {
    EXPECT_FALSE(parse_override_key(bad)) << bad;
  }
}

}  // namespace
}  // namespace pajamas
