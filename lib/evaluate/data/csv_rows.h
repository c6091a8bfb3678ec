// SPDX-License-Identifier: Apache-2.0
// Comma-separated values as RFC 4180 has them: cells in quotes may hold commas, line ends and
// doubled quotes.
//
// A quote inside a cell that does not begin with one is an ordinary character, as Python's reader
// takes it. A quoted cell that never ends, or that goes on behind its closing quote, is an error
// with its line. Rows may differ in length; whoever reads them says what is expected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pajamas {

struct CsvRow {
  std::vector<std::string> cells;
  std::int64_t line = 0;  // where the row begins
};

// Blank lines are no rows. `where` names the text in messages.
Result<std::vector<CsvRow>> parse_csv(std::string_view text, std::string_view where);

}  // namespace pajamas
