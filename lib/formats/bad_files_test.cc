// SPDX-License-Identifier: Apache-2.0
// Every file and folder below tests/golden/bad is refused with the message that EXPECTED.tsv names.
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "formats/gguf/gguf_source.h"
#include "formats/imatrix/imatrix_file.h"
#include "formats/safetensors/safetensors_source.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::golden;

Status open_as(std::string_view format, const fs::path& path) {
  if (format == "gguf") PJ_TRY(open_gguf(path));
  if (format == "safetensors") PJ_TRY(open_safetensors(path));
  if (format == "imatrix") PJ_TRY(read_imatrix(path));
  return {};
}

std::map<std::string, std::string> expected_messages() {
  std::istringstream lines(read_text_file(golden("bad/EXPECTED.tsv"), 1 << 20).value());
  std::map<std::string, std::string> expected;
  for (std::string line; std::getline(lines, line);) {
    expected.emplace(line.substr(0, line.find('\t')), line.substr(line.find('\t') + 1));
  }
  return expected;
}

class BadFiles : public testing::TestWithParam<const char*> {};

TEST_P(BadFiles, AreRefusedWithAMessageThatNamesThePathAndTheFault) {
  const std::string format = GetParam();
  int checked = 0;
  for (const auto& [name, message] : expected_messages()) {
    if (!name.starts_with(format + "/")) continue;
    SCOPED_TRACE(name);
    ++checked;
    const Status opened = open_as(format, golden("bad/" + name));
    EXPECT_FALSE(opened);
    if (opened) continue;
    EXPECT_THAT(opened.error().message, HasSubstr(message));
    EXPECT_THAT(opened.error().message, HasSubstr("golden/bad/" + format));
    EXPECT_NE(opened.error().code, ErrorCode::kInternal);
  }
  EXPECT_GT(checked, 10);
}

TEST_P(BadFiles, AreAllListed) {
  std::set<std::string> listed;
  for (const auto& [name, message] : expected_messages()) {
    const fs::path path = name;
    listed.insert(*path.begin() / *std::next(path.begin()));
  }
  for (const auto& entry : fs::directory_iterator(golden("bad/") / GetParam())) {
    EXPECT_TRUE(listed.contains(fs::path(GetParam()) / entry.path().filename())) << entry.path();
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, BadFiles, testing::Values("gguf", "safetensors", "imatrix"),
                         [](const auto& suite) { return suite.param; });

}  // namespace
}  // namespace pajamas
