// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace pajamas {
namespace {

using ::testing::HasSubstr;

Result<std::string> render(std::string_view text, const ChatInput& input = {}) {
  const PromptTemplate compiled = PJ_TRY(PromptTemplate::compile(text));
  return compiled.render(input);
}

std::string error_of(std::string_view text, const ChatInput& input = {}) {
  const Result<std::string> result = render(text, input);
  return result ? "no error, but: " + result->substr(0, 200) : result.error().message;
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int n = 0; n < times; ++n) result += text;
  return result;
}

class InUtc : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

// tests/golden/make_jinja_golden.py writes what Python's jinja2 makes of each.
TEST_F(InUtc, SnippetsGiveWhatJinja2Gives) {
  const Json golden =
      read_json_file(std::filesystem::path(PJ_SOURCE_DIR) / "tests/golden/jinja/snippets.json", {})
          .value();
  ASSERT_GT(golden["snippets"].size(), 500U);
  ChatInput input;
  input.extra = golden["context"];
  input.now_s = golden["now_s"].get<std::int64_t>();
  for (const Json& snippet : golden["snippets"]) {
    const std::string text = snippet["template"];
    const Result<std::string> result = render(text, input);
    if (snippet.contains("error")) {
      EXPECT_FALSE(result.has_value()) << text << "\ngave " << *result;
    } else if (!result) {
      ADD_FAILURE() << text << "\nfailed: " << result.error().message;
    } else {
      EXPECT_EQ(*result, snippet["text"].get<std::string>()) << text;
    }
  }
}

TEST(PromptTemplate, RendersMessagesInTheOrderOfTheirKeys) {
  ChatInput input;
  input.messages = Json::parse(R"([{"role": "user", "content": "Hi", "a": 1}])");
  input.tools = Json::parse(R"([{"z": 1, "b": {"y": [true, null]}}])");
  input.add_generation_prompt = true;
  input.extra["bos_token"] = "<s>";
  EXPECT_EQ(render("{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n"
                   "{% endfor %}{{ tools | tojson }}{{ messages }}"
                   "{% if add_generation_prompt %}>{% endif %}",
                   input)
                .value(),
            "<s>user: Hi\n[{\"z\": 1, \"b\": {\"y\": [true, null]}}]"
            "[{'role': 'user', 'content': 'Hi', 'a': 1}]>");
}

TEST(PromptTemplate, GivesNoneForToolsThatAreNotThere) {
  EXPECT_EQ(render("{{ tools is none }}{{ documents is none }}{{ other is defined }}").value(),
            "TrueTrueFalse");
}

TEST(PromptTemplate, PassesTheMessageOfATemplateThatRefusesOn) {
  const Result<std::string> result =
      render("a\n{% if 1 %}\n{{ raise_exception('Roles must alternate!') }}{% endif %}");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(result.error().message,
            "chat template: line 3: the template refuses the input: Roles must alternate!");
}

TEST(PromptTemplate, NamesTheLineOfAnError) {
  EXPECT_EQ(error_of("a\n\n{{ 1 + }}"),
            "chat template: line 3: unexpected '}}', expected an expression");
  EXPECT_EQ(error_of("{% for x in y %}\n\n"),
            "chat template: line 2: the template ends inside of a block, expected 'endfor' or "
            "'else'");
  EXPECT_EQ(error_of("a\n{{ nope.name }}"), "chat template: line 2: 'nope' is undefined");
  EXPECT_EQ(error_of("\n{{ 'a'|nope }}"), "chat template: line 2: there is no filter named 'nope'");
  EXPECT_THAT(error_of("\n{% include 'x' %}"),
              HasSubstr("line 2: 'include' is not supported in a chat template"));
}

