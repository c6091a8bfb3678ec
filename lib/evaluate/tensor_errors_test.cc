// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tensor_errors.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/testing/infinity.h"
#include "formats/gguf/gguf_layout.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::kInfinity;
using testing_support::TempFolder;

struct TestTensor {
  std::string name;
  Shape shape;
  std::vector<float> values;
  DType dtype = DType::kF32;
};

// What is written when `values` are stored in a type.
std::vector<std::byte> encode(DType dtype, const Shape& shape, std::span<const float> values) {
  std::vector<std::byte> bytes(row_bytes(dtype, shape.cols()) *
                               static_cast<std::uint64_t>(shape.rows()));
  encode_rows(nullptr, dtype, values.data(), shape.rows(), shape.cols(), nullptr, bytes.data());
  return bytes;
}

std::vector<float> round_trip(DType dtype, const Shape& shape, std::span<const float> values) {
  const std::vector<std::byte> bytes = encode(dtype, shape, values);
  std::vector<float> decoded(values.size());
  decode_rows(nullptr, dtype, bytes.data(), shape.rows(), shape.cols(), decoded.data());
  return decoded;
}

// A file that holds these tensors, with the keys that opening it takes.
OpenedModel write_and_open(const std::filesystem::path& path,
                           const std::vector<TestTensor>& tensors) {
  Metadata keys;
  keys.set("general.architecture", std::string("llama"));
  std::vector<GgufTensorEntry> entries;
  for (const TestTensor& tensor : tensors) {
    entries.push_back({tensor.name, tensor.shape, tensor.dtype});
  }
  const GgufLayout layout = plan_gguf(keys, entries).value();
  const File file = File::open_write(path).value();
  EXPECT_TRUE(file.resize(layout.file_bytes));
  EXPECT_TRUE(file.write_at(0, std::as_bytes(std::span(layout.header))));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto bytes = encode(tensors[i].dtype, tensors[i].shape, tensors[i].values);
    EXPECT_TRUE(file.write_at(layout.tensor_offsets[i], bytes));
  }
  auto model = open_model_gguf(path);
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return std::move(*model);
}

// In [-1/2, 1/2), the same on every machine.
std::vector<float> some_values(std::int64_t count) {
  std::uint64_t seed = 11;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    value = static_cast<float>(static_cast<std::int64_t>(seed >> 40) - (1 << 23)) / (1 << 24);
  }
  return values;
}

Result<std::vector<TensorError>> measure(const OpenedModel& original, const OpenedModel& quantized,
                                         int threads = 2) {
  SilentProgress progress;
  return measure_tensor_errors(original, quantized, {.threads = threads}, CancelToken(), progress);
}

// The definition, in one loop.
TensorError direct(std::span<const float> original, std::span<const float> stored) {
  TensorError error;
  double squared_error = 0;
  double squared_sum = 0;
  for (std::size_t i = 0; i < original.size(); ++i) {
    const double difference = double{original[i]} - double{stored[i]};
    squared_error += difference * difference;
    squared_sum += double{original[i]} * double{original[i]};
    error.max_error = std::max(error.max_error, std::abs(difference));
  }
  error.relative_mse = squared_error / squared_sum;
  error.snr_db = -10 * std::log10(error.relative_mse);
  return error;
}

