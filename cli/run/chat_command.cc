// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/file.h"
#include "commands.h"
#include "generation_flags.h"
#include "line_reader.h"

namespace pajamas::cli {
namespace {

constexpr std::uint64_t kMaxTemplateBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxConversationBytes = std::uint64_t{64} << 20;

struct ChatFlags : GenerationFlags {
  std::string system;
  std::string chat_template;
  std::string load;
  std::string template_values;
};

constexpr auto kChatFlags = std::to_array<Flag<ChatFlags>>({
    {"--system", &ChatFlags::system, "TEXT", "the system message"},
    {"--chat-template", &ChatFlags::chat_template, "FILE",
     "a Jinja template to use instead of the model's own"},
    {"--template-values", &ChatFlags::template_values, "JSON",
     "further variables of the template, like {\"enable_thinking\":false}"},
    {"--load", &ChatFlags::load, "FILE", "go on with a conversation saved by /save"},
});

constexpr std::string_view kHelp =
    "/help          this list\n"
    "/reset         forget the conversation\n"
    "/undo          take the last question and answer back\n"
    "/save FILE     write the conversation as JSON (go on with --load FILE)\n"
    "/system TEXT   another system message; begins anew\n"
    "/exit          leave (also Ctrl-D)\n"
    "Ctrl-C stops an answer. A line that ends in \\ goes on in the next; \"\"\" begins and ends a\n"
    "message of several lines; pasted text is one message.\n";

// The token of the answer that is being generated; Ctrl-C stops that answer, not the program.
std::atomic<CancelToken*> g_answer{nullptr};

// What reads the next message when no answer is under way.
std::atomic<const LineReader*> g_reader{nullptr};

void interrupt(int) {
  if (CancelToken* answer = g_answer.load()) {
    answer->cancel();
  } else if (const LineReader* reader = g_reader.load()) {
    reader->interrupt();
  }
}

// While it lives, Ctrl-C interrupts reading and answers.
class InterruptScope {
 public:
  explicit InterruptScope(const LineReader& reader) {
    g_reader.store(&reader);
    struct sigaction action{};
    action.sa_handler = interrupt;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &before_);
  }
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope() {
    ::sigaction(SIGINT, &before_, nullptr);
    g_reader.store(nullptr);
  }

 private:
  struct sigaction before_{};
};

class Chat {
 public:
  Chat(Engine& engine, const ModelText& text, GenerationOptions options, const ChatFlags& flags)
      : engine_(engine),
        text_(text),
        options_(std::move(options)),
        flags_(flags),
        sequence_(engine.new_sequence()) {}

