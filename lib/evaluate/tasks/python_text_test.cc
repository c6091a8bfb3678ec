// SPDX-License-Identifier: Apache-2.0
// Expected values are what CPython 3.11 prints.
#include "evaluate/tasks/python_text.h"

#include <gtest/gtest.h>

namespace pajamas {
namespace {

TEST(PythonText, StripsTheWhiteSpaceOfIsspace) {
  EXPECT_EQ(python_strip("\x1d a\u2003b\u2003\u0085"), "a\u2003b");
  EXPECT_EQ(python_rstrip(" a\n\u00a0"), " a");
  EXPECT_EQ(python_strip(" \u3000 "), "");
  EXPECT_EQ(python_strip("\u200b"), "\u200b");  // zero width, but no white space
}

TEST(PythonText, CapitalizesTheFirstCharacterAndLowersAllOthers) {
  EXPECT_EQ(python_capitalize("then Tom went to NASA."), "Then tom went to nasa.");
  EXPECT_EQ(python_capitalize(""), "");
  EXPECT_EQ(python_capitalize("\u00e9T\u00c9 \u0130STANBUL"), "\u00c9t\u00e9 i\u0307stanbul");
  EXPECT_EQ(python_capitalize("\u00dfA"), "Ssa");
  EXPECT_EQ(python_capitalize("\ufb01N"), "Fin");
  EXPECT_EQ(python_capitalize("\u01c6X"), "\u01c5x");  // a title case of its own
  EXPECT_EQ(python_capitalize("\u039f\u0394\u039f\u03a3 \u03a3\u0391\u03a3"),
            "\u039f\u03b4\u03bf\u03c2 \u03c3\u03b1\u03c2");  // final sigmas
}

TEST(PythonText, CountsCodePoints) {
  EXPECT_EQ(python_length("caf\u00e9 \U0001f600"), 6);
  EXPECT_EQ(python_length(""), 0);
}

}  // namespace
}  // namespace pajamas
