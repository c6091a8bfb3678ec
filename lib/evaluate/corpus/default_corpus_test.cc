// SPDX-License-Identifier: Apache-2.0
#include "evaluate/corpus/default_corpus.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/sha256.h"

namespace pajamas {
namespace {

TEST(DefaultCorpus, IsTheFileInTheRepository) {
  const auto path =
      std::filesystem::path(PJ_SOURCE_DIR) / "lib/evaluate/corpus/parents_assistant.txt";
  EXPECT_EQ(kDefaultCorpus, *read_text_file(path, 1 << 20));
  // Published numbers were measured on this text.
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(kDefaultCorpus))),
            "e111a323d2eb0d1cd6c35d19685b76a4640bea3f2c992cac8472c550c0af269e");
}

}  // namespace
}  // namespace pajamas