  Status start() {
    if (!flags_.template_values.empty()) {
      extra_ = PJ_TRY(parse_json(flags_.template_values, "--template-values", {}));
      if (!extra_.is_object()) {
        return make_error(ErrorCode::kInvalidArgument,
                          "--template-values is {}, expected a JSON object", extra_.type_name());
      }
    }
    reset(flags_.system);
    if (flags_.load.empty()) return {};
    Json loaded =
        PJ_TRY(read_json_file(flags_.load, {.max_bytes = kMaxConversationBytes, .max_depth = 32}));
    if (!loaded.is_array() || loaded.empty()) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}' is not a conversation: expected a JSON list of messages",
                        flags_.load);
    }
    messages_ = std::move(loaded);
    return {};
  }

  // False: leave.
  Result<bool> take(const std::string& message) {
    if (message.empty()) return true;
    if (message.front() == '/') return command(message);
    messages_.push_back({{"role", "user"}, {"content", message}});
    const Status answered = answer();
    if (answered) return true;
    messages_.erase(messages_.size() - 1);  // as if it had not been asked
    return std::unexpected(answered.error());
  }

 private:
  void reset(const std::string& system) {
    messages_ = Json::array();
    if (!system.empty()) messages_.push_back({{"role", "system"}, {"content", system}});
  }

  Result<bool> command(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (name == "/exit" || name == "/quit" || name == "/bye") return false;
    if (name == "/help" || name == "/?") {
      fmt::print("{}", kHelp);
    } else if (name == "/reset" || name == "/clear") {
      reset(flags_.system);
      fmt::print("The conversation is forgotten.\n");
    } else if (name == "/system") {
      reset(rest);
      fmt::print("The conversation begins anew with this system message.\n");
    } else if (name == "/undo") {
      undo();
    } else if (name == "/save") {
      if (rest.empty()) {
        return make_error(ErrorCode::kInvalidArgument, "/save needs a file name: /save FILE");
      }
      PJ_TRY(write_file_atomic(
          rest, messages_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"));
      fmt::print("Saved {} messages in {}.\n", messages_.size(), rest);
    } else {
      return make_error(ErrorCode::kInvalidArgument, "there is no command {}; /help lists them",
                        name);
    }
    return true;
  }

  void undo() {
    const auto is_role = [&](std::string_view role) {
      return !messages_.empty() && messages_.back().value("role", "") == role;
    };
    if (is_role("assistant")) messages_.erase(messages_.size() - 1);
    if (is_role("user")) messages_.erase(messages_.size() - 1);
    fmt::print("{} messages are left.\n", messages_.size());
  }

  Status answer() {
    const std::string prompt = PJ_TRY(
        text_.render_chat({.messages = messages_, .add_generation_prompt = true, .extra = extra_}));
    const std::vector<std::int32_t> ids = PJ_TRY(text_.encode_chat(prompt));
    CancelToken cancel;
    g_answer.store(&cancel);
    std::string said;
    TextGenerator generator(engine_, text_);
    const auto result = generator.run(
        sequence_, ids, options_,
        [&](std::string_view piece) {
          said += piece;
          std::fwrite(piece.data(), 1, piece.size(), stdout);
          std::fflush(stdout);
        },
        cancel);
    g_answer.store(nullptr);
    if (!result) return std::unexpected(result.error());
    fmt::print("{}\n", said.ends_with('\n') ? "" : "\n");
    std::fflush(stdout);
    if (!flags_.quiet) print_statistics(*result);
    messages_.push_back({{"role", "assistant"}, {"content", said}});
    return {};
  }

  Engine& engine_;
  const ModelText& text_;
  GenerationOptions options_;
  const ChatFlags& flags_;
  Sequence sequence_;
  Json messages_ = Json::array();
  Json extra_ = Json::object();
};

Status run_chat(const ChatFlags& flags, const CancelToken& cancel) {
  const GenerationOptions options = PJ_TRY(to_generation_options(flags));
  const auto engine = PJ_TRY(open_engine(flags, cancel));
  ModelText text = PJ_TRY(ModelText::open(engine->model()));
  if (!flags.chat_template.empty()) {
    PJ_TRY(text.set_chat_template(PJ_TRY(read_text_file(flags.chat_template, kMaxTemplateBytes))));
  }
  // Says at once when the model cannot chat.
  if (!text.has_chat_template()) PJ_TRY(text.render_chat({}));

  Chat chat(*engine, text, options, flags);
  PJ_TRY(chat.start());
  LineReader reader;
  const InterruptScope interrupts(reader);
  const bool is_typed = ::isatty(STDIN_FILENO) == 1;
  if (is_typed && !flags.quiet) {
    fmt::print("{}, {} tokens of context. /help lists the commands.\n", engine->model().name,
               engine->context());
  }
  while (true) {
    const std::optional<std::string> message = reader.read_message("> ");
    if (!message) {
      if (reader.end() == LineReader::End::kEndOfInput) break;
      fmt::print("\n(/exit or Ctrl-D leaves)\n");
      continue;
    }
    const Result<bool> goes_on = chat.take(*message);
    if (goes_on && !*goes_on) break;
    if (goes_on) continue;
    // A person can try again; a script must not go on as if nothing had happened.
    if (!is_typed) return std::unexpected(goes_on.error());
    if (goes_on.error().code != ErrorCode::kCancelled) {
      fmt::print(stderr, "error: {}\n", goes_on.error().message);
    }
  }
  if (is_typed) fmt::print("\n");
  return {};
}

}  // namespace

Command add_chat(CLI::App& program) {
  CLI::App* app = add_command(program, "chat", "Talk with a model");
  auto flags = std::make_shared<ChatFlags>();
  add_flags<ModelFlags>(*app, *flags, kModelFlags);
  add_flags<ChatFlags>(*app, *flags, kChatFlags);
  add_flags<GenerationFlags>(*app, *flags, kGenerationFlags);
  return {app, [flags](const CancelToken& cancel) { return run_chat(*flags, cancel); },
          [] { return false; }};
}

}  // namespace pajamas::cli