TEST(TensorErrors, OfKnownValuesAreExact) {
  const TempFolder folder;
  const auto original =
      write_and_open(folder.path() / "a.gguf", {{"blk.12.ffn_up.weight", {2, 2}, {3, 4, 0, 0}},
                                                {"only_here.weight", {1}, {1}},
                                                {"output_norm.weight", {2}, {1, 2}}});
  const auto quantized = write_and_open(folder.path() / "b.gguf",
                                        {{"output_norm.weight", {2}, {1, 2}},
                                         {"only_there.weight", {1}, {1}},
                                         {"blk.12.ffn_up.weight", {2, 2}, {3, 4.5F, 0, 0.5F}}});
  const auto errors = measure(original, quantized);
  ASSERT_TRUE(errors.has_value()) << errors.error().message;
  ASSERT_EQ(errors->size(), 2U);
  const TensorError& norm = errors->at(0);
  EXPECT_EQ(norm.name, "output_norm.weight");
  EXPECT_EQ(norm.layer, -1);
  EXPECT_EQ(norm.relative_mse, 0);
  const TensorError& up = errors->at(1);
  EXPECT_EQ(up.name, "blk.12.ffn_up.weight");
  EXPECT_EQ(up.layer, 12);
  EXPECT_EQ(up.type, "F32");
  EXPECT_EQ(up.elements, 4);
  EXPECT_EQ(up.relative_mse, 0.5 / 25);
  EXPECT_EQ(up.snr_db, -10 * std::log10(0.02));
  EXPECT_EQ(up.max_error, 0.5);
}

TEST(TensorErrors, OfAFileAgainstItselfAreZero) {
  const TempFolder folder;
  const Shape shape{4, 64};
  const auto model = write_and_open(
      folder.path() / "a.gguf", {{"blk.0.attn_q.weight", shape, some_values(256), DType::kQ8_0}});
  const auto errors = measure(model, model);
  ASSERT_TRUE(errors.has_value());
  EXPECT_EQ(errors->at(0).relative_mse, 0);
  EXPECT_EQ(errors->at(0).snr_db, kInfinity);
  EXPECT_EQ(errors->at(0).max_error, 0);
  EXPECT_EQ(errors->at(0).type, "Q8_0");
}

TEST(TensorErrors, OfStoredTypesAreThoseOfTheirCodecs) {
  const TempFolder folder;
  const Shape shape{3, 512};
  const std::vector<float> values = some_values(shape.elems());
  const auto original =
      write_and_open(folder.path() / "a.gguf", {{"blk.0.ffn_up.weight", shape, values}});
  for (const DType dtype : {DType::kQ8_0, DType::kQ4_K, DType::kQ2_K, DType::kBF16}) {
    const auto quantized = write_and_open(folder.path() / fmt::format("{}.gguf", dtype_name(dtype)),
                                          {{"blk.0.ffn_up.weight", shape, values, dtype}});
    const auto errors = measure(original, quantized);
    ASSERT_TRUE(errors.has_value()) << errors.error().message;
    const TensorError expected = direct(values, round_trip(dtype, shape, values));
    EXPECT_NEAR(errors->at(0).relative_mse / expected.relative_mse, 1, 1e-12);
    EXPECT_NEAR(errors->at(0).snr_db, expected.snr_db, 1e-9);
    EXPECT_EQ(errors->at(0).max_error, expected.max_error);
  }
}

// A folder's query rows in the order of a GGUF file: halves of each head become pairs.
std::vector<float> paired_rows(const std::vector<float>& rows, std::int64_t heads,
                               std::int64_t head_dim, std::int64_t cols) {
  std::vector<float> paired;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t pair = 0; pair < head_dim / 2; ++pair) {
      for (const std::int64_t half : {std::int64_t{0}, head_dim / 2}) {
        const auto row = rows.begin() + (head * head_dim + half + pair) * cols;
        paired.insert(paired.end(), row, row + cols);
      }
    }
  }
  return paired;
}

