// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

#include <string_view>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The two digests are the examples of FIPS 180-2, appendix B, and the well-known empty one.
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(bytes_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  Sha256 hash;
  hash.update(bytes_of("a"));
  hash.update({});
  Sha256 moved = std::move(hash);
  moved.update(bytes_of("bc"));
  EXPECT_EQ(moved.finish_hex(), sha256_hex(bytes_of("abc")));
}

}  // namespace
}  // namespace pajamas
