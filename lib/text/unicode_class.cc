// SPDX-License-Identifier: Apache-2.0
#include "text/unicode_class.h"

#include <cstdlib>
#include <memory>

#include <utf8proc.h>

#include "text/utf8.h"

namespace pajamas {
namespace {

utf8proc_category_t unicode_category_of(char32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

utf8proc_option_t options_of(NormalForm form) {
  unsigned options = UTF8PROC_STABLE;
  const bool composed = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  options |= composed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == NormalForm::kNfkc || form == NormalForm::kNfkd) options |= UTF8PROC_COMPAT;
  return static_cast<utf8proc_option_t>(options);
}

struct Free {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }  // the library's malloc
};

}  // namespace

bool is_unicode_number(char32_t code_point) {
  const utf8proc_category_t category = unicode_category_of(code_point);
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
         category == UTF8PROC_CATEGORY_NO;
}

bool is_unicode_punctuation(char32_t code_point) {
  if (code_point < 128) {
    return code_point > 0x20 && code_point < 0x7f && !is_unicode_number(code_point) &&
           !((code_point | 0x20) >= 'a' && (code_point | 0x20) <= 'z');
  }
  switch (unicode_category_of(code_point)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return true;
    default:
      return false;
  }
}

bool is_unicode_space(char32_t code_point) {
  if (code_point >= 0x09 && code_point <= 0x0d) return true;
  if (code_point == 0x85) return true;
  const utf8proc_category_t category = unicode_category_of(code_point);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

bool is_unicode_word(char32_t code_point) {
  switch (unicode_category_of(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

bool is_unicode_mark(char32_t code_point) {
  return unicode_category_of(code_point) == UTF8PROC_CATEGORY_MN;
}

bool is_unicode_control(char32_t code_point) {
  switch (unicode_category_of(code_point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
      return true;
    default:
      return false;
  }
}

namespace {

bool append_normal_form(std::string_view text, NormalForm form, std::string& out) {
  utf8proc_uint8_t* result = nullptr;
  // Bytes in, bytes out; the library takes unsigned ones.
  const utf8proc_ssize_t bytes =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &result, options_of(form));
  const std::unique_ptr<utf8proc_uint8_t, Free> owned(result);
  if (bytes < 0) return false;
  out.append(owned.get(), owned.get() + bytes);
  return true;
}

}  // namespace

std::optional<std::string> to_normal_form(std::string_view text, NormalForm form) {
  // No code point below U+0300 changes in NFC, none of ASCII in the other forms, and none of ASCII
  // joins what stands before it. So only runs around other characters need the library.
  const char32_t first_changed = form == NormalForm::kNfc ? 0x300 : 0x80;
  std::string result;
  result.reserve(text.size());
  std::size_t done = 0;
  std::size_t previous = 0;  // where the code point before `offset` starts
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    if (point.bytes == 0) return std::nullopt;
    if (point.value < first_changed) {
      previous = offset;
      offset += point.bytes;
      continue;
    }
    result.append(text.substr(done, previous - done));
    std::size_t end = offset;
    while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) ++end;
    if (!append_normal_form(text.substr(previous, end - previous), form, result)) {
      return std::nullopt;
    }
    done = previous = offset = end;
  }
  return result.append(text.substr(done));
}

std::string to_lower_case(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    if (point.bytes == 0) {
      result.push_back(text[offset++]);
      continue;
    }
    if (point.value == 0x130) {
      result += "i\u0307";  // the one lower-case form of two code points
      offset += point.bytes;
      continue;
    }
    append_utf8(result, static_cast<char32_t>(
                            utf8proc_tolower(static_cast<utf8proc_int32_t>(point.value))));
    offset += point.bytes;
  }
  return result;
}

}  // namespace pajamas