TEST(TensorErrors, TheRowsOfAFolderAreTransformedAsConversionDoes) {
  const TempFolder folder;
  const auto original =
      open_model_folder(std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller");
  ASSERT_TRUE(original.has_value());
  const TensorInfo* source = original->tensors->find("model.layers.1.self_attn.q_proj.weight");
  ASSERT_NE(source, nullptr);
  ASSERT_EQ(source->dtype, DType::kBF16);
  std::vector<std::byte> raw(source->bytes);
  ASSERT_TRUE(original->tensors->read(*source, 0, raw));
  const Shape shape{256, 256};
  std::vector<float> rows(static_cast<std::size_t>(shape.elems()));
  decode_rows(nullptr, DType::kBF16, raw.data(), 256, 256, rows.data());
  const std::vector<float> paired = paired_rows(rows, 4, 64, 256);
  const auto quantized = write_and_open(folder.path() / "q.gguf",
                                        {{"blk.1.attn_q.weight", shape, paired, DType::kQ8_0}});
  const auto errors = measure(*original, quantized);
  ASSERT_TRUE(errors.has_value()) << errors.error().message;
  ASSERT_EQ(errors->size(), 1U);
  const TensorError expected = direct(paired, round_trip(DType::kQ8_0, shape, paired));
  EXPECT_NEAR(errors->at(0).snr_db, expected.snr_db, 1e-9);
  EXPECT_GT(errors->at(0).snr_db, 35);  // rows in another order would be as good as noise
}

TEST(TensorErrors, HaveTheSameBitsForAnyThreadCount) {
  const TempFolder folder;
  const Shape shape{1700, 512};  // several chunks, the last one smaller
  const std::vector<float> values = some_values(shape.elems());
  const auto original = write_and_open(folder.path() / "a.gguf", {{"a.weight", shape, values}});
  const auto quantized =
      write_and_open(folder.path() / "b.gguf", {{"a.weight", shape, values, DType::kQ4_0}});
  const auto expected = measure(original, quantized, 1);
  ASSERT_TRUE(expected.has_value());
  for (const int threads : {2, 3, 8}) {
    const auto errors = measure(original, quantized, threads);
    EXPECT_EQ(errors->at(0).relative_mse, expected->at(0).relative_mse) << threads;
    EXPECT_EQ(errors->at(0).max_error, expected->at(0).max_error) << threads;
  }
}

TEST(TensorErrors, ShapesThatDifferAreAnErrorThatNamesTheTensor) {
  const TempFolder folder;
  const auto original = write_and_open(folder.path() / "a.gguf",
                                       {{"blk.0.ffn_up.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
  const auto quantized = write_and_open(folder.path() / "b.gguf",
                                        {{"blk.0.ffn_up.weight", {3, 2}, {1, 2, 3, 4, 5, 6}}});
  const auto errors = measure(original, quantized);
  ASSERT_FALSE(errors.has_value());
  EXPECT_THAT(errors.error().message, HasSubstr("tensor 'blk.0.ffn_up.weight' is (2, 3) in"));
  EXPECT_THAT(errors.error().message, HasSubstr("but (3, 2) in"));
}

TEST(TensorErrors, ZerosAndWhatIsNotANumberHaveTheirOwnAnswers) {
  const TempFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto original = write_and_open(
      folder.path() / "a.gguf",
      {{"a.weight", {1, 2}, {0, 0}}, {"b.weight", {1, 2}, {0, 0}}, {"c.weight", {1, 2}, {1, 1}}});
  const auto quantized = write_and_open(
      folder.path() / "b.gguf",
      {{"a.weight", {1, 2}, {0, 0}}, {"b.weight", {1, 2}, {0, 1}}, {"c.weight", {1, 2}, {1, nan}}});
  const auto errors = measure(original, quantized);
  ASSERT_TRUE(errors.has_value());
  EXPECT_EQ(errors->at(0).snr_db, kInfinity);
  EXPECT_EQ(errors->at(1).relative_mse, kInfinity);
  EXPECT_EQ(errors->at(1).snr_db, -kInfinity);
  EXPECT_EQ(errors->at(1).max_error, 1);
  EXPECT_TRUE(std::isnan(errors->at(2).relative_mse));
  EXPECT_TRUE(std::isnan(errors->at(2).snr_db));
  EXPECT_TRUE(std::isnan(errors->at(2).max_error));
}

TEST(TensorErrors, CancellingIsAnError) {
  const TempFolder folder;
  const auto model = write_and_open(folder.path() / "a.gguf", {{"a.weight", {1, 2}, {0, 0}}});
  CancelToken cancel;
  cancel.cancel();
  SilentProgress progress;
  const auto errors = measure_tensor_errors(model, model, {}, cancel, progress);
  ASSERT_FALSE(errors.has_value());
  EXPECT_EQ(errors.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace pajamas
