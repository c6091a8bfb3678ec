// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <array>

namespace pajamas {
namespace {

struct Entry {
  ErrorCode code;
  std::string_view name;
};

constexpr auto kNames = std::to_array<Entry>({
    {ErrorCode::kInternal, "internal"},
    {ErrorCode::kInvalidArgument, "invalid_argument"},
    {ErrorCode::kQualityGate, "quality_gate"},
    {ErrorCode::kNotFound, "not_found"},
    {ErrorCode::kInvalidData, "invalid_data"},
    {ErrorCode::kUnsupported, "unsupported"},
    {ErrorCode::kIo, "io"},
    {ErrorCode::kNoSpace, "no_space"},
    {ErrorCode::kConflict, "conflict"},
    {ErrorCode::kCancelled, "cancelled"},
});

}  // namespace

std::string_view error_code_name(ErrorCode code) {
  for (const Entry& entry : kNames) {
    if (entry.code == code) return entry.name;
  }
  return "unknown";
}

}  // namespace pajamas
