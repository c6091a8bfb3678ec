// SPDX-License-Identifier: Apache-2.0
// The cache of a sequence as a file: tokens, keys and values, bound to one model and cache type and
// guarded by a SHA-256.
//
//   0   8  "PJKVSEQ1"
//   8  64  fingerprint of the model and of the cache's shape, hex digits
//   72  8  number of tokens T, little endian
//   80  4T tokens
//   ..     blocks of 64 positions, ceil(T / 64) of them, as they are in memory
//   ..  64 SHA-256 of everything before, hex digits
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "models/opened_model.h"
#include "runtime/kv_pool.h"
#include "runtime/sequence.h"

namespace pajamas {

// Of the model's keys, its tensors' names, shapes and types, a sample of their bytes, and the
// cache's shape. Two fine-tunes of one model differ.
Result<std::string> fingerprint_of(const OpenedModel& model, const KvShape& shape);

// Written beside `path` and renamed over it.
Status save_sequence(const Sequence& sequence, std::string_view fingerprint,
                     const std::filesystem::path& path);

// max_tokens: what the context holds; vocab: token ids are below it.
Result<Sequence> restore_sequence(KvPool& pool, std::string_view fingerprint,
                                  std::int64_t max_tokens, std::int64_t vocab,
                                  const std::filesystem::path& path);

}  // namespace pajamas
