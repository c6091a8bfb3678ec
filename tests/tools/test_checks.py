#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each structural check passes a good tree and fails a bad one."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import check_layers  # noqa: E402
import check_programs  # noqa: E402
import check_sizes  # noqa: E402
import check_tests_built  # noqa: E402
import check_text  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


class TreeTest(unittest.TestCase):
    """A temporary source tree."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, place: str, text: str) -> None:
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def assert_one_problem(self, problems: list[str], expected: str) -> None:
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(expected, problems[0])


class CheckLayersTest(TreeTest):
    def setUp(self) -> None:
        super().setUp()
        self.write("lib/LAYERS", "# comment\nbase:\ntensor: base\ntext: base\n")
        self.write("lib/base/a.h", "#pragma once\n")
        self.write("lib/tensor/b.h", '#include <vector>\n#include "base/a.h"\n')

    def test_includes_that_follow_the_layers_pass(self) -> None:
        self.assertEqual(check_layers.check(self.root), [])

    def test_an_upward_include_fails(self) -> None:
        self.write("lib/base/c.cc", '#include "tensor/b.h"\n')
        self.assert_one_problem(check_layers.check(self.root), "base may not use tensor")

    def test_an_include_of_a_layer_the_line_does_not_name_fails(self) -> None:
        self.write("lib/text/c_test.cc", '  #  include "tensor/b.h"\n')
        self.assert_one_problem(check_layers.check(self.root), "text may not use tensor")

    def test_a_front_end_included_from_lib_fails(self) -> None:
        self.write("lib/text/c.cc", '#include "cli/quant/main.h"\n')
        self.assert_one_problem(check_layers.check(self.root), "never includes a front end")

    def test_an_include_without_its_layer_fails(self) -> None:
        self.write("lib/base/c.cc", '#include "a.h"\n')
        self.assert_one_problem(check_layers.check(self.root), 'expected "layer/file.h"')

    def test_a_missing_header_fails(self) -> None:
        self.write("lib/base/c.cc", '#include "base/gone.h"\n')
        self.assert_one_problem(check_layers.check(self.root), "there is no lib/base/gone.h")

    def test_a_folder_without_a_line_fails(self) -> None:
        self.write("lib/extra/c.cc", "")
        self.assert_one_problem(check_layers.check(self.root), "lib/extra: no line")

    def test_a_line_that_uses_a_later_line_fails(self) -> None:
        self.write("lib/LAYERS", "base: text\ntensor: base\ntext: base\n")
        self.assert_one_problem(check_layers.check(self.root), "which no line above has")


class CheckTestsBuiltTest(TreeTest):
    def setUp(self) -> None:
        super().setUp()
        self.write(
            "lib/base/a_test.cc",
            "TEST(Alpha, Works) {}\n// TEST(Alpha, InAComment)\n"
            "TEST_P(Beta, Works) {}\nTYPED_TEST(Gamma, Works) {}\n",
        )
        self.write("tests/e2e/x_test.py", "")
        self.built = check_tests_built.BuiltTests(
            sources={(self.root / "lib/base/a_test.cc").resolve()},
            names={"Alpha.Works", "All/Beta.Works/q4_0", "Gamma/0.Works"},
            commands=[["python3", str(self.root / "tests/e2e/x_test.py")]],
        )

    def check(self) -> list[str]:
        return check_tests_built.check(self.root, self.built)

    def test_a_complete_build_passes(self) -> None:
        self.assertEqual(self.check(), [])

    def test_a_file_that_is_not_compiled_fails(self) -> None:
        self.write("cli/quant/b_test.cc", "TEST(B, C) {}\n")
        self.assert_one_problem(self.check(), "cli/quant/b_test.cc: not compiled")

    def test_files_that_are_compiled_together_are_compiled(self) -> None:
        joined = self.root / "build/CMakeFiles/a.dir/Unity/unity_0_cxx.cxx"
        one, other = self.root / "lib/one_test.cc", self.root / "lib/other_test.cc"
        self.write(str(joined), f'/* made by CMake */\n#include "{one}"\n\n#include "{other}"\n')
        self.write("build/compile_commands.json",
                   json.dumps([{"directory": str(self.root / "build"), "file": str(joined)}]))
        compiled = check_tests_built.compiled_sources(self.root / "build")
        self.assertEqual(compiled, {path.resolve() for path in (joined, one, other)})

    def test_a_case_ctest_does_not_know_fails(self) -> None:
        for name in sorted(self.built.names):
            with self.subTest(name):
                self.built.names.remove(name)
                self.assert_one_problem(self.check(), "ctest does not know")
                self.built.names.add(name)

    def test_a_disabled_case_fails(self) -> None:
        self.write("lib/base/a_test.cc", "TEST(Alpha, DISABLED_Works) {}\n")
        self.assert_one_problem(self.check(), "Alpha.DISABLED_Works")

    def test_a_test_file_without_cases_fails(self) -> None:
        self.write("lib/base/a_test.cc", "int x;\n")
        self.assert_one_problem(self.check(), "has no test case")

    def test_a_python_test_nothing_runs_fails(self) -> None:
        self.built.commands.clear()
        self.assert_one_problem(self.check(), "no ctest test runs it")


def long_function(lines: int) -> str:
    body = "".join(f"  if (x > {number}) {{ x -= 1; }}\n" for number in range(lines - 2))
    return f"Result<int> long_one(int x) {{\n{body}}}\n"


class CheckSizesTest(TreeTest):
    def test_short_code_is_within_budget(self) -> None:
        self.write("lib/base/a.cc", long_function(60))
        report = check_sizes.check(self.root)
        self.assertEqual((report.over_budget, report.over_limit), ([], []))
        self.assertEqual(report.function_count, 1)

    def test_a_function_over_budget_is_reported(self) -> None:
        self.write("lib/base/a.cc", "\n" + long_function(61))
        report = check_sizes.check(self.root)
        self.assert_one_problem(report.over_budget, "lib/base/a.cc:2: long_one: 61 lines")
        self.assertEqual(report.over_limit, [])

    def test_a_function_over_the_hard_limit_fails(self) -> None:
        self.write("lib/base/a.cc", long_function(121))
        self.assert_one_problem(check_sizes.check(self.root).over_limit, "121 lines")

    def test_kernels_have_a_larger_budget(self) -> None:
        self.write("lib/kernels/avx2/a.cc", long_function(120))
        self.assertEqual(check_sizes.check(self.root).over_budget, [])

    def test_a_file_over_the_hard_limit_fails_and_a_table_does_not(self) -> None:
        self.write("lib/base/a.cc", "int x;\n" * 901)
        self.write("lib/base/table.inc", "1,\n" * 5000)
        self.assert_one_problem(check_sizes.check(self.root).over_limit, "lib/base/a.cc: 901")

    def test_many_long_functions_fail_together(self) -> None:
        self.write("lib/base/long.cc", long_function(61) * 4)
        self.write("lib/base/short.cc", long_function(3) * 96)
        self.assert_one_problem(check_sizes.check(self.root).over_limit, "4.0% of the functions")

    def test_functions_are_found_in_all_their_forms(self) -> None:
        text = """
        namespace a { namespace {
        class Thing : public Base {
         public:
          Thing(int x) : x_(x), y_{2} { use("}"); }
          ~Thing() override { /* } */ }
          bool operator==(const Thing& other) const { return x_ == other.x_; }
          int plain() const noexcept { auto f = [](char c) { return c == '{'; }; return f('a'); }
        };
        template <typename T, int N = sizeof(T)>
          requires std::is_arithmetic_v<T>
        Result<std::vector<T>> read(std::span<const T> from) { return R"x(} })x"; }
        constexpr std::array kTable = {entry(1), entry(2)};
        enum class Kind : int { kOne, kTwo };
        struct Options { int a = 1; std::string b{"x"}; };
        }}
        """
        names = [function.name for function in check_sizes.cpp_functions(text)]
        self.assertEqual(names, ["Thing", "~Thing", "operator==", "plain", "read"])


class CheckTextTest(TreeTest):
    def assert_rejected(self, place: str, text: str, expected: str) -> None:
        self.write(place, text)
        self.assert_one_problem(check_text.check(self.root), expected)

    def test_clean_text_passes(self) -> None:
        self.write("lib/base/a.h", SPDX + "#pragma once\n// TODO(#12): more\nint if_x;\n")
        self.write("lib/base/cpu_features.cc", SPDX + "#if defined(__x86_64__)\n#endif\n")
        self.write("tool.py", "#!/usr/bin/env python3\n# " + SPDX[3:])
        self.write("docs/a.md", "Writes `build/work/x` and docs/root/y; see $HOME/tmp/z.\n")
        self.write("lib/a.cc", SPDX + "int x;  // NOLINT(some-check): the library wants it\n")
        self.assertEqual(check_text.check(self.root), [])

    def test_a_missing_spdx_line_fails(self) -> None:
        self.assert_rejected("lib/base/a.h", "#pragma once\n" + SPDX, "a.h:1: the first line")

    def test_a_todo_without_an_issue_fails(self) -> None:
        self.assert_rejected("lib/a.cc", SPDX + "// TODO: later\n", "a.cc:2: TODO without")

    def test_a_condition_outside_the_listed_files_fails(self) -> None:
        self.assert_rejected("lib/a.cc", SPDX + "#ifdef __AVX2__\n#endif\n", "#ifdef here")

    def test_a_nolint_without_a_reason_fails(self) -> None:
        self.assert_rejected("lib/a.cc", SPDX + "int x;  // NOLINT(some-check)\n", "NOLINT")

    def test_a_path_of_one_machine_fails(self) -> None:
        for path in ("/work/main", "/root/x", "/tmp/x", "/home/me"):
            with self.subTest(path):
                self.assert_rejected("docs/a.md", f"Look in `{path}`.\n", "a path of one machine")

    def test_a_registry_host_fails(self) -> None:
        self.assert_rejected("docs/a.md", "see https://pypi.org/x\n", "a registry's host")

    def test_an_address_in_a_lock_file_fails(self) -> None:
        self.assert_rejected("a.json", '{"resolved": "https://mirror/x.tgz"}', "omit resolved")

    def test_files_that_are_not_text_are_left_alone(self) -> None:
        (self.root / "weights.bin").write_bytes(b"\xff\xfe/tmp/x")
        self.assertEqual(check_text.check(self.root), [])


class CheckFormatTest(TreeTest):
    def run_check(self) -> subprocess.CompletedProcess:
        style = (ROOT / ".clang-format").read_text(encoding="utf-8")
        self.write(".clang-format", style)
        return subprocess.run(
            [str(ROOT / "tools/check_format.sh"), "--root", str(self.root)],
            capture_output=True, text=True, check=False,
        )

    def test_formatted_sources_pass(self) -> None:
        self.write("lib/a.cc", "int main() { return 0; }\n")
        self.assertEqual(self.run_check().returncode, 0)

    def test_an_unformatted_source_fails_and_is_named(self) -> None:
        self.write("lib/a.cc", "int main( ) {return 0;}\n")
        result = self.run_check()
        self.assertEqual(result.returncode, 1)
        self.assertIn("not formatted: lib/a.cc", result.stderr)


class CheckProgramsTest(unittest.TestCase):
    PROMISE = check_programs.Promise(1000, ("libcurl",), ("pipeline",))

    def problems(self, size: int, libraries: list[str], layers: set[str]) -> list[str]:
        return check_programs.broken_promises("run", self.PROMISE, size, libraries, layers)

    def test_a_program_that_keeps_its_promise_passes(self) -> None:
        self.assertEqual(self.problems(1000, ["libc.so.6"], {"base"}), [])

    def test_each_broken_promise_is_told(self) -> None:
        problems = self.problems(1001, ["libcurl.so.4"], {"base", "pipeline"})
        self.assertEqual(len(problems), 3, problems)
        for problem, expected in zip(problems, ("1001 bytes", "libcurl.so.4", "pipeline")):
            self.assertIn(expected, problem)


if __name__ == "__main__":
    unittest.main()
