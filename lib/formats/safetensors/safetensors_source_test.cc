// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_source.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::golden;
using testing_support::TempFolder;

std::unique_ptr<TensorSource> open_good(const fs::path& path) {
  auto source = open_safetensors(path);
  EXPECT_TRUE(source) << source.error().message;
  return source ? *std::move(source) : nullptr;
}

std::vector<std::byte> bytes_of(const TensorSource& source, std::string_view name) {
  const TensorInfo* tensor = source.find(name);
  EXPECT_NE(tensor, nullptr) << name;
  std::vector<std::byte> bytes(tensor == nullptr ? 0 : tensor->bytes);
  EXPECT_TRUE(tensor != nullptr && source.read(*tensor, 0, bytes));
  return bytes;
}

// A file with one tensor of one byte per element, as raw bytes.
std::string file_of(std::string_view tensor, std::string_view content) {
  const std::string header =
      fmt::format(R"({{"{}":{{"dtype":"U8","shape":[{}],"data_offsets":[0,{}]}}}})", tensor,
                  content.size(), content.size());
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  return file + header + std::string(content);
}

TEST(Safetensors, ReadsEveryDtypeAndTheBytesAtItsOffsets) {
  const auto source = open_good(golden("good/safetensors/all_types.safetensors"));
  ASSERT_EQ(source->tensors().size(), 17U);
  EXPECT_EQ(source->find("t_bf16")->dtype, DType::kBF16);
  EXPECT_EQ(source->find("t_f8_e4m3")->dtype, DType::kF8E4M3);
  EXPECT_EQ(source->find("t_f8_e5m2")->dtype, DType::kF8E5M2);
  EXPECT_EQ(source->find("t_bool")->dtype, DType::kBool);
  EXPECT_EQ(source->find("t_i64")->shape, (Shape{2, 1}));
  EXPECT_EQ(source->find("empty")->shape, (Shape{0, 4}));
  EXPECT_EQ(source->find("scalar")->shape, Shape{});
  EXPECT_THAT(bytes_of(*source, "t_f16"),
              ElementsAre(std::byte{24}, std::byte{25}, std::byte{26}, std::byte{27}));
}

TEST(Safetensors, ListsTensorsByOffset) {
  const auto source = open_good(golden("good/safetensors/all_types.safetensors"));
  std::uint64_t end = source->tensors().front().file_offset;
  for (const TensorInfo& tensor : source->tensors()) {
    EXPECT_EQ(tensor.file_offset, end) << tensor.name;
    end += tensor.bytes;
  }
  EXPECT_EQ(end, fs::file_size(source->files()[0]));
}

TEST(Safetensors, AFileWithoutTensorsIsEmptyAndNotAnError) {
  EXPECT_TRUE(open_good(golden("good/safetensors/no_tensors.safetensors"))->tensors().empty());
}

TEST(Safetensors, ReadsShardsByTheirIndexAndByTheirNamesAlone) {
  for (const char* folder : {"sharded", "sharded_without_index"}) {
    SCOPED_TRACE(folder);
    const auto source = open_good(golden("good/safetensors") / folder);
    ASSERT_EQ(source->tensors().size(), 2U);
    EXPECT_EQ(source->files().size(), 2U);
    EXPECT_EQ(source->find("w2")->file, 1);
    EXPECT_THAT(bytes_of(*source, "w1"), Each(std::byte{1}));
    EXPECT_THAT(bytes_of(*source, "w2"), Each(std::byte{2}));
  }
}

TEST(Safetensors, AFolderPrefersModelSafetensorsAndTakesALoneFileOfAnotherName) {
  const TempFolder folder;
  folder.write("other.safetensors", file_of("other", "x"));
  EXPECT_NE(open_good(folder.path())->find("other"), nullptr);
  folder.write("adapter_model.safetensors", file_of("adapter", "x"));
  EXPECT_NE(open_good(folder.path())->find("other"), nullptr);
  folder.write("model.safetensors", file_of("model", "x"));
  const auto source = open_good(folder.path());
  EXPECT_NE(source->find("model"), nullptr);
  EXPECT_EQ(source->find("other"), nullptr);
}

TEST(Safetensors, FollowsTheLinksOfACacheSnapshot) {
  const TempFolder folder;
  fs::create_directories(folder.path() / "blobs");
  fs::create_directories(folder.path() / "snapshots/abc");
  folder.write("blobs/0123", file_of("w", "hello"));
  fs::create_symlink("../../blobs/0123", folder.path() / "snapshots/abc/model.safetensors");
  EXPECT_EQ(bytes_of(*open_good(folder.path() / "snapshots/abc"), "w").size(), 5U);
}

TEST(Safetensors, ALinkWithoutItsFileIsAnErrorThatNamesIt) {
  const TempFolder folder;
  fs::create_symlink("../../blobs/gone", folder.path() / "model.safetensors");
  const auto source = open_safetensors(folder.path());
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(source.error().message, HasSubstr("model.safetensors'"));
}

TEST(Safetensors, PicklesAndFifosAreRefusedUnread) {
  const TempFolder folder;
  const auto pickle = open_safetensors(folder.write("model.pth", "x"));
  ASSERT_FALSE(pickle);
  EXPECT_EQ(pickle.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(pickle.error().message, HasSubstr("safe_serialization=True"));
  ASSERT_EQ(::mkfifo((folder.path() / "model.safetensors").c_str(), 0600), 0);
  const auto fifo = open_safetensors(folder.path());
  ASSERT_FALSE(fifo);
  EXPECT_THAT(fifo.error().message, HasSubstr("is a FIFO, expected a regular file"));
}

TEST(Safetensors, AHeaderOverTheLimitIsRefusedBeforeItIsRead) {
  const TempFolder folder;
  const auto path = folder.write("a.safetensors", std::string("\1\xe1\xf5\5\0\0\0\0{", 9));
  fs::resize_file(path, 200'000'000);  // sparse
  const auto source = open_safetensors(path);
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message,
              HasSubstr("a header of 100000001 bytes, expected at most 100000000"));
}

TEST(Safetensors, ErrorCodesTellMissingFromUnsupportedFromCorrupt) {
  const auto code_of = [](std::string_view name) {
    return open_safetensors(golden(fmt::format("bad/safetensors/{}", name))).error().code;
  };
  EXPECT_EQ(code_of("FOLDER_PICKLES"), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of("FOLDER_NOTHING"), ErrorCode::kNotFound);
  EXPECT_EQ(code_of("TENSOR_DTYPE_UNKNOWN.safetensors"), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of("DATA_CUT.safetensors"), ErrorCode::kInvalidData);
  EXPECT_EQ(code_of("absent.safetensors"), ErrorCode::kNotFound);
}

TEST(Safetensors, ReadsAModelThatOthersTrained) {
  const fs::path folder = fs::path(PJ_SOURCE_DIR) / "../shared/data/models/books-7m";
  if (!fs::exists(folder)) GTEST_SKIP() << "no models beside the checkout";
  const auto source = open_good(folder);
  EXPECT_EQ(source->tensors().size(), 74U);
  EXPECT_EQ(source->find("model.embed_tokens.weight")->shape, (Shape{4096, 256}));
}

}  // namespace
}  // namespace pajamas
