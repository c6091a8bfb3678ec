// SPDX-License-Identifier: Apache-2.0
//
// ModelProto:      1 pieces (message, repeated), 2 trainer_spec, 3 normalizer_spec (messages)
// SentencePiece:   1 piece (string), 2 score (float), 3 type (enum, default 1)
// TrainerSpec:     3 model_type (enum, default 1)
// NormalizerSpec:  2 precompiled_charsmap (bytes), 3 add_dummy_prefix, 4 remove_extra_whitespaces
//                  (bool, default true)
#include "text/sentencepiece_model.h"

#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include "base/byte_reader.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace pajamas {
namespace {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint64_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t varint = 0;            // kVarint
  std::uint32_t fixed32 = 0;           // kFixed32
  std::span<const std::byte> bytes{};  // kBytes
};

Result<std::uint64_t> read_varint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = PJ_TRY(reader.read<std::uint8_t>("a varint"));
    const std::uint64_t bits = byte & 0x7fU;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return make_error(ErrorCode::kInvalidData, "a varint before offset {} is longer than 64 bits",
                    reader.offset());
}

// The next field of a message; nothing at its end.
Result<std::optional<WireField>> read_field(ByteReader& reader) {
  if (reader.remaining() == 0) return std::nullopt;
  const std::size_t offset = reader.offset();
  const std::uint64_t tag = PJ_TRY(read_varint(reader));
  WireField field{.number = tag >> 3, .type = static_cast<WireType>(tag & 7)};
  if (field.number == 0 || field.number >= (1U << 29)) {
    return make_error(ErrorCode::kInvalidData, "offset {} has the field number {}", offset,
                      field.number);
  }
  switch (field.type) {
    case WireType::kVarint:
      field.varint = PJ_TRY(read_varint(reader));
      return field;
    case WireType::kFixed64:
      PJ_TRY(reader.read_bytes(8, "a fixed field"));
      return field;
    case WireType::kFixed32:
      field.fixed32 = PJ_TRY(reader.read<std::uint32_t>("a fixed field"));
      return field;
    case WireType::kBytes: {
      const std::uint64_t count = PJ_TRY(read_varint(reader));
      if (count > reader.remaining()) {
        return make_error(ErrorCode::kInvalidData,
                          "field {} at offset {} holds {} bytes, but only {} are left",
                          field.number, offset, count, reader.remaining());
      }
      field.bytes = PJ_TRY(reader.read_bytes(static_cast<std::size_t>(count), "a field"));
      return field;
    }
  }
  return make_error(ErrorCode::kInvalidData,
                    "offset {} has the wire type {}, expected 0, 1, 2 or 5", offset, tag & 7);
}

// Calls `take` for every field of a message.
template <typename Take>
Status for_each_field(std::span<const std::byte> message, Take take) {
  ByteReader reader(message);
  while (true) {
    const std::optional<WireField> field = PJ_TRY(read_field(reader));
    if (!field) return {};
    Status status = take(*field);
    if (!status) return status;
  }
}

std::unexpected<Error> wrong_wire_type(const WireField& field, std::string_view message) {
  return make_error(ErrorCode::kInvalidData, "field {} of {} has the wire type {}", field.number,
                    message, static_cast<int>(field.type));
}

std::string as_text(std::span<const std::byte> bytes) {
  std::string text(bytes.size(), '\0');
  if (!bytes.empty()) std::memcpy(text.data(), bytes.data(), bytes.size());
  return text;
}

Status check_piece(const SentencePiece& piece) {
  if (!is_valid_utf8(piece.text)) {
    return make_error(ErrorCode::kInvalidData, "the piece '{}' is not valid UTF-8",
                      replace_invalid_utf8(piece.text));
  }
  if (std::isnan(piece.score)) {
    return make_error(ErrorCode::kInvalidData, "the score of the piece '{}' is no number",
                      piece.text);
  }
  if (piece.type == PieceType::kByte && !is_byte_token(piece.text)) {
    return make_error(ErrorCode::kInvalidData,
                      "the byte piece '{}' names no byte, expected \"<0x00>\" to \"<0xFF>\"",
                      piece.text);
  }
  return {};
}

