// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <array>

namespace pajamas {
namespace {

struct CodeName {
  ErrorCode code;
  std::string_view name;
};

constexpr auto kCodeNames = std::to_array<CodeName>({
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
  for (const CodeName& entry : kCodeNames) {
    if (entry.code == code) return entry.name;
  }
  return "unknown";
}

Error Error::with_context(std::string_view context) const {
  return {code, fmt::format("{}: {}", context, message)};
}

std::unexpected<Error> make_error_of(ErrorCode code, fmt::string_view format,
                                     fmt::format_args args) {
  return std::unexpected(Error{code, fmt::vformat(format, args)});
}

}  // namespace pajamas