TEST(PromptTemplate, RefusesWhatIsNoText) {
  EXPECT_THAT(error_of("a\xff"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(error_of(std::string(600'000, 'x')), HasSubstr("600000 bytes, expected at most"));
  ChatInput input;
  input.messages = Json::array({"\xff"});
  EXPECT_THAT(error_of("{{ messages }}", input), HasSubstr("not valid UTF-8"));
  Json deep = Json::array();
  for (int n = 0; n < 1000; ++n) deep = Json::array({deep});
  input.messages = deep;
  EXPECT_THAT(error_of("{{ messages }}", input), HasSubstr("nest deeper than 128"));
}

TEST(PromptTemplate, KeepsToLimitsThatAreGiven) {
  const PromptTemplate loop =
      PromptTemplate::compile("{% for x in range(100) %}{{ x }}{% endfor %}").value();
  EXPECT_TRUE(loop.render({}, {.max_steps = 1000}).has_value());
  EXPECT_THAT(loop.render({}, {.max_steps = 300}).error().message,
              HasSubstr("more than 300 steps"));
  EXPECT_THAT(loop.render({}, {.max_output_bytes = 100}).error().message,
              HasSubstr("more than 100 bytes"));
}

struct Hostile {
  std::string text;
  std::string_view problem;
};

void expect_errors(std::span<const Hostile> gallery) {
  for (const Hostile& hostile : gallery) {
    EXPECT_THAT(error_of(hostile.text), HasSubstr(hostile.problem)) << hostile.text.substr(0, 200);
  }
}

TEST(PromptTemplate, RefusesTemplatesThatNestWithoutEnd) {
  const Hostile gallery[] = {
      {"{{ " + repeated("(", 60'000), "the template ends"},
      {"{{ " + repeated("(", 60'000) + repeated(")", 60'000) + " }}", "nests deeper"},
      {"{{ " + repeated("[", 60'000) + repeated("]", 60'000) + " }}", "nests deeper"},
      {"{{ " + repeated("not ", 60'000) + "1 }}", "nests deeper"},
      {"{{ " + repeated("- ", 60'000) + "1 }}", "nests deeper"},
      {"{{ " + repeated("1 if 0 else ", 40'000) + "1 }}", "nests deeper"},
      {"{{ a" + repeated(".b", 60'000) + " }}", "operations in a row"},
      {"{{ 1" + repeated("+1", 60'000) + " }}", "operations in a row"},
      {"{{ 1" + repeated("|abs", 60'000) + " }}", "operations in a row"},
      {repeated("{% if 1 %}", 40'000), "nests deeper"},
  };
  expect_errors(gallery);
}

TEST(PromptTemplate, EndsHostileRenderingsWithAnError) {
  // A string of 128 KiB in ns.x.
  const std::string big =
      "{% set ns = namespace(x='a') %}"
      "{% for i in range(17) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}";
  const std::string many = "{% for i in range(99999) %}";
  const std::string end = "{% endfor %}";
  const std::string nested =
      "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(100) %}"
      "{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}" +
      end;
  const Hostile gallery[] = {
      {many + many + "x" + end + end, "steps"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nest deeper"},
      {"{% macro m(n=m()) %}{% endmacro %}{{ m() }}", "nest deeper"},
      {"{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(40) }}",
       "steps"},
      {"{% macro m() %}{% set x %}{{ [m(), {'a': m()}] }}{% endset %}{% endmacro %}{{ m() }}",
       "nest deeper"},
      {"{% set ns = namespace(x='a') %}" + many + "{% set ns.x = ns.x ~ ns.x %}" + end, "bytes"},
      {"{% set ns = namespace(x=[1]) %}" + many + "{% set ns.x = ns.x + ns.x %}" + end, "bytes"},
      {"{{ 'a' * 10**12 }}", "bytes"},
      {"{{ [0] * 10**9 }}", "bytes"},
      {"{% for i in range(10**9) %}x{% endfor %}", "more than 100000 elements"},
      {"{{ 2 ** 10**18 }}", "64 bits"},
      {big + "{{ ns.x|replace('', ns.x) }}", "limit of one"},
      {big + many + "{{ ns.x|replace(ns.x[:60000] ~ 'b', '') }}" + end, "limit of one"},
      {big + many + "{{ ns.x.rfind(ns.x[:60000] ~ 'b') }}" + end, "limit of one"},
      {big + many + "{{ ns.x.strip(ns.x) }}" + end, "limit of one"},
      {big + many + "{{ ns.x.split('a')|length }}" + end, "limit of one"},
      {big + many + "{{ ns.x|wordcount }}" + end, "limit of one"},
      {big + "{{ range(99999)|join(ns.x) }}", "limit of one"},
      {big + many + "{{ ns.x }}" + end, "limit of one"},
      {big + "{{ [[[1,2,3]]]|tojson(indent=ns.x) }}" + many + many + end + end, "limit of one"},
      {"{% set ns = namespace(x=[]) %}" + many + "{% set ns.x = [ns.x] %}" + end, "128 levels"},
      {"{% set ns = namespace(x='') %}" + many + "{% set ns.x = [ns.x].copy %}" + end,
       "128 levels"},
      {nested + "{{ ns.x }}", "limit of one"},
      {nested + "{{ ns.x|tojson }}", "limit of one"},
      {nested + "{{ ns.x == ns.y }}", "limit of one"},
      {"{% set ns = namespace() %}{% set ns.a = [ns, ns] %}{{ ns }}", "holds itself"},
      {"{{ '%1000000000d' % 1 }}", "width"},
      {"{{ '{:1000000000}'.format(1) }}", "width"},
      {"{{ 'a'.center(10**9) }}", "width"},
      {"{{ 'x'|indent(10**9, true) }}", "width"},
      {"{{ [1]|batch(10**9, 'x')|list }}", "steps"},
      {"{{ [1]|slice(10**9)|list }}", "limit of one"},
      {"{{ range(99999)|unique|list }}", "steps"},
      {"{{ strftime_now('%1000000000Y') }}", "4096 bytes"},
      {many + many + "{% macro m() %}{% endmacro %}" + end + end, "limit of one"},
  };
  expect_errors(gallery);
}

TEST(PromptTemplate, ReachesNothingBeyondItsValues) {
  for (const std::string_view text :
       {"{{ ''.__class__.__mro__ }}", "{{ range.__globals__['os'] }}",
        "{{ messages.__init__.__globals__ }}", "{{ [].append(1) }}", "{{ {}.update({}) }}",
        "{{ '{0.__class__.__init__}'.format(messages) }}", "{{ namespace(__class__=1) }}"}) {
    EXPECT_FALSE(render(text).has_value()) << text;
  }
}

TEST(PromptTemplate, LoopsThatAreKeptAfterTheirEndHoldNothing) {
  EXPECT_EQ(render("{% set ns = namespace() %}{% for x in [1, 2] %}{% set ns.l = loop %}"
                   "{{ loop.changed(loop) }}{% endfor %}{{ ns.l.previtem }}{{ ns.l.length }}")
                .value(),
            "TrueFalse2");
}

}  // namespace
}  // namespace pajamas