Result<SentencePiece> parse_piece(std::span<const std::byte> message) {
  SentencePiece piece;
  const Status status = for_each_field(message, [&](const WireField& field) -> Status {
    switch (field.number) {
      case 1:
        if (field.type != WireType::kBytes) return wrong_wire_type(field, "a piece");
        piece.text = as_text(field.bytes);
        return {};
      case 2:
        if (field.type != WireType::kFixed32) return wrong_wire_type(field, "a piece");
        piece.score = std::bit_cast<float>(field.fixed32);
        return {};
      case 3:
        if (field.type != WireType::kVarint) return wrong_wire_type(field, "a piece");
        if (field.varint < 1 || field.varint > 6) {
          return make_error(ErrorCode::kInvalidData, "a piece has the type {}, expected 1 to 6",
                            field.varint);
        }
        piece.type = static_cast<PieceType>(field.varint);
        return {};
      default:
        return {};
    }
  });
  if (!status) return std::unexpected(status.error());
  const Status checked = check_piece(piece);
  if (!checked) return std::unexpected(checked.error());
  return piece;
}

Status parse_trainer(std::span<const std::byte> message, SentencePieceModel& model) {
  return for_each_field(message, [&](const WireField& field) -> Status {
    if (field.number != 3) return {};
    if (field.type != WireType::kVarint) return wrong_wire_type(field, "the trainer spec");
    if (field.varint < 1 || field.varint > 4) {
      return make_error(ErrorCode::kInvalidData, "the model type is {}, expected 1 to 4",
                        field.varint);
    }
    model.kind = static_cast<SentencePieceKind>(field.varint);
    return {};
  });
}

Status parse_normalizer(std::span<const std::byte> message, SentencePieceModel& model) {
  return for_each_field(message, [&](const WireField& field) -> Status {
    if (field.number < 2 || field.number > 4) return {};
    const WireType expected = field.number == 2 ? WireType::kBytes : WireType::kVarint;
    if (field.type != expected) return wrong_wire_type(field, "the normalizer spec");
    if (field.number == 2) {
      const std::string map = as_text(field.bytes);
      model.precompiled_charsmap.assign(map.begin(), map.end());
    } else if (field.number == 3) {
      model.add_dummy_prefix = field.varint != 0;
    } else {
      model.remove_extra_whitespaces = field.varint != 0;
    }
    return {};
  });
}

Status parse_model(std::span<const std::byte> bytes, SentencePieceModel& model) {
  return for_each_field(bytes, [&](const WireField& field) -> Status {
    if (field.number < 1 || field.number > 3) return {};
    if (field.type != WireType::kBytes) return wrong_wire_type(field, "the model");
    if (field.number == 2) return parse_trainer(field.bytes, model);
    if (field.number == 3) return parse_normalizer(field.bytes, model);
    if (model.pieces.size() >= static_cast<std::size_t>(kMaxTokens)) {
      return make_error(ErrorCode::kInvalidData, "more than {} pieces", kMaxTokens);
    }
    Result<SentencePiece> piece = parse_piece(field.bytes);
    if (!piece) {
      return std::unexpected(
          piece.error().with_context(fmt::format("piece {}", model.pieces.size())));
    }
    model.pieces.push_back(std::move(*piece));
    return {};
  });
}

}  // namespace

Result<SentencePieceModel> parse_sentencepiece(std::span<const std::byte> bytes,
                                               std::string_view where) {
  SentencePieceModel model;
  const Status status = parse_model(bytes, model);
  if (!status) return std::unexpected(status.error().with_context(where));
  if (model.pieces.empty()) {
    return make_error(ErrorCode::kInvalidData, "{}: no pieces, so it is no SentencePiece model",
                      where);
  }
  return model;
}

}  // namespace pajamas
