// SPDX-License-Identifier: Apache-2.0
// A SentencePiece model file (tokenizer.model): the part of its protobuf message that matters here.
//
// A plain value. Truncated or contradictory wire data, pieces that are not UTF-8 and byte pieces
// that name no byte are errors with the offset; unknown fields are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace pajamas {

// Values of ModelProto.SentencePiece.Type. Do not change: persisted.
enum class PieceType : std::int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

// Values of TrainerSpec.ModelType. Do not change: persisted.
enum class SentencePieceKind : std::int32_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

struct SentencePiece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;
};

struct SentencePieceModel {
  std::vector<SentencePiece> pieces;
  SentencePieceKind kind = SentencePieceKind::kUnigram;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  std::vector<std::uint8_t> precompiled_charsmap;
};

// `where` names the file in messages.
Result<SentencePieceModel> parse_sentencepiece(std::span<const std::byte> bytes,
                                               std::string_view where);

}  // namespace pajamas
